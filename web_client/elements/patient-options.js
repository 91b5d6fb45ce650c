/** What the patient's element asks of the client. */

/**
 * @import { ClientOptions } from '../client/client.js'
 * @import { LineOption } from '../client/session-config.js'
 * @import { Language } from '../protocol/types.js'
 * @import { TingqingPatient } from './patient-element.js'
 */

/**
 * @param {TingqingPatient} element
 * @param {{language: Language, farEnd: MediaStream | undefined, kept: ClientOptions['kept'] | null}} more `kept`: of
 *   this tab, to go on with
 * @returns {ClientOptions}
 */
export function optionsOf(element, { language, farEnd, kept }) {
  const { source, voiceOf, tokenProvider } = element;
  return {
    server: element.getAttribute('server'),
    token: element.getAttribute('token'),
    labels: element.getAttribute('labels'),
    reference: element.getAttribute('reference'),
    language: language === 'zh' ? 'zh-CN' : 'en',
    line: lineOf(element),
    ...(element.getAttribute('mode') === 'visit' && { mode: /** @type {const} */ ('visit') }),
    ...(source && { source }),
    ...(voiceOf && { voiceOf }),
    ...(tokenProvider && { tokenProvider }),
    ...(farEnd && { farEnd }),
    ...(kept && { kept }),
  };
}

/** The attribute `line`; what is mistyped is none. @param {HTMLElement} element @returns {LineOption} */
export function lineOf(element) {
  const line = element.getAttribute('line');
  return line === 'half' || line === 'narrow' ? line : 'full';
}
