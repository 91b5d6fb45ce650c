"""Each fault of docs/reliability.md has a test, and it exists."""

import re

from tests.repo.markdown import ROOT, read

PAGE = read("docs/reliability.md")
ROW = re.compile(r"^\| (?!fault|---)(.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/.]+\.py)`((?:,? `test_\w+`)*)")


def named_tests(cell: str) -> list[tuple[str, list[str]]]:
    """Each file that is named, and the tests of it that are."""
    return [(path, re.findall(r"test_\w+", names)) for path, names in NAMED.findall(cell)]


def test_every_row_has_all_its_cells_and_a_test() -> None:
    rows = [[cell.strip() for cell in row.split(" | ")] for row in ROW.findall(PAGE.split("\n## ")[0])]
    assert len(rows) > 30
    for fault, *others in rows:
        assert len(others) == 5, fault
        assert all(others), fault
        assert named_tests(others[-1]), fault


def test_what_the_page_names_exists() -> None:
    named = named_tests(PAGE)
    assert named
    for path, names in named:
        source = (ROOT / path).read_text(encoding="utf-8")
        assert not [name for name in names if f"def {name}(" not in source], path
