/** For pages that embed the elements: importing this defines both. */

import { TingqingDoctor } from './doctor-element.js';
import { TingqingPatient } from './patient-element.js';

export { TingqingDoctor, TingqingPatient };
export { Connection, socketUrl } from './connection.js';
export { Meter } from './meter.js';
export { MicrophoneError, openMicrophone } from './microphone.js';
export { ObserverProtocol } from './observer.js';
export { SessionProtocol } from './protocol.js';
export { assessFile } from './upload.js';

if (!customElements.get('tingqing-patient')) customElements.define('tingqing-patient', TingqingPatient);
if (!customElements.get('tingqing-doctor')) customElements.define('tingqing-doctor', TingqingDoctor);
