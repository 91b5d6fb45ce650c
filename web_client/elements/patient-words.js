/** What the patient's page says right now. */

import { failureSentence } from '../language/failure-strings.js';

/**
 * @import { PatientKey } from '../language/patient-strings.js'
 * @import { Reading } from '../meter/meter.js'
 * @import { FailureCode } from '../protocol/failures.js'
 * @import { Language, Prompt, Result, Text } from '../protocol/types.js'
 *
 * @typedef {(key: PatientKey, values?: Record<string, string>) => string} Translate
 * @typedef {'idle' | 'connecting' | 'live' | 'paused' | 'reconnecting' | 'ended' | 'error'} HostState
 * @typedef {{state: HostState, language: Language, asking: boolean, ending: boolean,
 *   silent: boolean, sending: boolean, reading: Reading,
 *   prompt: Prompt | null, afterwards: 'allRight' | 'better' | null,
 *   failure: FailureCode | null, result: Result | null, basicMode: boolean, code: string, doctorUrl: string,
 *   guest: boolean, notices: Text[]}} PatientModel `guest`: came with a token; `notices`: about labels of one's own
 */

/** @param {Reading} reading @returns {PatientKey} */
export function wordOf({ grade, cause }) {
  return cause === 'network' || cause === 'paused' || cause === 'silent' ? `patient.${cause}` : `patient.${grade}`;
}

/**
 * The one sentence to show now: the most urgent one.
 * @param {PatientModel} model
 * @param {Translate} t
 * @returns {string}
 */
export function sentenceOf(model, t) {
  const { state, language, asking, failure } = model;
  if (failure !== null) return failureSentence(failure, language);
  switch (state) {
    case 'connecting':
      return asking ? t('allowMicrophone') : '';
    case 'reconnecting':
      return t('lineLost');
    case 'paused':
      return t('pausedNow');
    case 'live':
      return liveSentence(model, t);
    case 'idle':
    case 'ended':
    case 'error':
      return '';
  }
}

/** @param {PatientModel} model @param {Translate} t @returns {string} */
function liveSentence({ language, ending, silent, prompt, afterwards, reading }, t) {
  if (ending) return t('finishing');
  if (silent) return t('microphoneSilent');
  if (prompt?.source === 'doctor') return t('doctorAsks', { prompt: prompt.text[language] });
  if (prompt) return prompt.text[language];
  if (reading.grade === 'clear') return t('youSoundClear');
  if (afterwards) return t(afterwards);
  return reading.cause === 'waiting' ? t('speakNow') : '';
}
