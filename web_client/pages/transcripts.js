/** Which chosen file is the transcript of which recording, as `POST /v1/batches` pairs them. No I/O. */

/** @import { Chosen } from './upload-queue.js' */

const TRANSCRIPT = /\.jsonl$/iu;

/**
 * What was said in `visit.amr` is in `visit.amr.jsonl`, or in `visit.jsonl` if no other recording is called `visit`.
 * @param {Chosen[]} chosen
 * @returns {Chosen[]} recordings with their transcripts; what belongs to none stays as it is, to be refused by name
 */
export function paired(chosen) {
  const recordings = chosen.filter(({ name }) => !TRANSCRIPT.test(name));
  const found = /** @type {Map<Chosen, Chosen>} */ (new Map());
  const alone = /** @type {Chosen[]} */ ([]);
  for (const one of chosen.filter(({ name }) => TRANSCRIPT.test(name))) {
    const recording = recordingOf(one.name.replace(TRANSCRIPT, ''), recordings);
    if (recording && !found.has(recording)) found.set(recording, one);
    else alone.push(one);
  }
  return [
    ...recordings.map((one) => {
      const transcript = found.get(one)?.file;
      return transcript ? { ...one, transcript } : one;
    }),
    ...alone,
  ];
}

/** @param {string} stem @param {Chosen[]} recordings @returns {Chosen | undefined} */
function recordingOf(stem, recordings) {
  const whole = recordings.find(({ name }) => name === stem);
  const alike = recordings.filter(({ name }) => name.replace(/\.[^./]*$/u, '') === stem);
  return whole ?? (alike.length === 1 ? alike[0] : undefined);
}
