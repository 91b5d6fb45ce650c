"""The evaluation as tables on a terminal."""

from typing import TYPE_CHECKING

from server.evaluation.agreement import Agreement
from server.evaluation.evaluation import Evaluation
from server.evaluation.findings import Findings
from server.evaluation.shown import interval, right_of, share
from server.evaluation.statistics import Figures
from server.rendering.words import harmless

if TYPE_CHECKING:
    from rich.console import Console

DISCLAIMER = "Tingqing judges recordings, not patients. It does not diagnose."
_WRONG_SHOWN = 20


def print_evaluation(console: "Console", evaluation: Evaluation) -> None:
    """Print the evaluation. The cross-validated figures come first: only they tell how fitted labels do on new
    recordings.
    """
    if evaluation.cross_validated is not None:
        sources = ", ".join(evaluation.groups) or "recording"
        _print_findings(
            console,
            evaluation.cross_validated,
            f"Cross-validated: {evaluation.folds} folds, each judged with curves fitted to recordings that share no "
            f"{sources} with it (at least {evaluation.least_fitted})",
        )
    _print_findings(console, evaluation.as_given, "The labels as given")
    if evaluation.moved:
        console.print("[bold]Curves fitted to all recordings[/bold]: decision thresholds")
        for move in evaluation.moved:
            console.print(f"  {move.label}: {move.measure} {move.before:.4g} -> {move.after:.4g}")
    console.print(f"[dim]{DISCLAIMER}[/dim]")


def _print_findings(console: "Console", findings: Findings, title: str) -> None:
    from rich.table import Table
    from rich.text import Text

    console.print(Text(title, style="bold"))
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("label", "fine", "not", "null", "AUC", "balanced\naccuracy", "found", "kept", "best\nline"):
        table.add_column(name, justify="left" if name == "label" else "right", vertical="middle")
    for label_id, figures in findings.labels.items():
        table.add_row(label_id, *_cells(figures))
        for subset, one in findings.subsets[label_id].items():
            table.add_row(Text(f"  {subset}", style="dim"), *_cells(one))
    console.print(table)
    _print_conditions(console, findings)
    if findings.prompts is not None:
        console.print(
            f"All prompts right and no wrong one: {findings.prompts_right} of {findings.prompts_known} = "
            f"{interval(findings.prompts)}"
        )
    if findings.heard is not None:
        _print_heard(console, findings.heard)
    for judged in findings.wrong[:_WRONG_SHOWN]:
        told = ", ".join(judged.conclusion.prompts) or "no prompt"
        console.print(Text(f"  {harmless(judged.row.name)}: {told}; {judged.conclusion.overall.verdict}", style="dim"))
    if len(findings.wrong) > _WRONG_SHOWN:
        console.print(f"  [dim]and {len(findings.wrong) - _WRONG_SHOWN} more[/dim]")
    console.print()


def _print_conditions(console: "Console", findings: Findings) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for name in ("condition", "n", "prompts right", "verdicts right", "prompts given"):
        table.add_column(name, justify="right" if name in {"n", "prompts right", "verdicts right"} else "left")
    for name, one in findings.conditions.items():
        prompts, verdicts = (
            right_of(one.prompts_right, one.prompts_known),
            right_of(one.verdicts_right, one.verdicts_known),
        )
        given = ", ".join(f"{prompt} {count}" for prompt, count in one.given.most_common())
        table.add_row(name, str(one.n), prompts, verdicts, given)
    console.print(table)


def _print_heard(console: "Console", found: Agreement) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("a doctor", "accepted", "not accepted", "agreement"):
        table.add_column(name, justify="left" if name == "a doctor" else "right")
    table.add_row("could hear the patient", str(found.heard_accepted), str(found.heard_rejected), interval(found.kept))
    table.add_row("could not", str(found.unheard_accepted), str(found.unheard_rejected), interval(found.found))
    table.add_row("both", "", "", interval(found.agreed))
    console.print(table)
    if found.unjudged:
        console.print(f"Without a verdict: {found.unjudged}")


def _cells(figures: Figures) -> list[str]:
    counts = [str(figures.fine), str(figures.others), str(figures.unscored)]
    told = [interval(figures.auc), interval(figures.balanced_accuracy), share(figures.found), share(figures.kept)]
    return [*counts, *told, share(figures.suggested)]
