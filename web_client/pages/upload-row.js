/** One recording in the list: how far it is, then what came out. */

import { peaksOf } from '../audio/peaks.js';
import { Bars } from '../drawing/bars.js';
import { h, mark, say } from '../drawing/dom.js';
import { gradeShape } from '../drawing/shapes.js';
import { waveform } from '../drawing/waveform.js';
import { uploadText } from '../language/upload-strings.js';
import { rowsOfResult } from '../meter/rows.js';
import { reportOf } from './report-link.js';
import { whyRefused } from './upload-refusal.js';

/**
 * @import { Language, Result } from '../protocol/types.js'
 * @import { UploadKey } from '../language/upload-strings.js'
 * @import { Item } from './upload-queue.js'
 *
 * @typedef {(key: UploadKey, values?: Record<string, string>) => string} Translate
 */

export class UploadRow {
  /** @param {Item} item @param {() => void} cancel */
  constructor(item, cancel) {
    this.#item = item;
    this.#cancel = h('button', { type: 'button', onclick: () => cancel() });
    this.#work = h('div', { class: 'work' }, this.#progress, this.#cancel);
    this.#details = h('details', { hidden: true }, this.#summary, this.#bars.element);
    this.#report.hidden = true;
    this.element = h(
      'li',
      { class: 'card item' },
      h('div', { class: 'head' }, this.#shape, h('h2', {}, item.name), this.#state),
      this.#transcript,
      this.#said,
      this.#work,
      this.#picture,
      this.#details,
      this.#report,
    );
  }

  #item;
  #cancel;
  #work;
  #details;
  #shape = h('span', { class: 'grade' });
  #state = h('strong', { class: 'state' });
  #said = h('p', { class: 'quiet' });
  #transcript = h('p', { class: 'quiet' });
  #progress = h('progress', { max: '1' });
  #picture = h('div', { class: 'picture', hidden: true });
  #summary = h('summary');
  #report = h('a', { class: 'report', target: '_blank', rel: 'noopener' });
  #bars = new Bars();
  #peaks = /** @type {number[] | null | undefined} */ (undefined);
  #drawn = '';

  element;

  /** @param {Language} language @param {boolean} reads whether who is here may read what is kept */
  render(language, reads) {
    const { state, name } = this.#item;
    const t = (/** @type {UploadKey} */ key, /** @type {Record<string, string>} */ values = {}) =>
      uploadText(key, language, values);
    mark(this.element, 'data-state', state.kind);
    const { transcript } = this.#item;
    this.#transcript.hidden = !transcript;
    say(this.#transcript, transcript ? t('withTranscript', { name: transcript.name }) : '');
    const running = state.kind === 'waiting' || state.kind === 'working';
    this.#work.hidden = !running;
    this.#progress.hidden = state.kind !== 'working';
    say(this.#cancel, t('cancel'));
    mark(this.#cancel, 'aria-label', t('cancelOne', { name }));
    switch (state.kind) {
      case 'waiting':
        return this.#tell(t('waiting'));
      case 'working':
        mark(this.#progress, 'aria-label', t('sent', { name }));
        // Without a value it moves to and fro: how long the judging takes is not known.
        mark(this.#progress, 'value', state.sent < 1 ? String(state.sent) : null);
        return this.#tell(t(state.sent < 1 ? 'sending' : 'judging'));
      case 'cancelled':
        return this.#tell(t('cancelled'));
      case 'failed':
        return this.#tell(t('failed'), whyRefused(state.failure, language));
      case 'done':
        this.#tell(t(`verdict.${state.result.overall.verdict}`), state.result.advice[language]);
        this.#draw(state.result, language, t);
        this.#report.hidden = !reads;
        mark(this.#report, 'href', reportOf(state.result.id, language));
        say(this.#report, t('report'));
    }
  }

  /** @param {string} state @param {string} [more] */
  #tell(state, more = '') {
    say(this.#state, state);
    say(this.#said, more);
    this.#said.hidden = more === '';
  }

  /** @param {Result} result @param {Language} language @param {Translate} t */
  #draw(result, language, t) {
    if (this.#drawn === language) return;
    this.#drawn = language;
    this.#shape.replaceChildren(gradeShape(result.overall.verdict === null ? 'nodata' : result.overall.grade));
    this.#shape.className = `grade ${result.overall.grade}`;
    say(this.#summary, t('details'));
    this.#bars.show(rowsOfResult(result), language);
    this.#details.hidden = false;
    void this.#picturePeaks(result, t);
  }

  /** Decoded here: the result has no sound in it. @param {Result} result @param {Translate} t */
  async #picturePeaks(result, t) {
    this.#peaks ??= await peaksOf(this.#item.file);
    const spans = result.unusable_spans;
    const seconds = result.source?.duration_s ?? 0;
    if (!this.#peaks || seconds === 0) return;
    const spoiled = spans.reduce((sum, { start_s, end_s }) => sum + end_s - start_s, 0);
    const values = { name: this.#item.name, seconds: seconds.toFixed(0), spoiled: spoiled.toFixed(0) };
    this.#picture.replaceChildren(waveform(this.#peaks, seconds, spans, t('waveform', values)));
    this.#picture.hidden = false;
  }
}
