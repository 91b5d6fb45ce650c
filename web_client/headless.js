/** The client without elements, for pages that draw their own. Importing this module defines nothing. */

export { TingqingClient } from './client/client.js';
export { TingqingObserver } from './client/observer.js';
export { Connection, socketUrl } from './transport/connection.js';
export { FailureCode } from './protocol/failures.js';
export { Meter } from './meter/meter.js';
export { loadWorkletFrom, openMicrophone } from './audio/microphone.js';
export { MicrophoneError } from './audio/microphone-errors.js';
export { ObserverProtocol } from './protocol/observer.js';
export { SessionProtocol } from './protocol/session.js';
export { AssessError, assessFile } from './transport/assess.js';
export { allWindows } from './transport/windows.js';
