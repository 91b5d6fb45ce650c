"""How many of our own utterances each topic answers correctly, as a table for docs/topics.md.

``python bench/topics.py`` prints it; ``--write`` puts it between the marks in docs/topics.md. Counts of stated, denied
and not heard, right of all, per language (``tests/data/topic_utterances.txt``). The utterances are made up and errors
on them were corrected: the table shows what is covered, not how well people are understood.
"""

import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from server.dictionaries.topics import load_topics  # noqa: E402 - the path comes first
from server.resources import labels_dir  # noqa: E402
from server.transcript import Matcher, SaidState  # noqa: E402
from tools.material.topic_utterances import examples  # noqa: E402

DOC = ROOT / "docs" / "topics.md"
BEGIN, END = "<!-- topics: begin -->", "<!-- topics: end -->"


def table() -> str:
    """Markdown, one row per topic."""
    matcher = Matcher(load_topics(labels_dir()))
    right: Counter[tuple[str, str, SaidState]] = Counter()
    total: Counter[tuple[str, str, SaidState]] = Counter()
    for one in examples():
        key = (one.topic, one.language, one.state)
        total[key] += 1
        right[key] += matcher.match(one.text, one.before, topics=[one.topic])[one.topic].state is one.state
    lines = [
        "| topic | zh stated | zh denied | zh not heard | en stated | en denied | en not heard |",
        "|---" * 7 + "|",
    ]
    for topic in dict.fromkeys(key[0] for key in total):
        cells = [
            f"{right[topic, language, state]}/{total[topic, language, state]}" if total[topic, language, state] else "-"
            for language in ("zh", "en")
            for state in (SaidState.STATED, SaidState.DENIED, SaidState.NOT_HEARD)
        ]
        lines.append(f"| `{topic}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    if sys.argv[1:] != ["--write"]:
        print(table())
        return
    head, rest = DOC.read_text(encoding="utf-8").split(BEGIN)
    DOC.write_text(f"{head}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
