"""Writes docs/accuracy.md from what its parts have found. A part that was not measured is told, never left out."""

import re
from collections.abc import Mapping, Sequence

from tools.accuracy.part import Goal, Kept, Part, Version, table

NOT_MEASURED = "Not measured."
WORDS = {True: "reached", False: "**missed**", None: "–"}
PLACE = re.compile(r"@([a-z]+)\.([a-z_]+)@")


def page(parts: Sequence[Part], found: Mapping[str, Kept], now: Version, template: str) -> str:
    """``found``: by name, of those parts that were measured. Raises KeyError where ``template`` has a place that no
    part fills."""
    known = {(part.name, block) for part in parts for block in part.blocks}

    def filled(place: re.Match[str]) -> str:
        name, block = place.groups()
        if (name, block) not in known:
            raise KeyError(place[0])
        return found[name].found.blocks[block] if name in found else f"*{NOT_MEASURED}*"

    text = template.replace("@goals@", goals(parts, found)).replace("@measured@", measured(parts, found, now))
    return PLACE.sub(filled, text)


def goals(parts: Sequence[Part], found: Mapping[str, Kept]) -> str:
    rows: list[tuple[str, ...]] = []
    for part in parts:
        mine = found[part.name].found.goals if part.name in found else [Goal(NOT_MEASURED, "")]
        rows += [(part.title if not place else "", *_cells(goal)) for place, goal in enumerate(mine)]
    return table(("", "goal", "found", ""), rows)


def _cells(goal: Goal) -> tuple[str, str, str]:
    if goal.text == NOT_MEASURED:
        return f"*{NOT_MEASURED}*", "", "–"
    return goal.text, goal.found, WORDS[goal.reached]


def measured(parts: Sequence[Part], found: Mapping[str, Kept], now: Version) -> str:
    """Which version each part measured and what it cost, after warnings where they differ."""
    rows = [
        (
            part.title,
            f"`{one.version.commit}`",
            f"`{one.version.code}`",
            f"{one.cpu_s / 60:.0f}",
            f"{one.wall_s / 60:.0f}",
        )
        if (one := found.get(part.name))
        else (part.title, f"*{NOT_MEASURED}*", "", "", "")
        for part in parts
    ]
    head = ("part", "commit", "code that judges", "CPU, min", "took, min")
    return "\n\n".join([*warnings(parts, found, now), table(head, rows)])


def warnings(parts: Sequence[Part], found: Mapping[str, Kept], now: Version) -> list[str]:
    """Sentences for the top: parts that are missing, that differ, that are older than the product."""
    missing = [part.title for part in parts if part.name not in found]
    older = [part.title for part in parts if part.name in found and found[part.name].version.code != now.code]
    codes = {one.version.code for one in found.values()}
    told = []
    if missing:
        told.append(f"> **Not measured:** {'; '.join(missing)}.")
    if len(codes) > 1:
        told.append(f"> **The parts were measured on {len(codes)} versions of the code that judges.**")
    if older:
        told.append(f"> **Older than the product** (code `{now.code}` when this page was written): {'; '.join(older)}.")
    return told
