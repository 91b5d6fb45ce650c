/** Recordings on their way to the server, some at a time. No I/O: what sends them is given. */

import { FailureCode } from '../protocol/failures.js';
import { AssessError } from '../transport/assess.js';

/**
 * @import { Failure } from '../protocol/failures.js'
 * @import { Result } from '../protocol/types.js'
 * @import { Sending } from '../transport/assess.js'
 *
 * @typedef {{kind: 'waiting'} | {kind: 'working', sent: number} | {kind: 'done', result: Result}
 *   | {kind: 'failed', failure: Failure} | {kind: 'cancelled'}} ItemState `sent`: 0..1; at 1 the server is judging
 * @typedef {{name: string, file: File, transcript?: File}} Chosen `name`: with its folders; `transcript`: what was said
 * @typedef {Chosen & {state: ItemState}} Item
 * @typedef {(chosen: Chosen, onSent: (sent: number) => void) => Sending} Send
 */

/** As many as the server judges at the same time. */
const AT_ONCE = 2;
const AGAIN_MS = 5000;
/** More than the server takes anyway. */
const LARGEST_BYTES = 200_000_000;

export class UploadQueue {
  /**
   * @param {Send} send
   * @param {(item: Item) => void} changed
   * @param {(act: () => void, ms: number) => void} later
   */
  constructor(send, changed, later = setTimeout) {
    this.#send = send;
    this.#changed = changed;
    this.#later = later;
  }

  #send;
  #changed;
  #later;
  #cancels = /** @type {Map<Item, () => void>} */ (new Map());
  /** @type {Item[]} in the order in which they came */
  items = [];

  /** @param {Chosen[]} chosen */
  add(chosen) {
    for (const one of chosen) {
      /** @type {Item} */
      const item = { ...one, state: { kind: 'waiting' } };
      this.items.push(item);
      const tooLarge = one.file.size > LARGEST_BYTES;
      const failure = { code: FailureCode.FILE_TOO_LARGE, detail: '' };
      this.#become(item, tooLarge ? { kind: 'failed', failure } : item.state);
    }
    this.#next();
  }

  /** @param {Item} item one that waits is not sent, one that is sent is let go */
  cancel(item) {
    if (item.state.kind === 'waiting') this.#become(item, { kind: 'cancelled' });
    else this.#cancels.get(item)?.();
  }

  /** Forgets those that are settled. */
  clear() {
    this.items = this.items.filter((item) => !isSettled(item));
  }

  #next() {
    const working = this.items.filter(({ state }) => state.kind === 'working').length;
    const waiting = this.items.filter(({ state }) => state.kind === 'waiting');
    for (const item of waiting.slice(0, Math.max(0, AT_ONCE - working))) void this.#work(item);
  }

  /** @param {Item} item */
  async #work(item) {
    this.#become(item, { kind: 'working', sent: 0 });
    const { result, cancel } = this.#send(item, (sent) => {
      if (item.state.kind === 'working') this.#become(item, { kind: 'working', sent });
    });
    this.#cancels.set(item, cancel);
    try {
      this.#become(item, { kind: 'done', result: await result });
    } catch (error) {
      this.#failed(item, error);
    } finally {
      this.#cancels.delete(item);
    }
    if (item.state.kind === 'waiting') this.#later(() => this.#next(), AGAIN_MS);
    else this.#next();
  }

  /** @param {Item} item @param {unknown} error */
  #failed(item, error) {
    if (!(error instanceof AssessError)) throw error;
    const { failure } = error;
    if (error.cancelled) this.#become(item, { kind: 'cancelled' });
    else if (error.code === FailureCode.AT_CAPACITY) this.#become(item, { kind: 'waiting' });
    else this.#become(item, { kind: 'failed', failure });
  }

  /** @param {Item} item @param {ItemState} state */
  #become(item, state) {
    item.state = state;
    this.#changed(item);
  }
}

/** Whether nothing more happens to it. @param {Item} item */
export function isSettled({ state }) {
  return state.kind !== 'waiting' && state.kind !== 'working';
}
