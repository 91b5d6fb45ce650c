"""The timeline of a recording as SVG: waveform, what cannot be used, voices, when each label failed.

Colour never stands alone: what is bad is hatched, so that a black-and-white print says the same.
"""

from collections.abc import Sequence
from html import escape

from server.rendering import words
from server.rendering.page import phrases
from server.wire.common import VoiceModel
from server.wire.result import ResultModel

WIDTH, LEFT, RIGHT = 960, 190, 14
WAVE, ROW, AXIS = 92, 20, 24
FLOOR_DBFS = -70.0
COLUMNS = WIDTH - LEFT - RIGHT
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
MOST_TICKS = 12
TITLE_CHARS = 26

Pairs = Sequence[tuple[float, float]]


def timeline(result: ResultModel, peaks: Sequence[int], language: str) -> str:
    """``peaks``: whole dBFS in equal steps of time; without them the level of speech by window is drawn."""
    length = max(result.source.duration_s, 0.1)
    rows = [_voice_row(voice, language) for voice in result.voices]
    rows += [
        (label.title.zh if language.startswith("zh") else label.title.en, _pairs(label.failed), "bad")
        for label in result.labels.values()
        if label.failed
    ]
    height = WAVE + ROW * len(rows) + AXIS
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(phrases.TIMELINE(language))}">',
        _pattern(),
        _wave(result, peaks, length),
    ]
    parts += [_span(one, length, 0, WAVE, "bad") for one in _pairs(result.unusable_spans)]
    if result.best_60s is not None and length > result.best_60s.end_s - result.best_60s.start_s:
        best = (result.best_60s.start_s, result.best_60s.end_s)
        parts.append(_span(best, length, WAVE - 8, 6, "best"))
        parts.append(
            f'<text class="say" x="{_x(best[0], length):.0f}" y="{WAVE - 12}">{escape(phrases.BEST(language))}</text>'
        )
    parts.append(_name(phrases.WAVEFORM(language), WAVE // 2))
    for at, (title, pairs, kind) in enumerate(rows):
        top = WAVE + ROW * at
        parts.append(f'<line class="row" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{top + 10}" y2="{top + 10}"/>')
        parts += [_span(one, length, top + 4, ROW - 8, kind) for one in pairs]
        parts.append(_name(title, top + 14))
    parts.append(_axis(length, WAVE + ROW * len(rows)))
    return "".join([*parts, "</svg>"])


def _pattern() -> str:
    return (
        '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="6" height="6" class="ground"/><rect width="2.4" height="6" class="stripe"/></pattern></defs>'
    )


def _x(seconds: float, length: float) -> float:
    return LEFT + COLUMNS * min(max(seconds / length, 0.0), 1.0)


def _span(pair: tuple[float, float], length: float, top: float, height: float, kind: str) -> str:
    left, right = _x(pair[0], length), _x(pair[1], length)
    width = max(right - left, 1.5)
    return f'<rect class="{kind}" x="{left:.1f}" y="{top:g}" width="{width:.1f}" height="{height:g}"/>'


def _wave(result: ResultModel, peaks: Sequence[int], length: float) -> str:
    """Bars around a middle line, in decibels: quiet speech must show beside a loud cough."""
    middle, most = WAVE / 2, WAVE / 2 - 4
    if peaks:
        levels = [(at / len(peaks) * length, float(peak)) for at, peak in enumerate(peaks)]
        width = COLUMNS / len(peaks)
    else:
        levels = [(one.start_s, one.measures.speech_dbfs or FLOOR_DBFS) for one in result.windows if not one.partial]
        width = COLUMNS / max(len(levels), 1)
    path = [
        f"M{_x(at, length) + width / 2:.1f} {middle - tall:.1f}v{2 * tall:.1f}"
        for at, level in levels
        if (tall := most * max(level - FLOOR_DBFS, 0.0) / -FLOOR_DBFS) > 0.2
    ]
    line = f'<line class="row" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{middle:g}" y2="{middle:g}"/>'
    return f'{line}<path class="wave" stroke-width="{max(width * 0.7, 0.5):.2f}" d="{"".join(path)}"/>'


def _voice_row(voice: VoiceModel, language: str) -> tuple[str, Pairs, str]:
    title = words.ROLES[voice.role](language)
    if voice.faint:
        title += words.BRACKETS(language).format(words.FAINT(language))
    return title, _pairs(voice.spans), "voice" if voice.role == "patient" else "other"


def _pairs(spans: Sequence[object]) -> list[tuple[float, float]]:
    return [(float(getattr(one, "start_s")), float(getattr(one, "end_s"))) for one in spans]  # noqa: B009 - four kinds


def _name(text: str, y: float) -> str:
    short = text if len(text) <= TITLE_CHARS else text[: TITLE_CHARS - 1] + "…"
    return f'<text class="name" x="{LEFT - 10}" y="{y:g}" text-anchor="end">{escape(short)}</text>'


def _axis(length: float, top: float) -> str:
    step = next((one for one in STEPS_S if length / one <= MOST_TICKS), STEPS_S[-1])
    marks = []
    for at in range(0, int(length) + 1, step):
        x = _x(at, length)
        marks.append(f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{top + 4:g}"/>')
        marks.append(f'<text x="{x:.1f}" y="{top + 18:g}" text-anchor="middle">{words.clock(at)}</text>')
    return "".join(marks)
