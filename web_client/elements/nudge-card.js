/** What the doctor can ask of the patient: a button for each prompt of the labels, and one that mutes it. */

import { h, hide, say } from '../drawing/dom.js';

/**
 * @import { HeardOutcome } from '../transport/heard.js'
 * @import { DoctorModel, Translate } from './doctor-words.js'
 *
 * @typedef {{send: (id: string) => void, mute: (id: string) => void,
 *   heard: (clear: boolean) => Promise<HeardOutcome>}} DoctorActions
 */

export class NudgeCard {
  /** @param {DoctorActions} actions */
  constructor(actions) {
    this.#actions = actions;
    this.element.append(this.#title, this.#list, this.#note);
  }

  #actions;
  element = h('section', { class: 'card', part: 'nudge' });
  #title = h('h2');
  #list = h('ul', { class: 'list nudges' });
  #note = h('p', { class: 'quiet', role: 'status' });
  #drawn = '';

  /** @param {DoctorModel} model @param {Translate} t */
  render({ meter, language, own }, t) {
    const { allowed, sendable, muted, tooSoon } = meter.nudging;
    hide(this.element, !allowed || sendable.length === 0);
    say(this.#title, t('nudgeTitle'));
    say(this.#note, tooSoon ? t('nudgeTooSoon') : '');
    const key = JSON.stringify([language, own, sendable, [...muted]]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    const focused = this.#focused();
    this.#list.replaceChildren(
      ...sendable.map(({ id, text }) => {
        const said = text[language];
        const off = muted.has(id);
        return h(
          'li',
          {},
          h('span', { class: 'ask' }, said),
          this.#button('send', id, t('nudgeSend'), t('nudgeSendWhat', { prompt: said }), !own),
          this.#button(
            'mute',
            id,
            t(off ? 'nudgeMuted' : 'nudgeMute'),
            t(off ? 'nudgeMutedWhat' : 'nudgeMuteWhat', { prompt: said }),
            !own || off,
          ),
        );
      }),
    );
    const again = focused && this.#list.querySelector(focused);
    if (again instanceof HTMLElement) again.focus();
  }

  /** @param {'send' | 'mute'} act @param {string} id @param {string} text @param {string} label @param {boolean} off */
  #button(act, id, text, label, off) {
    const made = h(
      'button',
      { type: 'button', 'data-act': act, 'data-id': id, 'aria-label': label, disabled: off },
      text,
    );
    made.onclick = () => this.#actions[act](id);
    return made;
  }

  /** A selector of the button that has the focus: it must not be lost when the list is drawn again. */
  #focused() {
    const root = /** @type {ShadowRoot} */ (this.#list.getRootNode());
    const at = root.activeElement;
    if (!(at instanceof HTMLElement) || !this.#list.contains(at)) return null;
    return `[data-act="${at.dataset.act}"][data-id="${CSS.escape(at.dataset.id ?? '')}"]`;
  }
}
