"""Gives a target bytes that reach ever more of its code: ``python -m tools.fuzzing.run TARGET SECONDS``.

Needs atheris (the extra ``fuzz``; Linux on x86-64). The corpus grows in ``build/fuzz/TARGET``, which git ignores; an
input that fails is kept there as ``crash-…``, and ``python -m tools.fuzzing.run TARGET FILE`` repeats it.
"""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_MB = 2048
SLOW_S = 25
"""An input that takes longer hangs."""


def main(target: str, given: str) -> int:
    if importlib.util.find_spec("atheris") is None:
        print(f"{target}: atheris is not installed here (extra fuzz): skipped; tests/fuzz mutates bytes without it.")
        return 0
    import atheris

    with atheris.instrument_imports(include=["server"]):
        from tools.fuzzing.targets import TARGETS
    from tools.fuzzing.seeds import SEEDS

    corpus = ROOT / "build" / "fuzz" / target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[target]()):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [f"-artifact_prefix={corpus.parent}/{target}-", f"-timeout={SLOW_S}", f"-rss_limit_mb={MOST_MB}"]
    work = [f"-max_total_time={given}", "-print_final_stats=1", str(corpus)] if given.isdigit() else [given]
    atheris.Setup([sys.argv[0], *options, *work], TARGETS[target])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
