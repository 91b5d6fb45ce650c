/** Why something failed: one code, whoever reports it. `language/failure-strings.js` has a sentence for each. */

/** Where the server reports a failure, the value is the server's own code (docs/protocol.md). */
export const FailureCode = Object.freeze(
  /** @type {const} */ ({
    MICROPHONE_DENIED: 'denied',
    /** The operating system lets no browser, or not this one, use the microphone. */
    MICROPHONE_DENIED_BY_SYSTEM: 'denied_by_system',
    /** The page's `Permissions-Policy`, or a frame without `allow="microphone"`, forbids it. */
    MICROPHONE_DENIED_BY_PAGE: 'denied_by_page',
    MICROPHONE_NOT_FOUND: 'not_found',
    MICROPHONE_BUSY: 'busy',
    /** The page was not loaded over HTTPS, so the browser opens no microphone. */
    PAGE_INSECURE: 'insecure',
    BROWSER_UNSUPPORTED: 'unsupported',
    /** A browser inside another program, such as WeChat's on older iPhones: secure, and yet without a microphone. */
    BROWSER_EMBEDDED: 'embedded',
    /** No connection to the server could be made. */
    UNREACHABLE: 'unreachable',
    /** The connection was down for longer than the server keeps a session. */
    LINE_LOST: 'lost',
    /** The server no longer has the session, though the client came back in time: it was restarted. */
    SESSION_LOST: 'session_lost',
    /** The server closed the socket for good and gave no reason. */
    CLOSED: 'closed',
    /** The server has keys, and this page came without a token. */
    UNAUTHORIZED: 'unauthorized',
    INVALID_TOKEN: 'invalid_token',
    FOREIGN_TOKEN: 'foreign_token',
    TOKEN_EXPIRED: 'token_expired',
    TOKEN_USED: 'token_used',
    AT_CAPACITY: 'at_capacity',
    SESSION_SUPERSEDED: 'session_superseded',
    SESSION_EXPIRED: 'session_expired',
    UNKNOWN_SESSION: 'unknown_session',
    IDLE_TIMEOUT: 'idle_timeout',
    INVALID_LABELS: 'invalid_labels',
    UNDECODABLE_FILE: 'undecodable_file',
    /** A recording that is encrypted or copy-protected. */
    PROTECTED_FILE: 'protected_file',
    /** The server refused for a reason that the person at the page can do nothing about; see `detail`. */
    REFUSED: 'refused',
    /** The address of the doctor's page names no session. */
    SESSION_MISSING: 'no_session',
    FILE_TOO_LARGE: 'file_too_large',
    /** A fault of this client or of the browser. */
    UNEXPECTED: 'other',
  }),
);

/**
 * @import { Refusal } from './types.js'
 *
 * @typedef {typeof FailureCode[keyof typeof FailureCode]} FailureCode
 * @typedef {{code: FailureCode, detail: string, zh?: string}} Failure `detail`: for logs, in English; may be empty.
 *   `zh`: the same in Chinese, where the server says it for people
 */

const CODES = /** @type {ReadonlySet<string>} */ (new Set(Object.values(FailureCode)));

/** Kinds of a file in which no sound was found: `detail` says which. */
const UNREAD = new Set(['empty_file', 'no_sound_track', 'no_decoder', 'decoder_stopped']);

/** @param {string} code @returns {code is FailureCode} */
function isFailureCode(code) {
  return CODES.has(code);
}

/**
 * What the server's `error`, on a socket or in an HTTP answer, means here.
 * @param {{code: string, message: string}} refusal
 * @returns {Failure}
 */
export function failureOfRefusal({ code, message }) {
  if (isFailureCode(code)) return { code, detail: message };
  const detail = `${code}: ${message}`;
  return { code: UNREAD.has(code) ? FailureCode.UNDECODABLE_FILE : FailureCode.REFUSED, detail };
}

/**
 * Why a socket is closed for good.
 * @param {Refusal | null} refusal the `error` before the close, if any
 * @param {number} closeCode
 * @returns {Failure}
 */
export function failureOfClose(refusal, closeCode) {
  return refusal ? failureOfRefusal(refusal) : { code: FailureCode.CLOSED, detail: `close code ${closeCode}` };
}

/**
 * What the server's `error` means to a patient: it says alike that it has lost a session and that it never had it.
 * @param {Refusal} refusal
 * @param {boolean} begun whether the session had begun, in this page or before it was reloaded
 * @returns {Refusal}
 */
export function refusalOfSession(refusal, begun) {
  if (refusal.code !== FailureCode.UNKNOWN_SESSION) return refusal;
  // Not begun: it was announced, and nobody came for it in time.
  return { ...refusal, code: begun ? FailureCode.SESSION_LOST : FailureCode.TOKEN_EXPIRED };
}

/**
 * Why nobody tries any more to reach the server.
 * @param {Refusal | null} refusal its last word, if any
 * @param {boolean} begun whether the session had begun
 * @returns {Failure}
 */
export function failureOfLine(refusal, begun) {
  if (refusal) return failureOfRefusal(refusal);
  return { code: begun ? FailureCode.LINE_LOST : FailureCode.UNREACHABLE, detail: '' };
}
