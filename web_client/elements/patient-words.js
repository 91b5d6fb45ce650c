/** What the patient's page says right now. */

import { ownWords } from '../language/dictionary.js';
import { failureSentence } from '../language/failure-strings.js';
import { FailureCode } from '../protocol/failures.js';

/**
 * @import { Texts } from '../language/dictionary.js'
 * @import { Where } from '../language/where.js'
 * @import { Said } from './afterwards.js'
 * @import { PatientKey } from '../language/patient-strings.js'
 * @import { Reading } from '../meter/meter.js'
 * @import { Language, Prompt, Result, Text } from '../protocol/types.js'
 *
 * @typedef {(key: PatientKey, values?: Record<string, string>) => string} Translate
 * @typedef {'idle' | 'connecting' | 'live' | 'paused' | 'reconnecting' | 'ended' | 'error'} HostState
 * @typedef {{state: HostState, language: Language, texts: Texts, where: Where, asking: boolean, ending: boolean,
 *   silent: boolean, interrupted: boolean, restarting: boolean, resumable: boolean, sending: boolean, reading: Reading,
 *   prompt: Prompt | null, afterwards: Said | null, spent: boolean,
 *   failure: FailureCode | null, result: Result | null, code: string, doctorUrl: string,
 *   guest: boolean, notices: Text[]}} PatientModel `guest`: came with a token. `notices`: about labels of one's own.
 *   `interrupted`: paused by the system. `restarting`: the server is. `resumable`: there is a session to go on with.
 *   `spent`: nothing can be begun any more with the link at hand
 * @typedef {{start: () => void, pause: () => void, finish: () => void, notNow: () => void,
 *   labels: () => string | null}} PatientActions
 * @typedef {{render: (model: PatientModel, level: number) => void, showLevel: (level: number) => void,
 *   assess?: (file: File) => Promise<void>, dragging?: (over: boolean) => void}} Screen
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
  const { state, language, where, asking, failure, interrupted, restarting, spent } = model;
  if (failure !== null) return (spent && linkSentence(failure, t)) || failureSentence(failure, language, where);
  switch (state) {
    case 'connecting':
      return asking ? t('allowMicrophone') : '';
    case 'reconnecting':
      return t(restarting ? 'restarting' : 'lineLost');
    case 'paused':
      return t(interrupted ? 'interrupted' : 'pausedNow');
    case 'live':
      return liveSentence(model, t);
    case 'idle':
      if (spent) return t('link.token_used');
      return model.resumable ? t('notOver') : '';
    case 'ended':
    case 'error':
      return '';
  }
}

/** Failures that a patient whose link works once can only mend with another link. */
const ASK_FOR_ANOTHER = /** @type {const} */ ([
  'token_used',
  'token_expired',
  'foreign_token',
  'invalid_token',
  'lost',
  'session_lost',
  'idle_timeout',
]);
/** These say by themselves all that there is to do. @type {ReadonlySet<FailureCode>} */
const ENOUGH_SAID = new Set([FailureCode.UNAUTHORIZED, FailureCode.INVALID_LABELS, FailureCode.SESSION_SUPERSEDED]);

/**
 * What happened to a link that opens nothing any more, and whom to ask for another one.
 * @param {FailureCode} failure @param {Translate} t @returns {string} empty: the failure's own sentence says it
 */
export function linkSentence(failure, t) {
  if (ENOUGH_SAID.has(failure)) return '';
  const known = ASK_FOR_ANOTHER.find((code) => code === failure);
  return t(known ? `link.${known}` : 'link.over');
}

/** @param {PatientModel} model @param {Translate} t @returns {string} */
function liveSentence({ language, texts, ending, silent, prompt, afterwards, reading }, t) {
  if (ending) return t('finishing');
  if (silent) return t('microphoneSilent');
  if (prompt) return asked(prompt, texts, language, t);
  if (afterwards === 'partLost') return t('partLost');
  if (reading.grade === 'clear') return t('youSoundClear');
  if (afterwards) return t(afterwards);
  return reading.cause === 'waiting' ? t('speakNow') : '';
}

/** @param {Prompt} prompt @param {Texts} texts @param {Language} language @param {Translate} t @returns {string} */
function asked({ id, text, source }, texts, language, t) {
  const said = ownWords(texts, `prompt.${id}`, language) ?? text[language];
  return source === 'doctor' ? t('doctorAsks', { prompt: said }) : said;
}
