"""The report as one self-contained HTML file, to be read, printed and passed on."""

import base64
import csv
import json
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from server.evaluation.agreement import section
from server.evaluation.evaluation import Evaluation
from server.evaluation.findings import Condition, Findings, JudgedRow
from server.evaluation.pictures import label_figure
from server.evaluation.plain import plain
from server.evaluation.shown import percent, right_of, share, short, spread, with_range
from server.evaluation.statistics import Figures
from server.judge.labels import LabelSet

REPORT, DATA, SCORES = "report.html", "report.json", "scores.csv"
STYLE = "report.css"


def write_report(folder: Path, evaluation: Evaluation) -> None:
    """Write ``report.html``, ``report.json`` and ``scores.csv`` to ``folder``, which exists."""
    (folder / REPORT).write_text(page(evaluation), encoding="utf-8")
    text = json.dumps(plain(evaluation), ensure_ascii=False, indent=1, allow_nan=False)
    (folder / DATA).write_text(text + "\n", encoding="utf-8")
    with (folder / SCORES).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(_scores(evaluation))


def _scores(evaluation: Evaluation) -> Iterable[Sequence[object]]:
    """The scores of every recording by the labels as given."""
    ids = [label.id for label in evaluation.labels.shown()]
    yield ["path", "condition", "verdict", "overall", "prompts", *ids]
    for one in evaluation.judged:
        scores = [one.conclusion.labels[label_id].score for label_id in ids]
        overall = one.conclusion.overall
        yield [
            one.row.name,
            one.row.condition,
            overall.verdict,
            short(overall.score),
            " ".join(one.conclusion.prompts),
            *map(short, scores),
        ]


def page(evaluation: Evaluation) -> str:
    """The complete file: HTML with its styles and pictures inside."""
    held_out = evaluation.cross_validated
    parts = [_head(evaluation)]
    if held_out is not None:
        parts.append(_section(evaluation.labels, held_out, "Cross-validated", _how(evaluation)))
    parts.append(
        _section(
            evaluation.labels,
            evaluation.as_given,
            "The labels as given",
            "How <code>tingqing assess</code> judges these recordings today.",
        )
    )
    parts += [
        section(evaluation.as_given.heard),
        _label_details(evaluation),
        _fitted(evaluation),
        _wrong(evaluation.as_given),
        _faults(evaluation),
    ]
    style = files("server.evaluation").joinpath(STYLE).read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Tingqing: evaluation</title><style>{style}</style></head>\n"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _head(evaluation: Evaluation) -> str:
    first = evaluation.cross_validated or evaluation.as_given
    n = sum(condition.n for condition in first.conditions.values())
    cards = [("recordings", str(n), f"{len(first.conditions)} conditions")]
    if first.prompts is not None:
        cards.append(
            (
                "all prompts right, none wrong",
                percent(first.prompts.value),
                f"{first.prompts_right} of {first.prompts_known}; {spread(first.prompts, percent=True)}",
            )
        )
    verdicts = [(one.verdicts_right, one.verdicts_known) for one in first.conditions.values() if one.verdicts_known]
    if verdicts:
        right, known = map(sum, zip(*verdicts, strict=True))
        cards.append(("verdicts right", percent(right / known), f"{right} of {known}"))
    shown = "".join(
        f'<div class="card"><div class="what">{what}</div><div class="figure">{value}</div>'
        f'<div class="more">{more}</div></div>'
        for what, value, more in cards
    )
    name = f"{escape(evaluation.labels.dictionary)}, version {escape(evaluation.labels.version)}"
    basis = "cross-validated" if evaluation.cross_validated is not None else "with the labels as given"
    return (
        f"<header><h1>听清 Tingqing <small>evaluation</small></h1><p>Labels: {name}. Figures on top: {basis}. "
        f'It judges recordings, not patients. It does not diagnose.</p></header><div class="cards">{shown}</div>'
    )


def _how(evaluation: Evaluation) -> str:
    sources = " or ".join(evaluation.groups)
    apart = f"that share no {escape(sources)} with it" if sources else "other than itself (no speaker column was given)"
    return (
        f"In {evaluation.folds} folds: each recording is judged with curves fitted only to recordings "
        f"{apart}; at least {evaluation.least_fitted} of them. This is what to expect on new recordings."
    )


def _section(labels: LabelSet, findings: Findings, title: str, about: str) -> str:
    names = {label.id: label.title.en for label in labels.labels}
    rows = []
    for label_id, figures in findings.labels.items():
        rows.append(_label_row(f"<b>{escape(names[label_id])}</b><br><code>{label_id}</code>", figures))
        rows += [
            _label_row(f'<span class="sub">{escape(subset)}</span>', one)
            for subset, one in findings.subsets[label_id].items()
        ]
    head = "<th>label<th>fine<th>not fine<th>null<th>AUC<th>balanced accuracy<th>found<th>kept<th>suggested threshold"
    conditions = "".join(_condition_row(name, one) for name, one in findings.conditions.items())
    return (
        f"<section><h2>{title}</h2><p>{about}</p><table><thead><tr>{head}</thead><tbody>{''.join(rows)}</tbody></table>"
        '<p class="note">Ranges are 95 % intervals; all recordings of a speaker are drawn together. Found: recordings '
        "that are not fine and do not pass. Kept: fine ones that pass. Null: not scored, not counted elsewhere.</p>"
        "<table><thead><tr><th>condition<th>n<th>prompts right<th><th>verdicts right<th>prompts given<th>labels wrong"
        f"</thead><tbody>{conditions}</tbody></table></section>"
    )


def _label_row(name: str, figures: Figures) -> str:
    cells = [str(figures.fine), str(figures.others), str(figures.unscored)]
    cells += [
        with_range(figures.auc),
        with_range(figures.balanced_accuracy),
        share(figures.found),
        share(figures.kept),
    ]
    suggestion = "–" if figures.suggested is None else f"{figures.suggested:.2f}"
    if figures.suggested is not None and figures.suggested != figures.threshold:
        suggestion += f'<br><span class="range">gives {figures.suggested_accuracy:.3f}</span>'
    return f"<tr><td>{name}" + "".join(f'<td class="n">{cell}' for cell in [*cells, suggestion])


def _condition_row(name: str, condition: Condition) -> str:
    given = ", ".join(f"{escape(prompt)} {count}" for prompt, count in condition.given.most_common()) or "none"
    wrong = []
    for label_id, one in condition.labels.items():
        told = [(one.missed, "missed"), (one.alarms, "false")]
        wrong += [f"{label_id} {count} {what}" for count, what in told if count]
    bar = ""
    if condition.prompts_known:
        part = condition.prompts_right / condition.prompts_known
        bar = f'<div class="bar"><div style="width:{100 * part:.0f}%"></div></div>'
    cells = [
        f"<td>{escape(name)}",
        f'<td class="n">{condition.n}',
        f'<td class="n">{right_of(condition.prompts_right, condition.prompts_known)}',
        f"<td>{bar}",
        f'<td class="n">{right_of(condition.verdicts_right, condition.verdicts_known)}',
        f"<td>{given}",
        f"<td>{escape(', '.join(wrong))}",
    ]
    return f"<tr>{''.join(cells)}"


def _label_details(evaluation: Evaluation) -> str:
    drawn = []
    names = {label.id: label.title for label in evaluation.labels.labels}
    for label_id, figures in evaluation.as_given.labels.items():
        if not figures.bins:
            continue
        picture = base64.b64encode(label_figure(label_id, evaluation.judged, figures).encode()).decode()
        title = f"{escape(names[label_id].en)} <small>{escape(names[label_id].zh)}</small>"
        drawn.append(
            f'<figure><figcaption>{title}</figcaption><img alt="Scores of {label_id}, and how reliable they are" '
            f'src="data:image/svg+xml;base64,{picture}"></figure>'
        )
    return (
        "<section><h2>Scores and reliability</h2><p>The labels as given. Left: every recording. Right: the fraction "
        "of fine recordings among those with similar scores; for a reliable score it rises from 0 to 1.</p>"
        f"{''.join(drawn)}</section>"
    )


def _fitted(evaluation: Evaluation) -> str:
    if not evaluation.moved:
        why = "No curve moved: too few recordings of a kind, or no improvement."
        return f"<section><h2>Fitted curves</h2><p>{why}</p></section>"
    rows = "".join(
        f"<tr><td>{escape(move.label)}<td>{escape(move.measure)}"
        f'<td class="n">{move.before:.4g}<td class="n">{move.after:.4g}'
        for move in evaluation.moved
    )
    return (
        "<section><h2>Fitted curves</h2><p>Fitted to all recordings. The decision threshold of each measure; "
        "<code>--write-labels</code> writes the curves.</p>"
        "<table><thead><tr><th>label<th>measure<th>given<th>fitted</thead>"
        f"<tbody>{rows}</tbody></table></section>"
    )


def _wrong(findings: Findings) -> str:
    if not findings.wrong:
        return ""
    rows = "".join(_wrong_row(one) for one in findings.wrong)
    return (
        "<section><h2>Recordings with a wrong prompt or verdict</h2><p>By the labels as given.</p><table><thead><tr>"
        f"<th>recording<th>condition<th>expected<th>given<th>verdict</thead><tbody>{rows}</tbody></table></section>"
    )


def _wrong_row(one: JudgedRow) -> str:
    must = " and ".join(" or ".join(sorted(options)) for options in one.row.prompts.must) if one.row.prompts else "–"
    cells = [
        one.row.name,
        one.row.condition,
        must or "none",
        ", ".join(one.conclusion.prompts) or "none",
        one.conclusion.overall.verdict or "null",
    ]
    return "<tr>" + "".join(f'<td class="path">{escape(cell)}' for cell in cells)


def _faults(evaluation: Evaluation) -> str:
    if not evaluation.faults:
        return ""
    rows = "".join(
        f'<tr><td class="n">{fault.line}<td>{escape(fault.name)}<td>{escape(fault.message)}'
        for fault in evaluation.faults
    )
    return (
        "<section><h2>Not evaluated</h2><table><thead><tr><th>line<th>recording<th>why</thead>"
        f"<tbody>{rows}</tbody></table></section>"
    )
