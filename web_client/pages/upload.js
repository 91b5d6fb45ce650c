/** `/upload`: files and folders dropped or chosen; each is assessed, and the results can be taken along. */

import { h, mark, say } from '../drawing/dom.js';
import { base } from '../drawing/styles.js';
import { uploadText } from '../language/upload-strings.js';
import { sendFile } from '../transport/assess.js';
import { chosenOf, droppedOf } from './dropped.js';
import { showToStaff } from './staff-page.js';
import { isSettled, UploadQueue } from './upload-queue.js';
import { UploadRow } from './upload-row.js';
import { uploadSheet } from './upload-styles.js';
import { paired } from './transcripts.js';
import { csvOf, jsonOf } from './upload-table.js';

/**
 * @import { RecordsKey } from '../language/records-strings.js'
 * @import { UploadKey } from '../language/upload-strings.js'
 * @import { Language } from '../protocol/types.js'
 * @import { StaffDoor } from './staff-door.js'
 * @import { Chosen, Item } from './upload-queue.js'
 */

const MOST = 500;

class Uploads {
  /** @param {(key: RecordsKey | null) => void} tell */
  constructor(tell) {
    this.#tell = tell;
    const root = this.element.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [base, uploadSheet];
    this.#folder.toggleAttribute('webkitdirectory', true);
    const choices = h(
      'div',
      { class: 'choices' },
      h('label', { class: 'button' }, this.#filesName, this.#files),
      h('label', { class: 'button' }, this.#folderName, this.#folder),
    );
    this.#zone.append(this.#intro, choices);
    this.#taking.append(this.#csv, this.#json, this.#clear);
    root.append(this.#title, this.#closed, this.#zone, this.#told, this.#progress, this.#list, this.#taking);
    addEventListener('dragover', (event) => this.#dragged(event, true));
    addEventListener('dragleave', (event) => event.relatedTarget === null && this.#dragged(event, false));
    addEventListener('drop', (event) => this.#dropped(event));
    addEventListener('beforeunload', (event) => {
      if (this.#queue.items.some((item) => !isSettled(item))) event.preventDefault();
    });
  }

  #tell;
  #language = /** @type {Language} */ ('en');
  #queue = new UploadQueue(
    ({ file, transcript }, onSent) => sendFile(file, null, null, onSent, transcript),
    (item) => this.#changed(item),
  );
  #rows = /** @type {Map<Item, UploadRow>} */ (new Map());
  #open = false;
  #problem = /** @type {'nothingFound' | 'tooMany' | null} */ (null);
  #title = h('h1');
  #intro = h('p');
  #closed = h('p', { class: 'card', role: 'status', hidden: true });
  #filesName = h('span');
  #folderName = h('span');
  #files = /** @type {HTMLInputElement} */ (
    h('input', { type: 'file', multiple: true, onchange: () => this.#chosen(this.#files) })
  );
  #folder = /** @type {HTMLInputElement} */ (h('input', { type: 'file', onchange: () => this.#chosen(this.#folder) }));
  #zone = h('section', { class: 'card zone' });
  #told = h('p', { role: 'alert', class: 'told' });
  #progress = h('p', { role: 'status', class: 'progress' });
  #list = h('ul', { class: 'items' });
  #csv = h('button', { type: 'button', onclick: () => this.#take('csv') });
  #json = h('button', { type: 'button', onclick: () => this.#take('json') });
  #clear = h('button', { type: 'button', onclick: () => this.#cleared() });
  #taking = h('div', { class: 'choices', hidden: true });
  #reads = false;
  element = h('div', { class: 'uploads' });

  /** @param {StaffDoor} door */
  run(door) {
    this.#open = door.uploads;
    this.#reads = door.reads;
    this.#tell(null);
    this.speak(this.#language);
    return Promise.resolve();
  }

  /** @param {Language} language */
  speak(language) {
    this.#language = language;
    const t = (/** @type {UploadKey} */ key, /** @type {Record<string, string>} */ values = {}) =>
      uploadText(key, language, values);
    mark(this.element, 'lang', language);
    say(this.#title, t('title'));
    say(this.#intro, t('intro'));
    say(this.#closed, t('doctorsOnly'));
    this.#closed.hidden = this.#open;
    this.#zone.hidden = !this.#open;
    say(this.#filesName, t('chooseFiles'));
    say(this.#folderName, t('chooseFolder'));
    say(this.#csv, t('csv'));
    say(this.#json, t('json'));
    say(this.#clear, t('clear'));
    say(this.#told, this.#problem ? t(this.#problem, { most: String(MOST) }) : '');
    for (const row of this.#rows.values()) row.render(language, this.#reads);
    this.#count(t);
  }

  /** @param {(key: UploadKey, values?: Record<string, string>) => string} t */
  #count(t) {
    const { items } = this.#queue;
    const settled = items.filter(isSettled);
    const accepted = settled.filter(({ state }) => state.kind === 'done' && state.result.overall.verdict === 'accept');
    const counts = [settled, items, accepted].map(({ length }) => String(length));
    const [done = '', all = '', good = ''] = counts;
    say(this.#progress, items.length ? t('progress', { settled: done, all, accepted: good }) : '');
    this.#taking.hidden = settled.length === 0;
  }

  /** @param {Item} item */
  #changed(item) {
    const row = this.#rows.get(item) ?? this.#begun(item);
    row.render(this.#language, this.#reads);
    if (item.state.kind !== 'working') this.#count((key, values) => uploadText(key, this.#language, values));
  }

  /** @param {Item} item @returns {UploadRow} */
  #begun(item) {
    const row = new UploadRow(item, () => this.#queue.cancel(item));
    this.#rows.set(item, row);
    this.#list.append(row.element);
    return row;
  }

  /** @param {HTMLInputElement} input */
  #chosen(input) {
    const chosen = chosenOf(input.files);
    input.value = '';
    this.#add(chosen);
  }

  /** @param {Chosen[]} files */
  #add(files) {
    const chosen = paired(files);
    const room = Math.max(0, MOST - this.#queue.items.length);
    this.#problem = chosen.length > room ? 'tooMany' : chosen.length === 0 ? 'nothingFound' : null;
    this.#queue.add(chosen.slice(0, room));
    this.speak(this.#language);
  }

  /** @param {DragEvent} event @param {boolean} over */
  #dragged(event, over) {
    event.preventDefault();
    this.#zone.classList.toggle('over', over);
  }

  /** @param {DragEvent} event */
  #dropped(event) {
    this.#dragged(event, false);
    if (this.#open && event.dataTransfer) void droppedOf(event.dataTransfer).then((chosen) => this.#add(chosen));
  }

  #cleared() {
    this.#queue.clear();
    for (const [item, row] of this.#rows) {
      if (this.#queue.items.includes(item)) continue;
      row.element.remove();
      this.#rows.delete(item);
    }
    this.#problem = null;
    this.speak(this.#language);
    this.#files.focus();
  }

  /** @param {'csv' | 'json'} kind */
  #take(kind) {
    const text = kind === 'csv' ? csvOf(this.#queue.items, this.#language) : jsonOf(this.#queue.items);
    const type = kind === 'csv' ? 'text/csv' : 'application/json';
    const href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
    h('a', { href, download: `tingqing.${kind}` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  }
}

await showToStaff((tell) => new Uploads(tell));
