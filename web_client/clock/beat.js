/** One timer for all that looks at the clock: each waking costs a page as much as what is then done. */

/** How often a beat comes; once a second in a tab in the background. */
export const BEAT_MS = 250;

const acts = /** @type {Set<{run: () => void}>} */ (new Set());
let timer = /** @type {ReturnType<typeof setInterval> | undefined} */ (undefined);

/**
 * From the next beat on, which comes within `BEAT_MS`.
 * @param {() => void} run
 * @returns {() => void} call it to stop
 */
export function onBeat(run) {
  const act = { run };
  acts.add(act);
  timer ??= setInterval(beat, BEAT_MS);
  return () => {
    acts.delete(act);
    if (acts.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function beat() {
  for (const act of [...acts]) {
    if (!acts.has(act)) continue; // stopped by one before it
    try {
      act.run();
    } catch (error) {
      // Reported as any error of a timer; the others go on.
      setTimeout(() => {
        throw error;
      }, 0);
    }
  }
}
