"""``make mutants``: which code it changes, and how it counts."""

from collections import Counter
from pathlib import Path

import pytest

from tools.mutants import ROOMS, ROOT, Outcome, configure, copy_tree, mutant_names, table

LINES = {
    "raise ValueError('of more than ' + str(a))": 0,
    "raise ValueError(\n        'of more than ' + str(a),\n        a + 1,\n    )": 0,
    "assert a > 1, 'over ' + str(a)": 0,
    "log.info('more than %d', a + 1)": 0,
    "logger.warning('more than %d', a + 1)": 0,
    "b: dict[str, int | None]": 0,
    "return a + 1": 2,
    "dialog.open(1)": 2,
}


@pytest.mark.parametrize(("line", "expected"), LINES.items())
def test_lines_that_only_report_a_bug_are_not_mutated(tmp_path: Path, line: str, expected: int) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    (tmp_path / "server" / "judge").mkdir(parents=True)
    source = f'def of(a, dialog, log, logger):\n    """Of 1 and 2."""\n    {line}\n'
    (tmp_path / "server" / "judge" / "made.py").write_text(source, encoding="utf-8")
    configure(tmp_path, "judge")
    assert len(mutant_names(tmp_path, "judge")) == expected


def test_every_room_has_code_and_the_tests_that_must_kill_its_mutants() -> None:
    for room, folders in ROOMS.items():
        assert list((ROOT / "server" / room).glob("*.py")), room
        assert all(list((ROOT / "tests" / folder).glob("test_*.py")) for folder in folders), room


def test_each_room_has_its_own_settings(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'a'\n", encoding="utf-8")
    for room in ROOMS:
        configure(tmp_path, room)
        written = (tmp_path / "pyproject.toml").read_text(encoding="utf-8")
        assert written.startswith("[project]\nname = 'a'\n")
        assert written.count("[tool.mutmut]") == 1
        assert f"server/{room}/*" in written


def test_a_copy_holds_the_work_tree_and_nothing_that_git_ignores(tmp_path: Path) -> None:
    copy_tree(ROOT, tmp_path)
    assert (tmp_path / "tools" / "mutants.py").read_bytes() == (ROOT / "tools" / "mutants.py").read_bytes()
    assert not list(tmp_path.rglob("__pycache__"))
    assert not (tmp_path / ".git").exists()


def test_a_mutant_that_times_out_is_killed_and_one_that_no_test_reaches_survives() -> None:
    outcome = Outcome("judge", 400, Counter({"killed": 5, "timeout": 2, "survived": 2, "no tests": 1}), ["", "", ""])
    assert (outcome.killed, outcome.tried) == (7, 10)
    assert "70.0%" in table([outcome])
