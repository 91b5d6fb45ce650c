"""docs/accuracy.md from small results of parts: nothing is left out silently, and old figures are called old."""

from pathlib import Path

import pytest

from tools.accuracy.page import page
from tools.accuracy.part import Found, Goal, Kept, Part, Run, Version, keep, kept, version

NOW = Version("aaa", "1.0-1-gabc")
OLD = Version("bbb", "1.0")
TEMPLATE = "# Accuracy\n\n@measured@\n\n@goals@\n\nVisits: @visits.table@\n\nCost: @cost.table@\n"


def unmeasured(_: Run) -> Found:
    raise AssertionError("the page measures nothing")


PARTS = [Part(name, f"all {name}", unmeasured, ("table",)) for name in ("visits", "cost")]


def result(code: Version = NOW, *, reached: bool | None = True) -> Kept:
    return Kept(Found([Goal("none false", "0/14, 0 % (0–22 %)", reached)], {"table": "T"}), code, 60.0, 120.0)


def test_a_part_that_was_not_measured_is_told_in_every_place() -> None:
    text = page(PARTS, {"cost": result()}, NOW, TEMPLATE)
    assert "**Not measured:** all visits." in text
    assert "| all visits | *Not measured.* |" in text
    assert "Visits: *Not measured.*" in text
    assert "Cost: T" in text
    assert "@" not in text


def test_goals_say_reached_or_missed() -> None:
    text = page(PARTS, {"visits": result(reached=False), "cost": result()}, NOW, TEMPLATE)
    assert "| all visits | none false | 0/14, 0 % (0–22 %) | **missed** |" in text
    assert "| all cost | none false | 0/14, 0 % (0–22 %) | reached |" in text
    assert "Not measured" not in text


def test_nothing_is_said_of_versions_where_all_are_the_products() -> None:
    text = page(PARTS, {"visits": result(), "cost": result()}, NOW, TEMPLATE)
    assert "Older than the product" not in text
    assert "versions of the code" not in text
    assert "| all visits | `1.0-1-gabc` | `aaa` | 1 | 2 |" in text


def test_parts_by_different_code_are_told_and_the_older_named() -> None:
    text = page(PARTS, {"visits": result(OLD), "cost": result()}, NOW, TEMPLATE)
    assert "measured on 2 versions" in text
    assert "**Older than the product** (code `aaa` when this page was written): all visits." in text


def test_a_place_that_no_part_fills_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"visits\.tables"):
        page(PARTS, {}, NOW, "@visits.tables@")


def test_a_result_is_read_as_it_was_kept(tmp_path: Path) -> None:
    assert kept(tmp_path, "visits") is None
    keep(tmp_path, "visits", result(OLD, reached=None))
    assert kept(tmp_path, "visits") == result(OLD, reached=None)


def test_the_version_follows_what_judges_and_no_comment(tmp_path: Path) -> None:
    for name in ("server/judge/a.py", "server/api/b.py", "labels/c.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n", encoding="utf-8")
    before = version(tmp_path).code
    (tmp_path / "server/judge/a.py").write_text("x = 1  # one\n", encoding="utf-8")
    (tmp_path / "server/api/b.py").write_text("x = 2\n", encoding="utf-8")
    assert version(tmp_path).code == before
    (tmp_path / "labels/c.toml").write_text("x = 2\n", encoding="utf-8")
    changed = version(tmp_path).code
    (tmp_path / "server/judge/a.py").write_text("x = 3\n", encoding="utf-8")
    assert len({before, changed, version(tmp_path).code}) == 3
