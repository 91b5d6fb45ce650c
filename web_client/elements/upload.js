/** The card for a recording instead of the microphone: choose or drop a file, and see whether it can be used. */

import { Bars } from '../drawing/bars.js';
import { h, say } from '../drawing/dom.js';
import { rowsOfResult } from '../meter/rows.js';
import { AssessError, assessFile } from '../transport/assess.js';
import { waveShape } from '../drawing/shapes.js';
import { failureSentence } from '../language/failure-strings.js';
import { patientText } from '../language/patient-strings.js';
import { FailureCode } from '../protocol/failures.js';

const LARGEST_BYTES = 200 * 1024 * 1024;
/** Failures whose sentence fits a file. The other sentences are about a session. @type {ReadonlySet<FailureCode>} */
const TOLD_OF_FILES = new Set([
  FailureCode.FILE_TOO_LARGE,
  FailureCode.INVALID_LABELS,
  FailureCode.UNDECODABLE_FILE,
  FailureCode.UNREACHABLE,
]);

/**
 * @import { Failure } from '../protocol/failures.js'
 * @import { Language, Result } from '../protocol/types.js'
 *
 * @typedef {{kind: 'none'} | {kind: 'working', name: string} | {kind: 'done', name: string, result: Result}
 *   | {kind: 'failed', name: string, failure: Failure}} UploadState
 */

/**
 * The verdict in kind words, and what to do. Scores in the advice are for the doctor and are removed.
 * @param {Result | null} result @param {Language} language
 */
export function verdictBlock(result, language) {
  if (!result) {
    return h('div', { class: 'verdict', role: 'status' }, h('strong', {}, patientText('noResult', language)));
  }
  const { grade, verdict } = result.overall;
  const shape = waveShape(verdict === null ? 'nodata' : grade);
  const advice = result.advice[language].replace(/\s*[(\uff08][01]\.\d+[)\uff09]/g, '');
  const sentence = h('strong', {}, patientText(`verdict.${verdict}`, language));
  return h(
    'div',
    { class: 'verdict', role: 'status', part: 'verdict' },
    shape,
    sentence,
    h('p', { class: 'quiet' }, advice),
  );
}

export class UploadCard {
  /** @param {string | null} server @param {() => string | null} labels asked for now */
  constructor(server, labels) {
    this.#server = server;
    this.#labels = labels;
    const choose = h('label', { class: 'button', part: 'choose' }, this.#choose, this.#input);
    this.#bars.element.hidden = true;
    this.element = h(
      'section',
      { class: 'card file', part: 'file' },
      h('div', {}, this.#title, this.#hint),
      choose,
      this.#outcome,
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
  #bars = new Bars();
  #language = /** @type {Language} */ ('en');
  /** @type {UploadState} */
  #state = { kind: 'none' };

  /** @param {File} file */
  async assess(file) {
    const { name } = file;
    if (file.size > LARGEST_BYTES) {
      this.#become({ kind: 'failed', name, failure: { code: FailureCode.FILE_TOO_LARGE, detail: '' } });
      return;
    }
    this.#become({ kind: 'working', name });
    try {
      this.#become({ kind: 'done', name, result: await assessFile(file, this.#server, this.#labels()) });
    } catch (error) {
      if (!(error instanceof AssessError)) throw error;
      this.#become({ kind: 'failed', name, failure: { code: error.code, detail: error.message } });
    }
  }

  /** @param {Language} language @param {boolean} shown */
  render(language, shown) {
    this.element.hidden = !shown;
    say(this.#title, patientText('checkFile', language));
    say(this.#hint, patientText('orDrop', language));
    say(this.#choose, patientText('chooseFile', language));
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
    this.#outcome.hidden = state.kind === 'none';
    this.#bars.element.hidden = state.kind !== 'done';
    if (state.kind === 'none') return;
    const name = h('p', { class: 'quiet source' }, state.name);
    if (state.kind === 'done') {
      const notices = (state.result.notices ?? []).map((one) => h('p', { class: 'quiet notice' }, one[language]));
      this.#outcome.replaceChildren(name, verdictBlock(state.result, language), ...notices);
      this.#bars.show(rowsOfResult(state.result), language);
      return;
    }
    const sentence = state.kind === 'working' ? patientText('assessing', language) : whyFailed(state.failure, language);
    this.#outcome.replaceChildren(name, h('strong', { role: 'status' }, sentence));
  }
}

/**
 * @param {Failure} failure
 * @param {Language} language
 */
function whyFailed({ code, detail }, language) {
  if (TOLD_OF_FILES.has(code)) return failureSentence(code, language);
  const failed = patientText('fileFailed', language);
  // The server's own sentence is in English only.
  return language === 'en' && code !== FailureCode.UNEXPECTED ? `${failed} ${detail}` : failed;
}
