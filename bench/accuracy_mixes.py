"""The 126 labelled mixes: each judged with curves and an overlap network fitted without its sources, and as shipped."""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

import live_prompts
import make_mixes
from live_prompts import AUDIO
from mixes_manifest import write_manifest
from overlap_folds import HeldOutNetworks

from server.app import open_engine
from server.evaluation.evaluation import Evaluation
from server.evaluation.findings import Findings
from server.evaluation.page import write_report
from server.evaluation.run import HeldOut, evaluate_manifest
from server.evaluation.shown import interval
from server.evaluation.statistics import Figures
from server.model.small.store import SmallModels
from server.settings import load_settings
from tools.accuracy import base
from tools.accuracy.part import Found, Goal, Part, Run

FIT_SEEDS = (21, 22)
EACH_ALONE = 10_000
SOFT_DBFS, SOFT_SNR_DB, SOFT_N = -38.0, 8.0, 12
PROMPT_GOAL, CATEGORY_GOAL = 0.95, 0.75
NOISE_GOALS, EVENT_GOALS = (0.99, 0.97), (0.98, 0.95)
"""Of AUC and balanced accuracy."""
SECOND, QUIETER = "second talker", "move_somewhere_quieter"


def evaluation_of(manifest: Path, folds: int = 0, held_out: HeldOut | None = None) -> Evaluation:
    """By all labels of telemedicine. ``held_out``: analysed with other models than the shipped ones."""

    async def run() -> Evaluation:
        settings = load_settings(clap="off")
        async with open_engine(settings, held_out) as engine:
            labels = engine.dictionaries.resolve(None)
            return await evaluate_manifest(
                engine, labels, manifest, max_s=settings.max_audio_s, folds=folds, held_out=held_out
            )

    return asyncio.run(run())


def has_talkers() -> bool:
    """Whether segmentation, which was fitted to none of the mixes, hears two at once instead of our network."""
    small = SmallModels(load_settings().model_cache_dir)
    return all(small.find(name) is not None for name in ("segmentation", "campplus"))


def evaluated(folder: Path, report: Path | None) -> Evaluation:
    """The 126 mixes, each judged with curves fitted without its sources; when cross-validated, also by an overlap
    network fitted without them, where that one is heard."""
    fit = []
    for seed in FIT_SEEDS:
        fit.append(folder / f"set{seed}")
        make_mixes.make_set("dev", seed, str(fit[-1]))
    manifest = folder / "mixes.csv"
    write_manifest(manifest, AUDIO / "mixes", fit, AUDIO / "manifest.csv")
    held_out = evaluation_of(manifest, EACH_ALONE, None if has_talkers() else HeldOutNetworks())
    if report is not None:
        report.mkdir(parents=True, exist_ok=True)
        write_report(report, held_out)
    write_manifest(manifest, AUDIO / "mixes", [], AUDIO / "manifest.csv")
    shipped = evaluation_of(manifest)
    return replace(held_out, judged=shipped.judged, as_given=shipped.as_given)


def soft_voices(folder: Path) -> Findings:
    """A soft voice beside a fan at 8 dB: level and noise are both a little too bad."""
    everything = live_prompts.rows()
    fans = [row["path"] for row in everything if row["kind"] == "fan_ac"]
    speech = [row["path"] for row in everything if row["path"].startswith("speech/") and row["clean"] == "yes"]
    manifest = folder / "soft.csv"
    lines = ["path,condition,speaker,low_background,prompts,optional_prompts"]
    for place in range(SOFT_N):
        name = folder / f"soft{place}.wav"
        voice = speech[place * len(speech) // SOFT_N]
        noise = str(AUDIO / fans[place % len(fans)])
        mix, told = make_mixes.make_mix(
            [str(AUDIO / voice)], noise=noise, snr=SOFT_SNR_DB, level=SOFT_DBFS, seed=500 + place
        )
        make_mixes.write(mix, told, str(name))
        lines.append(f"{name},soft voice and fan,{voice},0,move_somewhere_quieter,come_closer|slow_down")
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return evaluation_of(manifest).as_given


def label_table(findings: Findings) -> list[str]:
    lines = [
        "| label | fine / not / null | AUC (95 %) | balanced accuracy (95 %) | found | kept |",
        "|---|---|---|---|---|---|",
    ]
    for label_id, one in findings.labels.items():
        rows = [(f"`{label_id}`", one), *((f"– {name}", sub) for name, sub in findings.subsets[label_id].items())]
        for name, figures in rows:
            shares = ["–" if share is None else f"{share:.2f}" for share in (figures.found, figures.kept)]
            counts = f"{figures.fine} / {figures.others} / {figures.unscored}"
            cells = [name, counts, interval(figures.auc), interval(figures.balanced_accuracy), *shares]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def condition_table(held_out: Findings, shipped: Findings) -> list[str]:
    lines = ["| condition | cross-validated | shipped curves | prompts given (shipped) |", "|---|---|---|---|"]
    for name, one in shipped.conditions.items():
        other = held_out.conditions[name]
        given = ", ".join(f"`{prompt}` {count}" for prompt, count in one.given.most_common()) or "none"
        counts = [f"{judged.prompts_right}/{judged.prompts_known}" for judged in (other, one)]
        lines.append(f"| {name} | {' | '.join(counts)} | {given} |")
    lines.append(
        f"| **all** | **{held_out.prompts_right}/{held_out.prompts_known}** ({interval(held_out.prompts)}) "
        f"| **{shipped.prompts_right}/{shipped.prompts_known}** ({interval(shipped.prompts)}) | |"
    )
    return lines


def interference_goals(findings: Findings) -> list[Goal]:
    noise = findings.labels["low_background"]
    events, steady = (findings.subsets["low_background"][name] for name in ("events", "steady"))
    return [
        Goal(
            "strong interference (SNR ≤ 8 dB) against ≥ 15 dB and clean: AUC ≥ .99, balanced accuracy ≥ .97",
            f"{interval(noise.auc)}; {interval(noise.balanced_accuracy)}",
            _reached(noise, NOISE_GOALS),
        ),
        Goal(
            "events told apart: AUC ≥ .98, balanced accuracy ≥ .95",
            f"events {interval(events.auc)}; {interval(events.balanced_accuracy)}; steady {interval(steady.auc)}",
            _reached(events, EVENT_GOALS),
        ),
    ]


def _reached(figures: Figures, goals: tuple[float, float]) -> bool:
    found = (figures.auc, figures.balanced_accuracy)
    return all(one is not None and one.value >= goal for one, goal in zip(found, goals, strict=True))


def condition_goals(findings: Findings) -> list[Goal]:
    conditions = findings.conditions
    assert findings.prompts is not None
    weak = [
        f"{name} {one.prompts_right}/{one.prompts_known}"
        for name, one in conditions.items()
        if name != SECOND and one.prompts_right < CATEGORY_GOAL * one.prompts_known
    ]
    right_for_two = {QUIETER, "one_at_a_time", "slow_down"}
    wrong = sum(
        not set(one.conclusion.prompts) <= right_for_two for one in findings.wrong if one.row.condition == SECOND
    )
    second, clean, drops = conditions[SECOND], conditions["clean"], conditions["dropouts"]
    no_speech = [conditions[name] for name in ("silence", "noise only")]
    plain = {name: conditions[name] for name in ("clipped", "too quiet", "narrowband")}
    false_drops = clean.given["check_microphone"]
    return [
        Goal(
            "prompts right and no wrong one: ≥ 95 % of mixes",
            interval(findings.prompts),
            findings.prompts.value >= PROMPT_GOAL,
        ),
        Goal("every category ≥ 75 %", f"under it: {', '.join(weak) or 'none'}", not weak),
        Goal("second talker: no wrong prompt", f"{second.prompts_right}/{second.n} told, {wrong} wrong", not wrong),
        Goal(
            "clean: no prompt, `accept`, all",
            f"prompts {clean.prompts_right}/{clean.n}, verdicts {clean.verdicts_right}/{clean.n}",
            clean.prompts_right == clean.verdicts_right == clean.n,
        ),
        Goal(
            "silence, noise only: `unusable` or `re-record`, right prompt, all",
            f"{sum(one.prompts_right for one in no_speech)}/{sum(one.n for one in no_speech)}",
            all(one.prompts_right == one.verdicts_right == one.n for one in no_speech),
        ),
        Goal(
            "clipping, too quiet, narrow band: all",
            ", ".join(f"{name} {one.prompts_right}/{one.n}" for name, one in plain.items()),
            all(one.prompts_right == one.n for one in plain.values()),
        ),
        Goal(
            "dropouts: one miss at most, none false on clean",
            f"{drops.prompts_right}/{drops.n}, {false_drops} false",
            drops.prompts_right >= drops.n - 1 and not false_drops,
        ),
    ]


def base_goal(findings: Findings) -> Goal:
    """Against the figures kept in tools/accuracy/base.py."""
    labels = {}
    for label_id, one in findings.labels.items():
        for name, figures in (
            (label_id, one),
            *((f"{label_id}: {sub}", it) for sub, it in findings.subsets[label_id].items()),
        ):
            shares = (figures.auc, figures.balanced_accuracy)
            labels[name] = (
                None if shares[0] is None else shares[0].value,
                None if shares[1] is None else shares[1].value,
            )
    return base.goal(
        labels, {name: (one.prompts_right, one.prompts_known) for name, one in findings.conditions.items()}
    )


def soft_goal(soft: Findings) -> Goal:
    return Goal(
        f"soft voice and fan at 8 dB (voice at {SOFT_DBFS:.0f} dBFS, shipped curves), its own row",
        f"prompts right {soft.prompts_right}/{soft.prompts_known}",
    )


def measure(run: Run) -> Found:
    with tempfile.TemporaryDirectory() as name:
        evaluation = evaluated(Path(name), run.report)
        soft = soft_voices(Path(name))
    held_out, shipped = evaluation.cross_validated, evaluation.as_given
    assert held_out is not None
    moved = [f"`{move.measure}` of `{move.label}` {move.before:.4g} → {move.after:.4g}" for move in evaluation.moved]
    wrong = [
        f"- {one.row.path.name}: {', '.join(f'`{prompt}`' for prompt in one.conclusion.prompts) or 'no prompt'}"
        for one in shipped.wrong
    ]
    return Found(
        [*interference_goals(held_out), *condition_goals(held_out), base_goal(held_out), soft_goal(soft)],
        {
            "held_out": "\n".join(label_table(held_out)),
            "shipped": "\n".join(label_table(shipped)),
            "conditions": "\n".join(condition_table(held_out, shipped)),
            "least": str(evaluation.least_fitted),
            "moved": "; ".join(moved) or "none",
            "wrong": "\n".join(wrong) or "None.",
        },
    )


MIXES = Part(
    "mixes",
    "126 mixes, cross-validated",
    measure,
    ("held_out", "shipped", "conditions", "least", "moved", "wrong"),
)
