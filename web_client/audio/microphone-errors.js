/** Why no microphone could be opened, told apart as far as the browser says. */

import { FailureCode } from '../protocol/failures.js';

/** Why no microphone could be opened. */
export class MicrophoneError extends Error {
  /** @param {FailureCode} code @param {unknown} [cause] */
  constructor(code, cause) {
    super(`microphone: ${code}`, { cause });
    this.code = code;
  }
}

/** Names of the errors of getUserMedia. @type {Readonly<Record<string, FailureCode>>} */
const CODE_OF_ERROR = {
  NotAllowedError: FailureCode.MICROPHONE_DENIED,
  SecurityError: FailureCode.MICROPHONE_DENIED,
  NotFoundError: FailureCode.MICROPHONE_NOT_FOUND,
  OverconstrainedError: FailureCode.MICROPHONE_NOT_FOUND,
  NotReadableError: FailureCode.MICROPHONE_BUSY,
  AbortError: FailureCode.MICROPHONE_BUSY,
};

/** What stands in the way before anybody is asked. @returns {FailureCode | null} */
export function obstacle() {
  if (!globalThis.isSecureContext) return FailureCode.PAGE_INSECURE;
  // Secure, and yet no microphone: a browser inside another program, such as WeChat's on older iPhones.
  if (!navigator.mediaDevices?.getUserMedia) return FailureCode.BROWSER_EMBEDDED;
  return globalThis.AudioWorkletNode ? null : FailureCode.BROWSER_UNSUPPORTED;
}

/** @param {unknown} error of getUserMedia @returns {MicrophoneError} */
export function microphoneError(error) {
  const { name = '', message = '' } = /** @type {{name?: string, message?: string}} */ (error);
  let code = CODE_OF_ERROR[name] ?? FailureCode.BROWSER_UNSUPPORTED;
  if (code === FailureCode.MICROPHONE_DENIED) {
    if (/system/i.test(message)) code = FailureCode.MICROPHONE_DENIED_BY_SYSTEM;
    else if (!pageMay()) code = FailureCode.MICROPHONE_DENIED_BY_PAGE;
  }
  return new MicrophoneError(code, error);
}

/** @typedef {{allowsFeature: (name: string) => boolean}} Policy what some browsers have on `document` */

/** Whether the page's `Permissions-Policy` and the `allow` of its frame let it ask; true where no browser says. */
function pageMay() {
  const { permissionsPolicy, featurePolicy } = /** @type {Record<string, Policy | undefined>} */ (
    /** @type {unknown} */ (document)
  );
  return (permissionsPolicy ?? featurePolicy)?.allowsFeature('microphone') ?? true;
}
