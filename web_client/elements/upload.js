/** A recording instead of the microphone: choose it or drop it, and see whether it can be used. */

import { Bars } from '../drawing/bars.js';
import { h, say } from '../drawing/dom.js';
import { rowsOfResult } from '../meter/rows.js';
import { assessFile } from '../transport/assess.js';
import { waveShape } from '../drawing/shapes.js';
import { dictionary, faultSentence } from '../language/strings.js';

const LARGEST_BYTES = 200 * 1024 * 1024;
/** Faults whose sentence holds for a file as for the microphone. */
const SPOKEN = new Set(['unreachable', 'invalid_labels', 'undecodable_file']);
const text = dictionary();

/**
 * @typedef {import('../protocol/types.js').Result} Result
 * @typedef {{kind: 'none'} | {kind: 'working', name: string} | {kind: 'done', name: string, result: Result}
 *   | {kind: 'failed', name: string, sentence: (language: import('../protocol/types.js').Language) => string}} UploadState
 */

/**
 * Verdict in kind words, and what to do. Scores in the advice are for the doctor and are left out.
 * @param {Result | null} result @param {import('../protocol/types.js').Language} language
 */
export function verdictBlock(result, language) {
  if (!result) return h('div', { class: 'verdict', role: 'status' }, h('strong', {}, text('noResult', language)));
  const { grade, verdict } = result.overall;
  const shape = waveShape(verdict === null ? 'nodata' : grade);
  const advice = result.advice[language].replace(/\s*[(\uff08][01]\.\d+[)\uff09]/g, '');
  const sentence = h('strong', {}, text(`verdict.${verdict}`, language));
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
  #language = /** @type {import('../protocol/types.js').Language} */ ('en');
  /** @type {UploadState} */
  #state = { kind: 'none' };

  /** @param {File} file */
  async assess(file) {
    const { name } = file;
    if (file.size > LARGEST_BYTES) return this.#become({ kind: 'failed', name, sentence: (l) => text('tooLarge', l) });
    this.#become({ kind: 'working', name });
    try {
      const result = await assessFile(file, this.#server, this.#labels());
      this.#become({ kind: 'done', name, result });
    } catch (error) {
      const said = /** @type {Error} */ (error);
      const code = said instanceof TypeError ? 'unreachable' : String(said.cause);
      const sentence = (/** @type {import('../protocol/types.js').Language} */ l) =>
        SPOKEN.has(code) ? faultSentence(code, l) : `${text('fileFailed', l)} ${l === 'en' ? said.message : ''}`;
      this.#become({ kind: 'failed', name, sentence });
    }
  }

  /** @param {import('../protocol/types.js').Language} language @param {boolean} shown */
  render(language, shown) {
    this.element.hidden = !shown;
    say(this.#title, text('checkFile', language));
    say(this.#hint, text('orDrop', language));
    say(this.#choose, text('chooseFile', language));
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
    const sentence = state.kind === 'working' ? text('assessing', language) : state.sentence(language);
    this.#outcome.replaceChildren(name, h('strong', { role: 'status' }, sentence));
  }
}
