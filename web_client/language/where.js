/** In which browser a sentence about the microphone is read: each hides its setting somewhere else. */

/** @typedef {'wechat' | 'iphone' | 'android' | 'firefox' | 'safari' | 'desktop'} Browser */
/** @typedef {{browser: Browser}} Where */

/** The first that is found in the user agent; the order matters, for each claims to be the others too. */
const SIGNS = /** @type {const} */ ([
  ['wechat', /MicroMessenger/i],
  ['iphone', /iPhone|iPad|iPod/],
  ['android', /Android/],
  ['firefox', /Firefox\//],
  ['safari', /^(?!.*Chrom).*Safari\//],
]);

/** @param {string} userAgent @returns {Where} */
export function whereOf(userAgent) {
  return { browser: SIGNS.find(([, sign]) => sign.test(userAgent))?.[0] ?? 'desktop' };
}

/** @type {Where} */
export const ANYWHERE = { browser: 'desktop' };
