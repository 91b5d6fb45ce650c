/** @import { Capture } from '../protocol/types.js' */

/** Whether the browser processes the sound, or does not say. Noise and loudness then cannot be judged. */
export function isProcessed(/** @type {Capture} */ capture) {
  const { source, echoCancellation, noiseSuppression, autoGainControl } = capture;
  return source === 'microphone' && [echoCancellation, noiseSuppression, autoGainControl].some((on) => on !== false);
}
