/** Sentences that both pages show. */

/** @import { Pair } from './dictionary.js' */

/** @satisfies {Record<string, Pair>} */
export const SHARED = {
  session: /** @type {const} */ (['会话码', 'Session code']),
  noDiagnosis: /** @type {const} */ ([
    '只评估录音是否清楚，不评估患者，也不做诊断。',
    'This rates the recording, not the patient. It is not a diagnosis.',
  ]),
};
