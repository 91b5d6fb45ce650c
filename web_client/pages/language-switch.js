/** The language of a page: the browser's, or the one in its address, where the button puts it. */

import { languageOf } from '../language/dictionary.js';

/** @import { Language } from '../protocol/types.js' */

/**
 * @param {URL} address of the page
 * @param {(language: Language) => void} speak at once, and whenever somebody switches
 */
export function followLanguage(address, speak) {
  const button = /** @type {HTMLButtonElement} */ (document.querySelector('#language'));
  /** @param {Language} language */
  const become = (language) => {
    const other = language === 'zh' ? 'en' : 'zh';
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    button.lang = other === 'zh' ? 'zh-CN' : 'en';
    button.textContent = other === 'zh' ? '中文' : 'English';
    button.onclick = () => {
      // Kept in the address, not on the device, where nothing is stored.
      address.searchParams.set('lang', other);
      history.replaceState(null, '', address);
      become(other);
    };
    speak(language);
  };
  become(languageOf(address.searchParams.get('lang') ?? navigator.language));
}
