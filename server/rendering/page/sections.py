"""The report of one recording, as a section of the page."""

from collections.abc import Mapping, Sequence
from html import escape

from server.judge.share import told_seconds
from server.rendering import words
from server.rendering.page import phrases
from server.rendering.page.drawing import timeline
from server.rendering.report import LEAST_UNHEARD_S, names_of, rule_name, said, voices_told, worst_first
from server.values.notices import NoticeCode
from server.wire.result import ResultLabel, ResultModel, RuleMatchModel, StretchModel

MOST_TIMES = 12
"""Times of a label or a voice that are told in a row; the drawing has them all."""


def report_of(result: ResultModel, peaks: Sequence[int], language: str, anchor: str, name: str) -> str:
    """Everything that a doctor asks of one recording, under its ``name``."""
    source = result.source
    facts = [f"{words.clock(source.duration_s)}", f"{words.SPEECH(language)} {words.clock(source.speech_s)}"]
    facts += [result.reference] if result.reference and source.name else []
    facts.append(f"{source.sample_rate} Hz")
    parts = [
        f'<section class="report" id="{anchor}"><h2>{escape(name)}</h2>',
        f'<p class="facts">{escape(phrases.COMMA(language).join(facts))}</p>',
        _verdict(result, language),
        f'<p class="advice">{escape(said(result.advice, language))}</p>',
        *(f'<p class="advice"><strong>{escape(one)}</strong></p>' for one in missing(result, language)),
        _best(result.best_60s, source.duration_s, language),
        f"<h3>{escape(phrases.TIMELINE(language))}</h3>",
        "" if peaks else f'<p class="note">{escape(phrases.SILENT(language))}</p>',
        # On a phone it is wider than the page, and moved; with keys too.
        f'<div class="timeline" tabindex="0" role="group" aria-label="{escape(phrases.TIMELINE(language))}">',
        timeline(result, peaks, language),
        "</div>",
        _labels(result, language),
        _lists(result, language),
        _measures(result, language),
        _foot(result, language),
        "</section>\n",
    ]
    return "".join(parts)


INCOMPLETE = frozenset((NoticeCode.CUT_SHORT, NoticeCode.DAMAGED_FILE))


def missing(result: ResultModel, language: str) -> list[str]:
    """What the verdict does not cover, because the file holds no more: next to it, or it would be read without."""
    return [said(one, language) for one in result.notices if one.code in INCOMPLETE]


def _verdict(result: ResultModel, language: str) -> str:
    look, overall = words.GRADES[result.overall.grade], result.overall
    unheard = sum(span.end_s - span.start_s for span in result.unusable_spans)
    part, whole = told_seconds(unheard, result.source.duration_s)
    told = ""
    if unheard >= LEAST_UNHEARD_S:
        heard = words.UNHEARD(language).format(whole=whole, part=part)
        told = phrases.NOTHING_HEARD(language) if part == whole else heard
    return (
        f'<div class="verdict"><strong>{escape(look.shape)} {escape(look.word(language))}</strong>'
        f'<span class="score">{words.number(overall.score)}</span>'
        f"<span>{escape(words.VERDICTS[overall.verdict](language))}</span>"
        f"<span>{escape(words.assessed(overall.assessed, language))}</span><span>{escape(told)}</span></div>"
    )


def _best(best: StretchModel | None, length: float, language: str) -> str:
    if best is None or length <= best.end_s - best.start_s:
        return ""
    line = phrases.BEST_LINE(language).format(start=words.clock(best.start_s), end=words.clock(best.end_s))
    return f"<p><strong>{escape(line)}</strong></p>"


def _labels(result: ResultModel, language: str) -> str:
    heads = (words.LABEL, words.SCORE, words.THRESHOLD, phrases.STATE, phrases.FAILED_AT)
    head = "".join(f"<th>{escape(one(language))}</th>" for one in heads)
    rows = "".join(_label(label, language) for label in worst_first(result))
    return (
        f"<h3>{escape(phrases.LABELS(language))}</h3><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _label(label: ResultLabel, language: str) -> str:
    bar = "" if label.score is None else f'<span class="bar"><i style="width:{100 * label.score:.0f}%"></i></span>'
    if label.state is not None:
        at = "" if label.heard_at_s is None else f" {words.clock(label.heard_at_s)}"
        state = words.STATES[label.state](language) + at
    elif label.passed is None:
        state = words.WHY[label.why](language) if label.why else ""
    else:
        state = (phrases.PASSED if label.passed else phrases.FAILED)(language)
    times = ", ".join(f"{words.clock(one.start_s)}–{words.clock(one.end_s)}" for one in label.failed[:MOST_TIMES])
    times += ", …" if len(label.failed) > MOST_TIMES else ""
    score = words.number(label.score, label.threshold)
    threshold = "" if label.score is None else words.number(label.threshold)
    failed = ' class="failed"' if label.passed is False else ""
    return (
        f'<tr><td{failed}>{escape(said(label.title, language))}</td><td class="n">{score}{bar}</td>'
        f'<td class="n">{threshold}</td><td{failed}>{escape(state)}</td><td>{times}</td></tr>'
    )


def _lists(result: ResultModel, language: str) -> str:
    titles = {name: said(label.title, language) for name, label in result.labels.items()}
    comma = "、" if language.startswith("zh") else ", "
    lists = [
        (words.RULES, [_rule(one, titles, language) for one in result.rules]),
        (phrases.NOT_HEARD, [titles.get(name, name) for name in result.not_heard]),
        (words.NOT_ASSESSED, [comma.join(titles.get(name, name) for name in result.not_assessed)]),
        (words.VOICES, voices_told(result, language, "–", MOST_TIMES)),
        (words.AROUND, [names_of(result.interference, language)] if result.interference else []),
        (
            words.OWN_SOUNDS,
            [
                f"{words.clock(one.start_s)}–{words.clock(one.end_s)} {said(one.title, language)}"
                for one in result.events[:MOST_TIMES]
            ],
        ),
        (phrases.NOTES, [said(one, language) for one in result.notices]),
    ]
    return "".join(
        f"<h3>{escape(title(language))}</h3><ul>{''.join(f'<li>{escape(one)}</li>' for one in told)}</ul>"
        for title, told in lists
        if any(told)
    )


def _rule(match: RuleMatchModel, titles: Mapping[str, str], language: str) -> str:
    """What the clinic calls it, and how its label stood when it matched."""
    stood = words.number(match.score) if match.state is None else words.STATES[match.state](language)
    at = "" if match.at_s is None else f" {words.clock(match.at_s)}"
    label = titles.get(match.label, match.label)
    return f"{rule_name(match, language)}{words.COLON(language)}{label}{phrases.COMMA(language)}{stood}{at}"


def _measures(result: ResultModel, language: str) -> str:
    told = []
    for name, (title, unit) in phrases.MEASURE_NAMES.items():
        value = getattr(result.measures, name)
        if value is None:
            continue
        shown = f"{100 * value:.1f} %" if unit == "%" else f"{value:.0f} Hz" if unit == "Hz" else f"{value:.2f} {unit}"
        told.append(f"<div><dt>{escape(title(language))}</dt><dd>{escape(shown.strip())}</dd></div>")
    if not told:
        return ""
    return f'<h3>{escape(phrases.MEASURES(language))}</h3><dl class="measures">{"".join(told)}</dl>'


def _foot(result: ResultModel, language: str) -> str:
    by = result.model
    made = phrases.MADE(language).format(version=by.version, dictionary=f"{by.dictionary.name} {by.dictionary.version}")
    basic = "" if by.clap else f" · {words.BASIC_MODE(language)}"
    return f'<p class="foot">{escape(made + basic)}</p>'
