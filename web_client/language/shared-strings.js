/** Sentences that both pages show. */

/** @import { Pair } from './dictionary.js' */

/** @satisfies {Record<string, Pair>} */
export const SHARED = {
  microphoneSilent: /** @type {const} */ ([
    '话筒没有声音。请检查它是否已打开并插好。',
    'No sound from the microphone. Please check that it is on and plugged in.',
  ]),
  session: /** @type {const} */ (['会话码', 'Session code']),
  noDiagnosis: /** @type {const} */ ([
    '只评估录音是否清楚，不评估患者，也不做诊断。',
    'This rates the recording, not the patient. It is not a diagnosis.',
  ]),
};
