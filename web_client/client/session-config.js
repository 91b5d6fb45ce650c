/** With what a session is begun: what the options ask for, and what the line carries of the patient's sound. */

/**
 * @import { Encoding, SessionConfig } from '../protocol/session-state.js'
 * @import { Capture } from '../protocol/types.js'
 * @import { ClientOptions } from './client.js'
 *
 * @typedef {'full' | 'half' | 'narrow'} LineOption `full`: 16-bit samples, 32 kB/s at 16 kHz. `half`: mu-law at 16 kHz,
 *   16 kB/s. `narrow`: mu-law at 8 kHz, 8 kB/s, a telephone's band
 */

const HIGHEST = { full: undefined, half: 16_000, narrow: 8000 };

/** @param {LineOption} line @returns {number | undefined} Hz that are sent at most; anything if absent */
export function highestOf(line) {
  return HIGHEST[line];
}

/**
 * @param {ClientOptions} options
 * @param {LineOption} line
 * @param {{sampleRate: number, capture: Capture}} granted
 * @returns {SessionConfig}
 */
export function configOf(options, line, granted) {
  return { ...sentOver(line, granted), ...askedOf(options) };
}

/**
 * @param {LineOption} line
 * @param {{sampleRate: number, capture: Capture}} granted
 * @returns {{sampleRate: number, capture: Capture, encoding?: Encoding}}
 */
function sentOver(line, { sampleRate, capture }) {
  if (!HIGHEST[line]) return { sampleRate, capture };
  if (line === 'half') return { sampleRate, capture, encoding: 'mulaw' };
  // Of a telephone line the server believes in no processing that it is not told of: what is unknown may be on.
  const { noiseSuppression = true, autoGainControl = true } = capture;
  return {
    sampleRate,
    encoding: 'mulaw',
    capture: { ...capture, source: 'telephone', noiseSuppression, autoGainControl },
  };
}

/** @param {ClientOptions} options */
function askedOf({ labels, mode, reference, keepVoice, voiceOf, language = 'zh-CN' }) {
  return {
    language,
    ...(labels && { labels }),
    ...(reference && { reference }),
    ...(mode && { mode }),
    ...(keepVoice && { keep_voice: true }),
    ...(voiceOf && { voice_of: voiceOf }),
  };
}
