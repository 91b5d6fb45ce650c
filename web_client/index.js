/** For pages that embed the elements. Importing this module defines both. */

import { TingqingDoctor } from './elements/doctor-element.js';
import { TingqingPatient } from './elements/patient-element.js';

export { TingqingDoctor, TingqingPatient };
export { Connection, socketUrl } from './transport/connection.js';
export { FailureCode } from './protocol/failures.js';
export { Meter } from './meter/meter.js';
export { MicrophoneError, openMicrophone } from './audio/microphone.js';
export { ObserverProtocol } from './protocol/observer.js';
export { SessionProtocol } from './protocol/session.js';
export { AssessError, assessFile } from './transport/assess.js';
export { allWindows } from './transport/windows.js';

if (!customElements.get('tingqing-patient')) customElements.define('tingqing-patient', TingqingPatient);
if (!customElements.get('tingqing-doctor')) customElements.define('tingqing-doctor', TingqingDoctor);
