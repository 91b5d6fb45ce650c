/** What is true of the sound now, in a line that is always there: whether it is sent, and that none is stored. */

import { h, svg } from '../drawing/dom.js';

/** @import { Translate } from './patient-words.js' */

const ICONS = {
  sending: 'M2 8h2.5M7 4v8M10.5 2v12M14 6v4',
  off: 'M2 8h12',
  lock: 'M4 7.5h8V14H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5',
};

export class Truth {
  #sending = h('span', { part: 'sending' });
  #stored = h('span', { part: 'stored' });
  element = h('div', { class: 'truth' }, this.#sending, this.#stored);

  /** @param {boolean} sending @param {Translate} t */
  show(sending, t) {
    const drawn = t(sending ? 'sending' : 'notSending');
    if (this.#sending.textContent === drawn) return;
    this.#sending.replaceChildren(icon(sending ? ICONS.sending : ICONS.off), drawn);
    this.#sending.classList.toggle('on', sending);
    this.#stored.replaceChildren(icon(ICONS.lock), t('notStored'));
  }
}

/** @param {string} d */
function icon(d) {
  return svg('svg', { viewBox: '0 0 16 16', 'aria-hidden': 'true' }, svg('path', { d }));
}
