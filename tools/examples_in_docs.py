"""Writes the examples of ``web_client/examples`` into docs/integrate.md, below the lines that link to them.

``make docs`` runs it. A test fails where the document shows something else, or leaves a file out.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "integrate.md"
EXAMPLES = ROOT / "web_client" / "examples"
LANGUAGES = {".py": "python", ".mjs": "js", ".wxml": "xml", ".wxss": "css"}
_BLOCK = re.compile(
    r"^(?P<link>.*\]\(\.\./web_client/examples/(?P<name>[\w./-]+)\).*\n\n)```\w*\n(?s:.*?)^```$", re.MULTILINE
)


def shown(text: str) -> list[str]:
    """The files that are shown, by their names below ``EXAMPLES``, in their order."""
    return [match["name"] for match in _BLOCK.finditer(text)]


def rendered(text: str) -> str:
    """The document with each file as it is now. Raises FileNotFoundError for a link to no file."""

    def block(match: re.Match[str]) -> str:
        path = EXAMPLES / match["name"]
        language = LANGUAGES.get(path.suffix, path.suffix.removeprefix("."))
        return f"{match['link']}```{language}\n{path.read_text(encoding='utf-8').rstrip()}\n```"

    return _BLOCK.sub(block, text)


if __name__ == "__main__":
    DOCUMENT.write_text(rendered(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
