/** ITU-T G.711: 16-bit samples as bytes of mu-law, half as many bytes. No I/O. */

/** Added before the logarithm is taken: 33 at 14 bits (G.711, table 2a). */
const BIAS = 0x84;
const LOUDEST = 32767 - BIAS;

/** @param {Int16Array} pcm @returns {Uint8Array<ArrayBuffer>} a byte for each */
export function mulaw(pcm) {
  return Uint8Array.from(pcm, (sample) => {
    const size = Math.min(Math.abs(sample), LOUDEST) + BIAS;
    const exponent = 24 - Math.clz32(size);
    return ~((sample < 0 ? 0x80 : 0) | (exponent << 4) | ((size >> (exponent + 3)) & 15));
  });
}
