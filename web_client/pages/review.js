/** `/review`: the recordings whose verdict is in doubt, the nearest first; one key says whether a person hears it. */

import { showToStaff } from './staff-page.js';
import { reportOf } from './report-link.js';
import { h, mark, say } from '../drawing/dom.js';
import { listed } from '../language/dictionary.js';
import { recordsText } from '../language/records-strings.js';
import { doubtfulOnes, review, titles } from '../transport/records.js';

/**
 * @import { RecordsKey } from '../language/records-strings.js'
 * @import { Language } from '../protocol/types.js'
 * @import { Doubtful, Refusal } from '../transport/records.js'
 */

class Review {
  /** @param {(key: RecordsKey | null) => void} tell */
  constructor(tell) {
    this.#tell = tell;
    this.#answers.append(this.#yes, this.#no, this.#skip);
    this.#card.append(this.#which, this.#when, this.#ask, this.#answers);
    this.#verdict.append(this.#judged, this.#troubles, this.#doctors, this.#report, this.#back);
    this.#choice.append(this.#onlySaid, this.#onlySaidText);
    this.element.append(this.#title, this.#where, this.#choice, this.#left, this.#card, this.#verdict, this.#manifest);
    addEventListener('keydown', (event) => this.#pressed(event));
  }

  #tell;
  #language = /** @type {Language} */ ('en');
  #queue = /** @type {Doubtful[]} */ ([]);
  #counts = { left: 0, reviewed: 0 };
  #skipped = /** @type {Set<string>} */ (new Set());
  #last = /** @type {Doubtful | null} */ (null);
  #busy = false;
  #titles = /** @type {Map<string, {zh: string, en: string}>} */ (new Map());
  #title = h('h1');
  #where = h('p');
  #choice = h('label', { class: 'choice' });
  #onlySaid = /** @type {HTMLInputElement} */ (h('input', { type: 'checkbox', onchange: () => void this.run() }));
  #onlySaidText = h('span');
  #left = h('p', { role: 'status' });
  #which = h('p', { class: 'which' });
  #when = h('p');
  /** What was judged of the last one: only after the answer, which it would sway. */
  #verdict = h('div', { class: 'card', hidden: true });
  #judged = h('p', { role: 'status' });
  #troubles = h('p');
  #doctors = h('p');
  #report = h('a', { class: 'report', target: '_blank', rel: 'noopener' });
  #ask = h('p');
  #answers = h('div', { class: 'answers' });
  #yes = h('button', { type: 'button', class: 'answer', onclick: () => void this.#say(true) });
  #no = h('button', { type: 'button', class: 'answer', onclick: () => void this.#say(false) });
  #skip = h('button', { type: 'button', onclick: () => this.#pass() });
  #back = h('button', { type: 'button', onclick: () => void this.#undo() });
  #manifest = h('a', { class: 'manifest', href: 'v1/review-manifest', download: 'manifest.csv' });
  #card = h('div', { class: 'card' });
  element = h('section', { class: 'review' });

  async run() {
    if (this.#titles.size === 0) this.#titles = (await titles()).labels;
    const found = await doubtfulOnes(this.#onlySaid.checked);
    if (typeof found === 'string') return this.#refused(found);
    this.#queue = found.doubtful.filter(({ id }) => !this.#skipped.has(id));
    this.#counts = { left: found.left, reviewed: found.reviewed };
    this.#tell(null);
    this.speak(this.#language);
  }

  /** @param {Refusal} why */
  #refused(why) {
    if (why === 'signed out') location.reload();
    else this.#tell(why);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || this.element.hidden) return;
    const acts = { 1: () => this.#say(true), 2: () => this.#say(false), 0: () => this.#pass(), u: () => this.#undo() };
    const act = acts[/** @type {keyof typeof acts} */ (event.key.toLowerCase())];
    if (!act || !this.element.isConnected) return;
    event.preventDefault();
    void act();
  }

  /** @param {boolean} heard */
  async #say(heard) {
    const [one] = this.#queue;
    if (!one || this.#busy) return;
    if (!(await this.#written(one.id, heard))) return;
    this.#last = one;
    await this.#turn();
  }

  async #undo() {
    if (this.#last === null || this.#busy) return;
    if (!(await this.#written(this.#last.id, null))) return;
    this.#last = null;
    await this.run();
  }

  /** @param {string} id @param {boolean | null} heard @returns {Promise<boolean>} whether the server took it */
  async #written(id, heard) {
    this.#busy = true;
    const refusal = await review(id, heard);
    this.#busy = false;
    if (refusal) {
      this.#refused(refusal);
    } else {
      this.#counts.reviewed += heard === null ? -1 : 1;
      this.#counts.left -= heard === null ? -1 : 1;
    }
    return !refusal;
  }

  #pass() {
    const [one] = this.#queue;
    if (!one) return;
    this.#skipped.add(one.id);
    void this.#turn();
  }

  async #turn() {
    this.#queue.shift();
    if (this.#queue.length === 0 && this.#counts.left > this.#skipped.size) await this.run();
    else this.speak(this.#language);
  }

  /** @param {Language} language */
  speak(language) {
    this.#language = language;
    const t = (/** @type {RecordsKey} */ key, /** @type {Record<string, string>} */ values = {}) =>
      recordsText(key, language, values);
    const [one] = this.#queue;
    say(this.#title, t('review'));
    say(this.#where, t('where'));
    say(this.#onlySaidText, t('onlySaid'));
    const counts = { left: String(this.#counts.left), reviewed: String(this.#counts.reviewed) };
    say(this.#left, one ? t('left', counts) : `${t('done')} ${t('left', counts)}`);
    say(this.#ask, t('ask'));
    say(this.#yes, t('heard'));
    say(this.#no, t('notHeard'));
    say(this.#skip, t('skip'));
    say(this.#back, t('back'));
    say(this.#manifest, t('manifest'));
    this.#card.hidden = !one;
    this.#verdict.hidden = !this.#last;
    if (this.#last) this.#reveal(this.#last, t);
    if (!one) return;
    const which = named(one);
    say(this.#which, which);
    const at = new Date(one.ended_at).toLocaleString(language === 'zh' ? 'zh-CN' : 'en-GB');
    const more = [one.name, one.department].filter((text) => text && text !== which);
    say(this.#when, [at, ...more].join(' · '));
  }

  /** @param {Doubtful} one @param {(key: RecordsKey, values?: Record<string, string>) => string} t */
  #reveal(one, t) {
    const language = this.#language;
    const verdict = one.verdict ? t(/** @type {RecordsKey} */ (`verdict.${one.verdict}`)) : '–';
    const score = one.score === null ? '–' : one.score.toFixed(2);
    const near = t('near', { doubt: one.doubt.toFixed(2) });
    const judged = t('judged', { which: named(one), verdict, score });
    say(this.#judged, `${judged}${language === 'zh' ? '，' : ', '}${near}`);
    const names = one.failed.map((id) => this.#titles.get(id)?.[language] ?? id);
    const { clear, unclear } = one.doctors ?? { clear: 0, unclear: 0 };
    const counts = { clear: String(clear), unclear: String(unclear) };
    say(this.#doctors, clear || unclear ? t('doctors', counts) : '');
    mark(this.#report, 'href', reportOf(one.id, language));
    say(this.#report, t('report'));
    say(this.#troubles, names.length ? t('troubles', { labels: listed(names, language) }) : '');
  }
}

/** @param {Doubtful} one @returns {string} as its hospital calls it */
function named(one) {
  return one.reference ?? one.name ?? one.id;
}

await showToStaff((tell) => new Review(tell));
