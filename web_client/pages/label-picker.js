/** Which labels the page asks for: one of the server's dictionaries, kept in the address and not on the device. */

import { h, say } from '../drawing/dom.js';
import { dictionary } from '../language/strings.js';

const text = dictionary();

/** @typedef {{name: string, title: import('../protocol/types.js').Text}} LabelSet */

export class LabelPicker {
  /** @param {HTMLElement} patient @param {URL} address of the page; `labels` may be anything the server takes */
  constructor(patient, address) {
    this.#patient = patient;
    this.#address = address;
    const asked = address.searchParams.get('labels');
    if (asked) this.#apply(asked);
    // What a session asks for is settled when it begins.
    new MutationObserver(() => this.#lock()).observe(patient, { attributeFilter: ['data-state'] });
  }

  #patient;
  #address;
  /** @type {LabelSet[]} */
  #sets = [];
  #default = '';
  #language = /** @type {import('../protocol/types.js').Language} */ ('en');
  #name = h('span', { class: 'name' });
  #select = /** @type {HTMLSelectElement} */ (h('select', { id: 'labels', onchange: () => this.#chosen() }));
  element = h('label', { class: 'picker', hidden: true }, this.#name, this.#select);

  /** Stays hidden where the server tells no dictionaries: the page works without. */
  async load() {
    const server = this.#patient.getAttribute('server') ?? '.';
    try {
      const response = await fetch(new URL('v1/label-sets', new URL(server, document.baseURI)));
      if (!response.ok) return;
      const answer = await response.json();
      this.#sets = answer.label_sets;
      this.#default = answer.default;
    } catch {
      return;
    }
    this.#draw();
    this.element.hidden = this.#sets.length < 2;
  }

  /** @param {import('../protocol/types.js').Language} language */
  speak(language) {
    this.#language = language;
    this.#draw();
  }

  #draw() {
    const asked = this.#address.searchParams.get('labels') || this.#default;
    const names = this.#sets.map(({ name, title }) => h('option', { value: name }, title[this.#language]));
    // Labels of one's own came with the address; they stay what is chosen.
    if (asked && !this.#sets.some(({ name }) => name === asked)) names.push(h('option', { value: asked }, asked));
    this.#select.replaceChildren(...names);
    this.#select.value = asked;
    say(this.#name, text('labels', this.#language));
  }

  #chosen() {
    const { value } = this.#select;
    if (value === this.#default) this.#address.searchParams.delete('labels');
    else this.#address.searchParams.set('labels', value);
    history.replaceState(null, '', this.#address);
    this.#apply(value === this.#default ? '' : value);
  }

  /** @param {string} labels */
  #apply(labels) {
    if (labels) this.#patient.setAttribute('labels', labels);
    else this.#patient.removeAttribute('labels');
  }

  #lock() {
    this.#select.disabled = ['connecting', 'live', 'paused', 'reconnecting'].includes(
      this.#patient.dataset.state ?? '',
    );
  }
}
