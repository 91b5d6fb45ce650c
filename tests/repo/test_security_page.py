"""The threat model names what is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (?!attack|---)(.+) \|$", re.MULTILINE)


def test_what_the_threat_model_names_exists() -> None:
    named = re.findall(r"`((?:server|tests|tools)/[\w./-]+)`", PAGE)
    assert named
    assert not [name for name in named if not (ROOT / name).exists()]


def test_every_attack_has_what_stops_it_and_a_test() -> None:
    rows = [[cell.strip() for cell in row.split("|")] for row in ROW.findall(PAGE)]
    assert len(rows) > 20
    for attack, stopped_by, test, _remains in rows:
        assert stopped_by, attack
        assert "`tests/" in test, attack
