/** The client without elements, for pages that draw their own. Importing this module defines nothing. */

/**
 * For TypeScript, by their names.
 *
 * @typedef {import('./client/client.js').ClientOptions} ClientOptions
 * @typedef {import('./client/client-state.js').ClientState} ClientState
 * @typedef {import('./client/observer.js').WatchOptions} WatchOptions
 * @typedef {import('./client/observer.js').WatchState} WatchState
 * @typedef {import('./protocol/types.js').ServerMessage} ServerMessage
 * @typedef {import('./protocol/types.js').Result} Result
 * @typedef {import('./protocol/types.js').Segment} Segment
 */

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
