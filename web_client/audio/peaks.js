/** The outline of a recording, for a drawing, as far as the browser can decode it. */

const RATE = 8000;
const COLUMNS = 240;
/** Decoded, a recording takes many times its size. */
const LARGEST_BYTES = 60_000_000;

/**
 * @param {File} file
 * @returns {Promise<number[] | null>} the peak of each of equal steps of time, 0..1; null: too large, or of a kind that
 *   this browser cannot decode
 */
export async function peaksOf(file) {
  if (file.size > LARGEST_BYTES) return null;
  try {
    const decoder = new OfflineAudioContext(1, 1, RATE);
    return outline(await decoder.decodeAudioData(await file.arrayBuffer()));
  } catch {
    return null;
  }
}

/** @param {AudioBuffer} sound @returns {number[]} */
function outline(sound) {
  const peaks = new Array(COLUMNS).fill(0);
  for (let channel = 0; channel < sound.numberOfChannels; channel++) {
    const pcm = sound.getChannelData(channel);
    for (let i = 0; i < pcm.length; i++) {
      const at = Math.floor((i * COLUMNS) / pcm.length);
      peaks[at] = Math.max(peaks[at], Math.abs(pcm[i] ?? 0));
    }
  }
  return peaks.map((peak) => Math.min(peak, 1));
}
