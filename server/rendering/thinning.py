"""Fewer windows of a long result, for messages and answers: all were judged, and the whole says what they say."""

from dataclasses import replace

from server.assessment.result import Result
from server.values.notices import Notice, NoticeCode

MOST_WINDOWS = 600
"""Of ten minutes every window is told, about 2 kB each; of four hours one in 24 s."""


def thinned(result: Result, most: int = MOST_WINDOWS) -> Result:
    """``result`` with at most ``most`` windows: every n-th, evenly, up to the last; a notice says which."""
    count = len(result.windows)
    every = -(-count // most)
    if every <= 1:
        return result
    first = (count - 1) % every
    return replace(result, windows=result.windows[first::every], notices=(*result.notices, _notice(count, every)))


def _notice(count: int, every: int) -> Notice:
    return Notice(
        code=NoticeCode.WINDOWS_THINNED,
        zh=f"共评估了 {count} 个窗口，这里每 {every} 个列出一个；总体结果依据全部窗口。",
        en=f"{count} windows were judged, of which one in {every} is listed; the overall result rests on all of them.",
    )
