"""Our own made-up utterances for every topic (``tests/data/topic_utterances.txt``), for the test and the table."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from server.transcript import SaidState

FILE = Path(__file__).resolve().parents[2] / "tests" / "data" / "topic_utterances.txt"
STATES = {"+": SaidState.STATED, "-": SaidState.DENIED, "0": SaidState.NOT_HEARD}


@dataclass(frozen=True)
class Example:
    """``before``: what the doctor said immediately before."""

    topic: str
    language: str
    state: SaidState
    before: str | None
    text: str


def examples() -> Iterator[Example]:
    topic = ""
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            topic = line.strip("[]")
        elif line and not line.startswith("#"):
            language = "zh" if any("\u4e00" <= char <= "\u9fff" for char in line) else "en"
            for said in line[2:].split(" / "):
                before, _, text = said.rpartition(">>")
                yield Example(topic, language, STATES[line[0]], before.strip() or None, text.strip())
