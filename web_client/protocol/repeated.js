/** What is told again on each socket, since the last one may have swallowed it. No I/O. */

/** @import { Segment } from './types.js' */

/** Segments of what was said that are kept for the next socket: as many as one message takes. */
export const MOST_SEGMENTS = 100;

/** "Not now", for the visit, and the latest segments of what was said. The server hears each `id` once. */
export class Repeated {
  #snoozed = /** @type {Set<string>} */ (new Set());
  /** By id, in the order in which they were said; beyond `MOST_SEGMENTS` the oldest are dropped. */
  #segments = /** @type {Map<string, {segment: Segment, sent: boolean}>} */ (new Map());

  /** @param {string} id of a prompt */
  snooze(id) {
    this.#snoozed.add(id);
  }

  /** @param {Segment[]} segments @param {boolean} sent whether there is a line, and they go out now */
  say(segments, sent) {
    for (const segment of segments) {
      this.#segments.delete(segment.id); // what was corrected is the latest
      this.#segments.set(segment.id, { segment, sent });
    }
    for (const id of [...this.#segments.keys()].slice(0, -MOST_SEGMENTS)) this.#segments.delete(id);
  }

  /** A new session begins: what went to the former one is no part of it. */
  beginAnew() {
    for (const [id, { sent }] of this.#segments) if (sent) this.#segments.delete(id);
  }

  /** The messages for a new socket. @returns {Generator<object>} */
  *messages() {
    for (const id of this.#snoozed) yield { type: 'prompt.snooze', id };
    const waiting = [...this.#segments.values()];
    for (const one of waiting) one.sent = true;
    if (waiting.length) yield { type: 'transcript', segments: waiting.map(({ segment }) => segment) };
  }
}
