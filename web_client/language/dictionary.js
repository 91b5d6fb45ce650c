/** Sentences in Chinese and English, looked up by a key that the type checker knows. */

/**
 * @import { Language } from '../protocol/types.js'
 *
 * @typedef {readonly [zh: string, en: string]} Pair
 * @typedef {Record<string, string | {zh?: string, en?: string}>} Texts a page's own words, by the key of a sentence
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
    return filled(inOf(pair, language), values);
  };
}

/** @param {string} text @param {Record<string, string>} values @returns {string} */
function filled(text, values) {
  return Object.entries(values).reduce((said, [name, value]) => said.replace(`{${name}}`, () => value), text);
}

/**
 * The sentences of `text` in one language, but for those that the page says in its own words.
 *
 * @template {string} Key
 * @param {(key: Key, language: Language, values?: Record<string, string>) => string} text of `dictionary`
 * @param {Language} language
 * @param {Texts} [texts]
 * @returns {(key: Key, values?: Record<string, string>) => string}
 */
export function inWordsOf(text, language, texts = {}) {
  return (key, values = {}) => {
    const own = ownWords(texts, key, language);
    return own === undefined ? text(key, language, values) : filled(own, values);
  };
}

/** @param {Texts} texts @param {string} key @param {Language} language @returns {string | undefined} */
export function ownWords(texts, key, language) {
  const own = Object.hasOwn(texts, key) ? texts[key] : undefined;
  return typeof own === 'string' ? own : own?.[language];
}

/** Of an attribute: JSON, or nothing of it. @param {string | null} json @returns {Texts} */
export function textsOf(json) {
  try {
    const read = JSON.parse(json ?? '{}');
    return typeof read === 'object' && read !== null ? read : {};
  } catch {
    return {};
  }
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
