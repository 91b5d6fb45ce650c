"""The transcript matcher on the labelled consultations: counts with 95 % intervals, homophones, milliseconds.

Needs ``$TINGQING_SHARED/consultations`` (default ../shared). Prints no text. ``tools/material/consultations.py``
explains the labels and the halves.
"""

import os
import random
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from server.dictionaries.topics import load_topics  # noqa: E402 - the path comes first
from server.evaluation.statistics import wilson  # noqa: E402
from server.resources import labels_dir  # noqa: E402
from server.transcript import Matcher, SaidState  # noqa: E402
from tools.material.consultations import TOPICS, Labelled, labelled  # noqa: E402
from tools.material.homophones import Homophones  # noqa: E402


def share(right: int, of: int) -> str:
    """A share with its 95 % interval."""
    if not of:
        return "-"
    found = wilson(right, of)
    return f"{found.value:.3f} [{found.low:.2f}-{found.high:.2f}]"


def main() -> None:
    shared = Path(os.environ.get("TINGQING_SHARED", ROOT.parent / "shared"))
    if not (shared / "consultations").is_dir():
        print("no consultations: set TINGQING_SHARED")
        return
    matcher = Matcher(load_topics(labels_dir()).only(TOPICS))

    def hears(one: Labelled, topic: str) -> bool:
        return matcher.match(one.text, one.before, topics=[topic])[topic].state is SaidState.STATED

    for language in ("zh", "en"):
        sample = labelled(shared, language)
        for topic in TOPICS:
            for half in ("seen", "unseen", "fresh", "fresh_kept"):
                rows = [one for one in sample if one.half == half]
                if not rows:
                    continue
                heard = [one for one in rows if hears(one, topic)]
                right = sum(one.stated[topic] for one in heard)
                positives = sum(one.stated[topic] for one in rows)
                print(
                    f"{language} {topic:17} {half:7} {len(rows)} rows, {positives} positives: "
                    f"precision {share(right, len(heard))}, recall {share(right, positives)}"
                )
        spent = []
        for one in sample:
            start = time.thread_time()
            matcher.match(one.text, one.before)
            spent.append((time.thread_time() - start) * 1e3)
        slow = statistics.quantiles(spent, n=20)[-1]
        mean, longest = statistics.mean(spent), max(spent)
        print(f"{language} ms of CPU per utterance: mean {mean:.2f}, p95 {slow:.2f}, longest {longest:.2f}")
    for topic in TOPICS:
        recalls, precisions = [], []
        for seed in range(5):
            slips = Homophones(random.Random(seed))
            written = [Labelled(slips.write(one.text), None, one.half, one.stated) for one in labelled(shared, "zh")]
            heard = [one for one in written if hears(one, topic)]
            right = sum(one.stated[topic] for one in heard)
            recalls.append(right / sum(one.stated[topic] for one in written))
            precisions.append(right / len(heard))
        print(
            f"zh {topic:17} 20 % homophones, 5 seeds: recall {min(recalls):.3f} to {max(recalls):.3f}, "
            f"precision {min(precisions):.3f} to {max(precisions):.3f}"
        )


if __name__ == "__main__":
    main()
