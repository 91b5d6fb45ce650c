"""How pip reaches its index here, for a build that has neither this machine's files nor its environment."""

import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOCAL = frozenset({"index-url", "extra-index-url", "find-links", "cert", "client-cert", "constraint"})
"""May name a file or a folder."""

NAMES = LOCAL | {"no-index", "trusted-host", "proxy", "timeout", "retries"}
"""What says where packages come from, and nothing that says where they go."""

SECTIONS = ("global", "install", ":env:")
"""The later wins."""


@dataclass(frozen=True)
class PipSettings:
    """``text``: a ``pip.conf``; ``paths``: what it names on this machine's disk, to be mounted where it is."""

    text: str
    paths: tuple[Path, ...]


def read(listing: str) -> PipSettings:
    """Of ``pip config list``: a line ``section.name='value'`` for each; environment variables win, as pip has it."""
    rows = re.findall(r"^(global|install|:env:)\.([\w.-]+)=(.*)$", listing, re.MULTILINE)
    found: dict[str, str] = {}
    for _, name, value in sorted(rows, key=lambda row: SECTIONS.index(row[0])):
        plain = name.strip(".").removeprefix("default-")
        if plain in NAMES:
            found[plain] = str(ast.literal_eval(value))
    lines = [f"{name} = {' '.join(value.split())}" for name, value in sorted(found.items())]
    paths = {path for name, value in found.items() if name in LOCAL for word in value.split() if (path := local(word))}
    return PipSettings("\n".join(["[global]", *lines, ""]), tuple(sorted(paths)))


def local(word: str) -> Path | None:
    """What a URL or a path names; of the folder ``simple`` of an index, the one around it, which its links reach."""
    if word.startswith("/"):
        return Path(word)
    parts = urlsplit(word)
    if parts.scheme != "file":
        return None
    path = Path(unquote(parts.path))
    return path.parent if path.name == "simple" else path


def of_this_machine() -> PipSettings:
    command = [sys.executable, "-m", "pip", "config", "list"]
    return read(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
