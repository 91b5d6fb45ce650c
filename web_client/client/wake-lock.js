/** Keeps the screen on while somebody speaks: a phone that sleeps stops the microphone. */

export class WakeLock {
  #lock = /** @type {WakeLockSentinel | null} */ (null);
  #held = false;

  hold() {
    this.#held = true;
    document.addEventListener('visibilitychange', this.#ask);
    this.#ask();
  }

  letGo() {
    this.#held = false;
    document.removeEventListener('visibilitychange', this.#ask);
    void this.#lock?.release().catch(() => {});
    this.#lock = null;
  }

  /** The browser takes it back whenever the page is hidden. One without it, or that refuses, costs nothing. */
  #ask = () => {
    if (!this.#held || document.hidden || !navigator.wakeLock) return;
    navigator.wakeLock.request('screen').then(
      (lock) => {
        if (this.#held) this.#lock = lock;
        else void lock.release().catch(() => {});
      },
      () => {},
    );
  };
}
