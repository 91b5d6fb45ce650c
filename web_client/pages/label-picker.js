/**
 * Which labels the page asks for: one of the server's dictionaries. The choice is kept in the address, not on the
 * device.
 */

import { h, say } from '../drawing/dom.js';
import { patientText } from '../language/patient-strings.js';

/** @import { Language, Text } from '../protocol/types.js' */

/** @typedef {{name: string, title: Text}} LabelSet */

export class LabelPicker {
  /** @param {HTMLElement} patient @param {URL} address of the page; `labels` may be anything the server takes */
  constructor(patient, address) {
    this.#patient = patient;
    this.#address = address;
    const asked = address.searchParams.get('labels');
    if (asked) this.#apply(asked);
    // A session's labels are fixed when it begins.
    new MutationObserver(() => this.#lock()).observe(patient, { attributeFilter: ['data-state'] });
  }

  #patient;
  #address;
  /** @type {LabelSet[]} */
  #sets = [];
  #default = '';
  #language = /** @type {Language} */ ('en');
  #name = h('span', { class: 'name' });
  #select = /** @type {HTMLSelectElement} */ (h('select', { id: 'labels', onchange: () => this.#chosen() }));
  element = h('label', { class: 'picker', hidden: true }, this.#name, this.#select);

  /** Stays hidden if the server does not list its dictionaries. The page works without the choice. */
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

  /** @param {Language} language */
  speak(language) {
    this.#language = language;
    this.#draw();
  }

  #draw() {
    const asked = this.#address.searchParams.get('labels') || this.#default;
    const names = this.#sets.map(({ name, title }) => h('option', { value: name }, title[this.#language]));
    // Labels that came with the address stay chosen.
    if (asked && !this.#sets.some(({ name }) => name === asked)) names.push(h('option', { value: asked }, asked));
    this.#select.replaceChildren(...names);
    this.#select.value = asked;
    say(this.#name, patientText('labels', this.#language));
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
