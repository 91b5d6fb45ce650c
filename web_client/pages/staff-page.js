/** What the pages for staff share: the door, the language, and what is said where nothing can be shown. */

import { StaffDoor } from './staff-door.js';
import { h, mark, say } from '../drawing/dom.js';
import { languageOf } from '../language/dictionary.js';
import { recordsText } from '../language/records-strings.js';

/**
 * @import { Language } from '../protocol/types.js'
 * @import { RecordsKey } from '../language/records-strings.js'
 *
 * @typedef {{element: HTMLElement, speak: (language: Language) => void, run: (door: StaffDoor) => Promise<void>}} View
 */

/**
 * Shows the view to who signed in, and the door to everybody else.
 * @param {(tell: (key: RecordsKey | null) => void) => View} make `tell`: a sentence in place of the view; null: none
 */
export async function showToStaff(make) {
  const address = new URL(location.href);
  const behind = new URL(address);
  behind.searchParams.set('session', 'none'); // the door lists no sessions where one is named
  const door = new StaffDoor(behind);
  const main = /** @type {HTMLElement} */ (document.querySelector('main'));
  const button = /** @type {HTMLButtonElement} */ (document.querySelector('#language'));
  const told = h('p', { role: 'status', class: 'told' });
  let language = languageOf(address.searchParams.get('lang') ?? navigator.language);
  let sentence = /** @type {RecordsKey | null} */ ('loading');
  const view = make((key) => {
    sentence = key;
    say(told, key === null ? '' : recordsText(key, language));
    view.element.hidden = key !== null;
  });

  /** @param {Language} chosen */
  function speak(chosen) {
    language = chosen;
    const other = chosen === 'zh' ? 'en' : 'zh';
    mark(document.documentElement, 'lang', chosen === 'zh' ? 'zh-CN' : 'en');
    mark(button, 'lang', other === 'zh' ? 'zh-CN' : 'en');
    say(button, other === 'zh' ? '中文' : 'English');
    door.speak(chosen);
    view.speak(chosen);
    say(told, sentence === null ? '' : recordsText(sentence, chosen));
    for (const link of document.querySelectorAll('nav a')) {
      const key = /** @type {RecordsKey} */ (link.getAttribute('data-key'));
      say(link, recordsText(key, chosen));
      if (key === 'webhooks') link.toggleAttribute('hidden', !door.webhooks);
    }
  }

  button.before(door.strip);
  button.addEventListener('click', () => {
    address.searchParams.set('lang', language === 'zh' ? 'en' : 'zh');
    history.replaceState(null, '', address);
    speak(language === 'zh' ? 'en' : 'zh');
  });
  view.element.hidden = true;
  speak(language);
  await door.load();
  main.replaceChildren(...(door.closed ? [door.element] : [told, view.element]));
  speak(language);
  if (!door.closed) await view.run(door);
}
