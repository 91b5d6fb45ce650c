"""Just enough Markdown to hold the documents to the code."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Link:
    target: str
    image: bool


def documents() -> list[Path]:
    """Every Markdown file that a reader may open: of the root, of ``docs/``, of ``bench/`` and of the npm package."""
    folders = ("*.md", "docs/**/*.md", "bench/*.md", "web_client/*.md")
    return sorted(path for pattern in folders for path in ROOT.glob(pattern))


def read(path: str | Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))


def code_blocks(text: str, language: str) -> list[str]:
    return [match[2] for match in _FENCE.finditer(text) if match[1] == language]


def shell_commands(text: str) -> list[str]:
    """The commands of the ``sh`` blocks, one each, without comments."""
    lines = [line.split(" #")[0].strip() for block in code_blocks(text, "sh") for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def links(text: str) -> list[Link]:
    plain = without_code(text)
    written = [Link(match[2], bool(match[1])) for match in _LINK.finditer(plain)]
    return written + [Link(source, True) for source in re.findall(r'<img\b[^>]*?\bsrc="([^"]+)"', plain)]


def headings(text: str) -> list[tuple[int, str]]:
    """(depth, text) of every heading."""
    return [(len(match[1]), match[2].strip()) for match in _HEADING.finditer(_FENCE.sub("", text))]


def anchors(text: str) -> set[str]:
    """The fragments by which the headings can be linked to, as GitHub makes them."""
    found: set[str] = set()
    for _, heading in headings(text):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(slug)
    return found
