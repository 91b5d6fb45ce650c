/** Why a recording was not assessed, in words. */

import { whyFailed } from '../elements/upload.js';
import { inWordsOf } from '../language/dictionary.js';
import { patientText } from '../language/patient-strings.js';

/**
 * @import { Failure } from '../protocol/failures.js'
 * @import { Language } from '../protocol/types.js'
 */

/**
 * What the server says of this very file, where it says it in both languages; else what such a failure means.
 * @param {Failure} failure @param {Language} language @returns {string}
 */
export function whyRefused(failure, language) {
  if (failure.zh) return language === 'zh' ? failure.zh : failure.detail;
  return whyFailed(failure, language, inWordsOf(patientText, language));
}
