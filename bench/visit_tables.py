"""The figures of judged visits as Markdown, goals first."""

import re
from collections import Counter
from typing import Any

from tools.accuracy import part
from tools.material.visits.right import HARD_DB, LOUD_DB

Figures = dict[str, Any]
MIN_SESSIONS, MIN_HOURS = 200, 5.0
EVENT = re.compile(r"event: \w+ ([+-]\d+) dB")


def shown(one: Figures) -> str:
    if one["share"] is None:
        return "–"
    return f"{one['count']}/{one['of']}, {one['share']:.1%} ({one['low']:.1%}–{one['high']:.1%})"


def hourly(one: Figures) -> str:
    if one["per_hour"] is None:
        return "–"
    return f"{one['per_hour']:.2f} ({one['low']:.2f}–{one['high']:.2f}): {one['count']} in {one['hours']:.1f} h"


def after(one: Figures) -> str:
    times = ["never" if one[name] is None else f"{one[name]:.1f} s" for name in ("median_s", "p90_s")]
    return f"median {times[0]}, p90 {times[1]}, never {one['never']}/{one['n']}" if one["n"] else "–"


def table(head: str, rows: list[tuple[str, ...]]) -> str:
    """With the names of ``head`` between bars, and an empty line behind."""
    return part.table(tuple(name.strip() for name in head.split("|")), rows) + "\n"


Goal = tuple[str, str, bool | None]
"""A goal, what was found, and whether that reaches it."""


def goals(found: Figures) -> str:
    """The first three rows of the plan's table. Too few visits: said, whatever they gave."""
    words = {True: "reached", False: "**missed**", None: "–"}
    text = table("goal|found|", [(goal, what, words[good]) for goal, what, good in goal_rows(found)])
    if found["sessions"] < MIN_SESSIONS or found["false_prompts"]["all"]["hours"] < MIN_HOURS:
        text += f"\nToo few to decide: {MIN_SESSIONS} sessions and {MIN_HOURS:.0f} h are asked for.\n"
    return text


def goal_rows(found: Figures) -> list[Goal]:
    clean, speak_up = found["clean"]["all"], found["speak_up_to_listener"]
    hard, loud = found["noise"][f"all ≤ {HARD_DB} dB"], found["noise"][f"all ≤ {LOUD_DB} dB"]
    told_false = found["false_prompts"]["with_far_end"]
    false, without, told = found["false_prompts"]["all"], found["far_end"]["without"]["all"], found["far_end"]["with"]
    return [
        ("clean visits accepted, no prompt: ≥ 98 %", shown(clean["accepted_no_prompt"]), _at_least(clean, 0.98)),
        (
            "`speak_up` to a listener: none",
            f"{speak_up['raised']}; sessions {shown(speak_up['sessions'])}",
            speak_up["raised"] == 0 if speak_up["sessions"]["of"] else None,
        ),
        (
            "far end, not told: sessions with a false prompt ≤ 2 %",
            shown(without["false_prompt"]),
            _at_most(without["false_prompt"], 0.02),
        ),
        (
            "far end, not told: sessions with a false span ≤ 2 %",
            shown(without["false_span"]),
            _at_most(without["false_span"], 0.02),
        ),
        *_told_goals(told),
        (f"noise begins → prompt (≤ {LOUD_DB} dB): median ≤ 5 s, p90 ≤ 8 s", after(loud), _soon(loud)),
        (
            f"noise at ≤ {HARD_DB} dB never missed",
            f"{hard['never']} of {hard['n']}",
            not hard["never"] if hard["n"] else None,
        ),
        *_event_goals(found["troubles"]),
        ("false prompts ≤ 0.2 an hour", hourly(false), _at_most_an_hour(false, 0.2)),
        *([("the same, far end told", hourly(told_false), _at_most_an_hour(told_false, 0.2))] if told_false else []),
    ]


def _event_goals(troubles: Figures) -> list[Goal]:
    """Sounds that come and go, by their level beside the voice, as their names tell it."""
    hard = [one["told"] for name, one in troubles.items() if (heard := EVENT.match(name)) and int(heard[1]) <= HARD_DB]
    count, of = sum(one["count"] for one in hard), sum(one["of"] for one in hard)
    return [(f"events at ≤ {HARD_DB} dB never missed", f"{of - count} of {of}", count == of)] if of else []


def _told_goals(told: Figures | None) -> list[Goal]:
    if told is None:
        return [("far end, told: none", "the product cannot be told yet", None)]
    one = told["all"]
    return [
        (f"far end, told: {what}: none", shown(one[name]), one[name]["count"] == 0 if one[name]["of"] else None)
        for what, name in (("sessions with a false prompt", "false_prompt"), ("with a false span", "false_span"))
    ]


def _at_least(one: Figures, least: float) -> bool | None:
    value = one["accepted_no_prompt"]["share"]
    return None if value is None else bool(value >= least)


def _at_most(one: Figures, most: float) -> bool | None:
    return None if one["share"] is None else bool(one["share"] <= most)


def _at_most_an_hour(one: Figures, most: float) -> bool | None:
    return None if one["per_hour"] is None else bool(one["per_hour"] <= most)


def _soon(one: Figures) -> bool | None:
    if not one["n"]:
        return None
    return one["median_s"] is not None and one["median_s"] <= 5 and one["p90_s"] is not None and one["p90_s"] <= 8


GOOD = ("accepted_no_prompt", "accepted", "no_prompt", "false_span")
GOOD_HEAD = "{}|accepted, no prompt|accepted|no prompt|with a false span"


def good_rows(parts: Figures) -> list[tuple[str, ...]]:
    return [(name, *(shown(one[column]) for column in GOOD)) for name, one in parts.items()]


def document(found: Figures) -> str:
    clean, far = found["clean"], found["far_end"]
    parts = [
        f"{found['sessions']} visits, {found['minutes']:.0f} min: "
        + ", ".join(f"{kind} {n}" for kind, n in found["kinds"].items()),
        f"{found['cpu_s_per_minute']:.1f} s of CPU per minute of visit, making it left out\n",
        goals(found),
        table(GOOD_HEAD.format("clean, by share of listening"), good_rows({"all": clean["all"], **clean["bands"]})),
        table(GOOD_HEAD.format("far end, not told"), good_rows(far["without"])),
        table(GOOD_HEAD.format("far end, told"), good_rows(far["with"])) if far["with"] else "",
        table(GOOD_HEAD.format("good as well"), good_rows({name: found[name] for name in ("coughs", "processed")})),
        table("noise begins|until its prompt", [(name, after(one)) for name, one in found["noise"].items()]),
        table(
            "other troubles|told|until its prompt",
            [(name, shown(one["told"]), after(one) if "n" in one else "") for name, one in found["troubles"].items()],
        ),
        table(
            "false prompts an hour||of which",
            [
                (name, hourly(one), ", ".join(f"`{prompt}` {n}" for prompt, n in one["by_id"].items()))
                for name, one in {
                    "all but events and processed": found["false_prompts"]["all"],
                    **found["false_prompts"]["by_kind"],
                }.items()
            ],
        ),
        table("verdicts right|", [(kind, shown(one)) for kind, one in found["verdicts"].items()]),
        causes(found) if found["faults"] else "",
    ]
    return "\n".join(part for part in parts if part)


def causes(found: Figures) -> str:
    """The most common faults first."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for fault in found["faults"]:
        kind = fault["visit"].split("-")[2]
        if fault["fault"] == "prompt":
            counted["prompt", kind, f"`{fault['id']}`{' to a listener' if fault['listening'] else ''}"] += 1
        elif fault["fault"] == "span":
            counted["span", kind, f"`{fault['why']}`"] += 1
        else:
            failed = ", ".join(f"`{label}`" for label in fault["failed"]) or "nothing failed"
            counted["verdict", kind, f"{fault['verdict']}: {failed}"] += 1
    return table("fault|kind|what|times", [(*key, str(n)) for key, n in counted.most_common()])
