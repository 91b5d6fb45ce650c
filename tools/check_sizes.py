"""Fails on a module over 300 lines, and names those over 250.

Checks ``.py`` and ``.js`` files of the given folders, by default ``server`` and ``web_client``. ruff checks the
complexity of functions (C901 and PLR0915 in ``pyproject.toml``).
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

SOFT_LINES = 250
HARD_LINES = 300
SUFFIXES = {".py", ".js"}
FOLDERS = ("server", "web_client")


def modules(folders: Iterable[Path]) -> Iterator[Path]:
    """Every module under the folders, sorted. Raises FileNotFoundError for a missing folder."""
    for folder in folders:
        if not folder.is_dir():
            raise FileNotFoundError(folder)
        yield from sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)


def line_count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def main(folders: list[str]) -> int:
    too_long = 0
    for path in modules(Path(folder) for folder in folders or FOLDERS):
        lines = line_count(path)
        if lines > HARD_LINES:
            too_long += 1
            print(f"{path}: {lines} lines, {HARD_LINES} at most", file=sys.stderr)
        elif lines > SOFT_LINES:
            print(f"{path}: {lines} lines, better under {SOFT_LINES}")
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
