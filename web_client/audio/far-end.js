/** Listens to the call's remote track: the doctor's voice from the loudspeaker is not judged as the patient's. */

import { Microphone } from './microphone.js';

/** Call `listen` with each new remote stream, `stop` at the end. Nothing of it is recorded or sent. */
export class FarEndListener {
  /** @param {(speaking: boolean) => void} onSpeaking only when it changes */
  constructor(onSpeaking) {
    this.#onSpeaking = onSpeaking;
  }

  #onSpeaking;
  #ear = /** @type {Microphone | null} */ (null);
  #speaking = false;

  /** @param {MediaStream} stream with an audio track @returns {Promise<boolean>} whether it can be listened to */
  async listen(stream) {
    this.stop();
    const [track] = stream.getAudioTracks();
    if (!track) return false;
    const listeners = {
      onPcm: () => {},
      onSpeaking: (/** @type {boolean} */ speaking) => this.#heard(speaking),
      onSilent: () => this.#heard(false),
      onInterrupted: () => {},
    };
    const ear = new Microphone(track, false, listeners, { gated: true });
    this.#ear = ear;
    try {
      await ear.start();
      return true;
    } catch {
      ear.letGo();
      return false;
    }
  }

  stop() {
    this.#ear?.letGo();
    this.#ear = null;
    this.#heard(false);
  }

  /** @param {boolean} speaking */
  #heard(speaking) {
    if (speaking === this.#speaking) return;
    this.#speaking = speaking;
    this.#onSpeaking(speaking);
  }
}
