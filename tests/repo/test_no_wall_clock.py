"""Assertions that fail on a slow machine, or count objects of other tests, do not come back."""

import re

import pytest

from tests.repo.markdown import ROOT

# Each with the files that may have it, and why.
BANNED = {
    # The profile of all tests sets it.
    r"\bdeadline=": {"conftest.py"},
    r"\btime\.sleep\(": set[str](),
    # A copy of weights that nobody owns is found only where all objects are looked at.
    r"\bgc\.get_objects\b": {"model/clap/test_one_copy.py"},
    # A duration that is compared: `assert time.monotonic() - began < 5`.
    r"assert .*\b(?:monotonic|perf_counter|time)\(\) - \w+ *<": set[str](),
}


def holding(pattern: str) -> set[str]:
    tests = ROOT / "tests"
    found = [path for path in tests.rglob("*.py") if re.search(pattern, path.read_text(encoding="utf-8"))]
    return {path.relative_to(tests).as_posix() for path in found} - {"repo/test_no_wall_clock.py"}


@pytest.mark.parametrize("pattern", BANNED)
def test_only_the_files_listed_have_it(pattern: str) -> None:
    assert holding(pattern) == BANNED[pattern]
