"""Where a window lies, and what the judgement must know of it besides its scores."""

import numpy as np

from server.judge.judgement import WindowFacts
from server.values.input_kind import input_kind
from server.values.measures import Measures
from server.values.rows import ROW_RATE, is_gap, is_speech, runs
from server.values.windows import RECENT_S, Window


def window_facts(window: Window, measures: Measures) -> WindowFacts:
    """``measures``: those of the window, or only its share of speech if the acoustic scorer gave none."""
    return WindowFacts(
        start_sample=window.start_sample,
        end_sample=window.end_sample,
        sample_rate=window.sample_rate,
        partial=window.partial,
        speech_s=window.speech_s,
        speech_ratio=window.speech_ratio,
        measures=measures,
        input_kind=input_kind(window.rows[-RECENT_S * ROW_RATE :]),
        speech_by_second=_speech_by_second(window),
        lost=_lost(window),
    )


def _speech_by_second(window: Window) -> tuple[int, ...]:
    """Counted from the end; only the first second of a recording under 3 s may be shorter than the others."""
    speech = is_speech(window.rows)[::-1]
    seconds = (speech[start : start + ROW_RATE] for start in range(0, speech.size, ROW_RATE))
    return tuple(int(np.count_nonzero(second)) * 100 // ROW_RATE for second in seconds)[::-1]


def _lost(window: Window) -> tuple[tuple[int, int], ...]:
    """Runs of rows declared lost, in samples."""
    gap, rows = is_gap(window.rows), window.rows.shape[0]
    if not gap.any():
        return ()
    at = [window.start_sample + row * window.sample_rate // ROW_RATE for row in range(rows)] + [window.end_sample]
    return tuple((at[start], at[end]) for start, end in runs(gap))
