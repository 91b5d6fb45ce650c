"""File names in a form that people and programs can read."""

import os
from pathlib import Path


def readable(path: Path) -> str:
    """The name as given; bytes that are not UTF-8 (a name from another system) become U+FFFD, which JSON can carry."""
    return os.fsencode(path).decode("utf-8", "replace")
