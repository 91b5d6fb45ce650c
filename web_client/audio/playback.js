/** Plays what somebody has just said, to themselves alone. */

const KEEP_S = 15;

/** Keeps the latest 15 s in this page's memory. */
export class Playback {
  #chunks = /** @type {Int16Array[]} */ ([]);
  #samples = 0;
  #rate = 0;
  #context = /** @type {AudioContext | null} */ (null);

  /** @param {number} rate Hz */
  begin(rate) {
    this.stop();
    this.#chunks = [];
    this.#samples = 0;
    this.#rate = rate;
  }

  /** @param {Int16Array} pcm */
  hear(pcm) {
    this.#chunks.push(pcm);
    this.#samples += pcm.length;
    while (this.#samples > KEEP_S * this.#rate) this.#samples -= this.#chunks.shift()?.length ?? this.#samples;
  }

  get isEmpty() {
    return this.#samples === 0;
  }

  /** Call it from a user gesture. */
  play() {
    this.stop();
    if (this.isEmpty) return;
    const context = new AudioContext();
    const buffer = context.createBuffer(1, this.#samples, this.#rate);
    let at = 0;
    for (const chunk of this.#chunks) {
      buffer.copyToChannel(
        Float32Array.from(chunk, (sample) => sample / 32768),
        0,
        at,
      );
      at += chunk.length;
    }
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(context.destination);
    source.onended = () => this.stop();
    source.start();
    this.#context = context;
  }

  stop() {
    void this.#context?.close();
    this.#context = null;
  }
}
