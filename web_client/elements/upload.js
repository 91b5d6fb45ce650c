/** The card for a recording instead of the microphone: choose or drop a file, and see whether it can be used. */

import { Bars } from '../drawing/bars.js';
import { h, hide, mark, say } from '../drawing/dom.js';
import { rowsOfResult } from '../meter/rows.js';
import { AssessError, sendFile } from '../transport/assess.js';
import { waveShape } from '../drawing/shapes.js';
import { inWordsOf } from '../language/dictionary.js';
import { failureSentence } from '../language/failure-strings.js';
import { patientText } from '../language/patient-strings.js';
import { FailureCode } from '../protocol/failures.js';

const LARGEST_BYTES = 200 * 1024 * 1024;
/** Failures whose sentence fits a file. The other sentences are about a session. @type {ReadonlySet<FailureCode>} */
const TOLD_OF_FILES = new Set([
  FailureCode.FILE_TOO_LARGE,
  FailureCode.INVALID_LABELS,
  FailureCode.UNDECODABLE_FILE,
  FailureCode.PROTECTED_FILE,
  FailureCode.UNREACHABLE,
]);

/**
 * @import { Failure } from '../protocol/failures.js'
 * @import { Language, Result } from '../protocol/types.js'
 * @import { Translate } from './patient-words.js'
 *
 * @typedef {{kind: 'none'} | {kind: 'cancelled', name: string}
 *   | {kind: 'working', name: string, sent: number, cancel: () => void} | {kind: 'done', name: string, result: Result}
 *   | {kind: 'failed', name: string, failure: Failure}} UploadState `sent`: 0..1; at 1 the server is judging
 */

const PROMPTED = /** @type {const} */ ([
  'speak_up',
  'move_somewhere_quieter',
  'come_closer',
  'check_microphone',
  'slow_down',
  'reduce_echo',
  'one_at_a_time',
  'move_back',
]);

/**
 * What the patient can do better: the worst trouble alone, in the words that prompts have. The result's advice speaks
 * to the doctor.
 * @param {Result} result @param {Translate} t
 */
export function adviceFor({ prompts = [], overall }, t) {
  const known = overall.verdict === 'accept' ? undefined : PROMPTED.find((id) => id === prompts[0]);
  return known ? t(`prompt.${known}`) : '';
}

/**
 * The verdict in kind words, and what to do.
 * @param {Result | null} result @param {Translate} t
 */
export function verdictBlock(result, t) {
  if (!result) return h('div', { class: 'verdict', role: 'status' }, h('strong', {}, t('noResult')));
  const { grade, verdict } = result.overall;
  const shape = waveShape(verdict === null ? 'nodata' : grade);
  const sentence = h('strong', {}, t(`verdict.${verdict}`));
  return h(
    'div',
    { class: 'verdict', role: 'status', part: 'verdict' },
    shape,
    sentence,
    h('p', { class: 'advice' }, adviceFor(result, t)),
  );
}

export class UploadCard {
  /** @param {string | null} server @param {() => string | null} labels asked for now */
  constructor(server, labels) {
    this.#server = server;
    this.#labels = labels;
    const choose = h('label', { class: 'button', part: 'choose' }, this.#choose, this.#input);
    hide(this.#bars.element, true);
    this.element = h(
      'section',
      { class: 'card file', part: 'file' },
      h('div', {}, this.#title, this.#hint),
      choose,
      this.#outcome,
      this.#work,
      this.#bars.element,
    );
  }

  #server;
  #labels;
  #title = h('strong');
  #hint = h('p', { class: 'quiet' });
  #choose = h('span');
  #input = /** @type {HTMLInputElement} */ (
    h('input', { type: 'file', accept: 'audio/*,.flac,.wav,.ogg,.mp3', onchange: () => this.#chosen() })
  );
  #outcome = h('div', { class: 'verdict', hidden: true });
  #progress = h('progress', { max: '1' });
  #cancel = h('button', { type: 'button', part: 'cancel', onclick: () => this.#cancelled() });
  #work = h('div', { class: 'work', hidden: true }, this.#progress, this.#cancel);
  #bars = new Bars();
  #language = /** @type {Language} */ ('en');
  #t = /** @type {Translate} */ (inWordsOf(patientText, 'en'));
  /** @type {UploadState} */
  #state = { kind: 'none' };

  /** @param {File} file */
  async assess(file) {
    const { name } = file;
    if (file.size > LARGEST_BYTES) {
      this.#become({ kind: 'failed', name, failure: { code: FailureCode.FILE_TOO_LARGE, detail: '' } });
      return;
    }
    const { result, cancel } = sendFile(file, this.#server, this.#labels(), (sent) => {
      if (this.#state.kind === 'working') this.#become({ ...this.#state, sent });
    });
    this.#become({ kind: 'working', name, sent: 0, cancel });
    try {
      this.#become({ kind: 'done', name, result: await result });
    } catch (error) {
      if (!(error instanceof AssessError)) throw error;
      const { failure } = error;
      this.#become(error.cancelled ? { kind: 'cancelled', name } : { kind: 'failed', name, failure });
    }
  }

  /** @param {Language} language @param {Translate} t @param {boolean} shown one that is being sent stays */
  render(language, t, shown) {
    this.#t = t;
    hide(this.element, !shown && this.#state.kind !== 'working');
    say(this.#title, t('checkFile'));
    say(this.#hint, t('orDrop'));
    say(this.#choose, t('chooseFile'));
    if (language !== this.#language) {
      this.#language = language;
      this.#draw();
    }
  }

  #chosen() {
    const file = this.#input.files?.[0];
    this.#input.value = '';
    if (file) void this.assess(file);
  }

  /** @param {UploadState} state */
  #become(state) {
    this.#state = state;
    this.#draw();
  }

  #draw() {
    const state = this.#state;
    const language = this.#language;
    hide(this.#outcome, state.kind === 'none');
    hide(this.#bars.element, state.kind !== 'done');
    hide(this.#work, state.kind !== 'working');
    if (state.kind === 'none') return;
    const name = h('p', { class: 'quiet source' }, state.name);
    switch (state.kind) {
      case 'done': {
        const notices = (state.result.notices ?? []).map((one) => h('p', { class: 'quiet notice' }, one[language]));
        this.#outcome.replaceChildren(name, verdictBlock(state.result, this.#t), ...notices);
        this.#bars.show(rowsOfResult(state.result), language);
        break;
      }
      case 'working':
        this.#drawWork(state.sent, name);
        break;
      case 'cancelled':
        this.#tell(name, this.#t('cancelled'));
        break;
      case 'failed':
        this.#tell(name, whyFailed(state.failure, language, this.#t));
    }
  }

  /** @param {number} sent 0..1 @param {HTMLElement} name */
  #drawWork(sent, name) {
    const sentence = this.#t(sent < 1 ? 'sendingFile' : 'assessing');
    if (this.#outcome.textContent !== `${name.textContent}${sentence}`) this.#tell(name, sentence);
    say(this.#cancel, this.#t('assessingCancel'));
    mark(this.#progress, 'aria-label', this.#t('fileProgress'));
    // Without a value it moves to and fro: how long the judging takes is not known.
    mark(this.#progress, 'value', sent < 1 ? String(sent) : null);
  }

  /** @param {HTMLElement} name @param {string} sentence */
  #tell(name, sentence) {
    this.#outcome.replaceChildren(name, h('strong', { role: 'status' }, sentence));
  }

  /** The button is gone afterwards; whoever pressed it can choose another file. */
  #cancelled() {
    if (this.#state.kind === 'working') this.#state.cancel();
    this.#input.focus();
  }
}

/**
 * @param {Failure} failure
 * @param {Language} language
 * @param {Translate} t
 */
export function whyFailed({ code, detail }, language, t) {
  if (TOLD_OF_FILES.has(code)) return failureSentence(code, language);
  const failed = t('fileFailed');
  // The server's own sentence is in English only.
  return language === 'en' && code !== FailureCode.UNEXPECTED ? `${failed} ${detail}` : failed;
}
