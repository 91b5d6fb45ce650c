/** Sentences in Chinese and English, looked up by a key that the type checker knows. */

/**
 * @import { Language } from '../protocol/types.js'
 *
 * @typedef {readonly [zh: string, en: string]} Pair
 */

/**
 * @template {Record<string, Pair>} T
 * @param {T} strings
 * @returns {(key: keyof T & string, language: Language, values?: Record<string, string>) => string}
 *   `values` take the place of their names in braces. Throws on an unknown key, which is a bug.
 */
export function dictionary(strings) {
  return (key, language, values = {}) => {
    const pair = strings[key];
    if (!pair) throw new Error(`no sentence for ${key}`);
    return Object.entries(values).reduce(
      (text, [name, value]) => text.replace(`{${name}}`, () => value),
      inOf(pair, language),
    );
  };
}

/** @param {Pair} pair @param {Language} language @returns {string} */
export function inOf([zh, en], language) {
  return language === 'zh' ? zh : en;
}

/** @param {string[]} names @param {Language} language @returns {string} the names as a list in a sentence */
export function listed(names, language) {
  return names.join(language === 'zh' ? '、' : ', ');
}

/** @param {string | null | undefined} tag BCP 47 @returns {Language} */
export function languageOf(tag) {
  return (tag ?? '').toLowerCase().startsWith('zh') ? 'zh' : 'en';
}
