/** For a page that loads scripts the old way: one file with one global, `Tingqing`. */

import { loadWorkletFrom } from '../audio/microphone.js';

export { FailureCode } from '../protocol/failures.js';
export { TingqingClient } from './client.js';

// The script that is running now lies beside the worklet.
const { currentScript } = document;
if (currentScript instanceof HTMLScriptElement) {
  loadWorkletFrom(new URL('tingqing-worklet.js', currentScript.src));
}
