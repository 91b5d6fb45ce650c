/** For pages that embed the elements. Importing this module defines all of them. */

import { TingqingClient } from './client/client.js';
import { TingqingObserver } from './client/observer.js';
import { TingqingCheck } from './elements/check-element.js';
import { TingqingDoctor } from './elements/doctor-element.js';
import { TingqingPatient } from './elements/patient-element.js';
import { TingqingStrip } from './elements/strip-element.js';

export { TingqingCheck, TingqingClient, TingqingDoctor, TingqingObserver, TingqingPatient, TingqingStrip };
export { Connection, socketUrl } from './transport/connection.js';
export { FailureCode } from './protocol/failures.js';
export { Meter } from './meter/meter.js';
export { loadWorkletFrom, openMicrophone } from './audio/microphone.js';
export { MicrophoneError } from './audio/microphone-errors.js';
export { ObserverProtocol } from './protocol/observer.js';
export { SessionProtocol } from './protocol/session.js';
export { AssessError, assessFile } from './transport/assess.js';
export { allWindows } from './transport/windows.js';

for (const [name, element] of Object.entries({
  'tingqing-check': TingqingCheck,
  'tingqing-doctor': TingqingDoctor,
  'tingqing-patient': TingqingPatient,
  'tingqing-strip': TingqingStrip,
})) {
  if (!customElements.get(name)) customElements.define(name, element);
}
