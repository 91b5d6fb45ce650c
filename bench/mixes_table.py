"""Results on the labelled mixes: prompts right or wrong per condition, and how well interference is detected.

    .venv/bin/python bench/mixes_table.py [--set FOLDER] [--no-mos] [--failures]

FOLDER holds ``labels.json`` and its files as ``make_mixes.py`` writes them; by default the 126 of TINGQING_SHARED.
Runs each file through StreamCore, the acoustic scorer, DNSMOS and the judge, as ``tingqing assess`` does.
"""

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from server.assessment.facts import window_facts
from server.dictionaries import Dictionaries
from server.judge.judgement import Conclusion
from server.judge.labels import LabelSet
from server.judge.session import SessionJudge
from server.model.acoustic import AcousticScorer
from server.model.detectors import detector_factory
from server.model.dnsmos import DnsMos, load_dnsmos_session
from server.model.overlap import load_overlap
from server.scoring.ports import ScoreRequest
from server.stream.core import StreamCore
from server.stream.events import OverlapModel, WindowReady
from server.values.audio import AudioFormat, Capture, CaptureSource, Encoding
from server.values.measures import Measures, Mos
from server.values.windows import Window

ROOT = Path(__file__).resolve().parent.parent
EVENTS = {"baby_cry", "dog_bark", "typing", "siren_alarm"}
QUIETER = "move_somewhere_quieter"
ANY_OF: dict[str, set[str]] = {
    "too_quiet": {"come_closer", "speak_up"},
    "clipping": {"move_back"},
    "dropouts": {"check_microphone"},
    "reverb": {"reduce_echo", "come_closer"},
    "overlap": {"one_at_a_time", QUIETER},
    "silence": {"check_microphone", "speak_up"},
    "near_silence": {"check_microphone", "speak_up"},
    "narrowband": {"check_microphone"},
}


@dataclass(frozen=True, slots=True)
class Judged:
    row: Mapping[str, Any]
    conclusion: Conclusion
    measures: Measures


class Bench:
    """The parts of one assessment, built once."""

    def __init__(self, *, mos: bool, overlap: OverlapModel | None = None) -> None:
        """``overlap``: another network than the shipped one."""
        self._detector = detector_factory("silero")
        self.scorer = AcousticScorer()
        self._overlap = load_overlap() if overlap is None else overlap
        self._mos = DnsMos(load_dnsmos_session()) if mos else None
        self.labels: LabelSet = Dictionaries.load(ROOT / "labels").resolve(None)

    def windows(self, samples: npt.NDArray[np.float32], rate: int) -> Iterator[tuple[Window, Mos | None]]:
        """Every window, with the DNSMOS result that counts for it (that of the last 10, 15, 20 … s before it)."""
        core = StreamCore(AudioFormat(Encoding.PCM_F32LE, rate), self._detector(), overlap=self._overlap)
        events = core.receive_pcm(samples.tobytes()) + core.finish()
        mos: Mos | None = None
        for event in events:
            if not isinstance(event, WindowReady):
                continue
            window = event.window
            yield window, mos
            if self._mos is not None and not window.partial and round(window.end_s) % 5 == 0:
                mos = self._mos.score(window)

    def judge(self, row: Mapping[str, Any], samples: npt.NDArray[np.float32], rate: int) -> Judged:
        judge = SessionJudge(self.labels)
        measures = Measures()
        for window, mos in self.windows(samples, rate):
            request = ScoreRequest(window, self.labels, Capture(CaptureSource.FILE), mos)
            reply = self.scorer.score([request])[0]
            assert reply.measures is not None
            measures = reply.measures
            facts = window_facts(window, measures)
            judge.add_window(facts, {"acoustic": reply.opinions}, {"acoustic": reply.recent})
        return Judged(row, judge.conclude(), measures)


def wanted(row: Mapping[str, Any]) -> tuple[list[set[str]], set[str]]:
    """Prompts a mix must raise (one of each set) and those it may also raise (issue: truth of the closed set)."""
    tags = set(row["tags"])
    allowed = {"slow_down"}
    snr = row.get("snr_db")
    must = [ANY_OF[tag] for tag in sorted(tags & set(ANY_OF))]
    if row["category"] == "noise_only":
        must.append({QUIETER, "speak_up", "check_microphone"})
        allowed |= must[-1]
    elif row["category"] == "combo":
        must += [{QUIETER}] if "loud_noise" in tags else []
        allowed |= {QUIETER}
    elif snr is not None:
        must += [{QUIETER}] if snr <= 8 else []
        allowed |= {QUIETER} if snr < 20 else set()
    if "narrowband" in tags:
        allowed |= {"come_closer"}
    for options in must:
        allowed |= options
    return must, allowed


def is_right(judged: Judged) -> bool:
    must, allowed = wanted(judged.row)
    given = set(judged.conclusion.prompts)
    return given <= allowed and all(given & options for options in must)


def condition(row: Mapping[str, Any]) -> str:
    if row["category"] == "noise":
        return f"noise {row['snr_db']} dB"
    return f"{row['category']} {'turns' if 'turns' in row['tags'] else ''}".strip()


def print_table(results: list[Judged]) -> None:
    groups: dict[str, list[Judged]] = defaultdict(list)
    for judged in results:
        groups[condition(judged.row)].append(judged)
    print(f"{'condition':22} right  accepted  prompts given")
    for name, members in groups.items():
        right = sum(map(is_right, members))
        accepted = sum(judged.conclusion.overall.verdict == "accept" for judged in members)
        given: dict[str, int] = defaultdict(int)
        for judged in members:
            for prompt in judged.conclusion.prompts:
                given[prompt] += 1
        told = ", ".join(f"{prompt} {count}" for prompt, count in sorted(given.items()))
        print(f"{name:22} {right:2}/{len(members):2}  {accepted:5}     {told}")
    print(f"{'all':22} {sum(map(is_right, results))}/{len(results)}")


def print_failures(results: list[Judged]) -> None:
    for judged in results:
        if is_right(judged):
            continue
        failed = {
            label: round(score.score, 2)
            for label, score in judged.conclusion.labels.items()
            if score.score is not None and judged.conclusion.passed[label] is False
        }
        m = judged.measures
        told = {
            "snr": m.snr_db,
            "level": m.speech_dbfs,
            "noise": m.noise_dbfs,
            "echo": m.reverberation,
            "drop": m.dropout_ratio,
            "sig": m.mos_signal,
            "bak": m.mos_background,
        }
        shown = " ".join(f"{name}={value:.2f}" for name, value in told.items() if value is not None)
        print(f"{judged.row['file']}: gave {judged.conclusion.prompts}, failed {failed}; {shown}")


def auc(low: list[float], high: list[float]) -> float:
    """Probability that a score of ``low`` is under one of ``high`` (ties count half)."""
    a, b = np.array(low)[:, np.newaxis], np.array(high)[np.newaxis]
    return float(np.mean((a < b) + 0.5 * (a == b)))


def print_interference(results: list[Judged]) -> None:
    """``low_background`` of SNR <= 8 dB against >= 15 dB and clean: AUC and balanced accuracy at 0.70."""
    quiet: list[float] = []
    steady: list[float] = []
    event: list[float] = []
    for judged in results:
        score = judged.conclusion.labels["low_background"].score
        snr = judged.row.get("snr_db")
        if score is None or judged.row["category"] not in {"clean", "dc_offset", "noise"}:
            continue
        if snr is None or snr >= 15:
            quiet.append(score)
        elif snr <= 8:
            (event if judged.row.get("noise_kind") in EVENTS else steady).append(score)
    for name, loud in (("all", steady + event), ("steady", steady), ("events", event)):
        if loud and quiet:
            hit = np.mean([score < 0.7 for score in loud])
            kept = np.mean([score >= 0.7 for score in quiet])
            balanced = (hit + kept) / 2
            print(f"interference, {name}: AUC {auc(loud, quiet):.3f}, balanced accuracy {balanced:.3f}", end="")
            print(f" ({len(loud)} loud, {len(quiet)} quiet; {hit:.3f} found, {kept:.3f} kept)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("TINGQING_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--set", type=Path, default=shared / "audio" / "mixes")
    parser.add_argument("--no-mos", action="store_true")
    parser.add_argument("--failures", action="store_true")
    arguments = parser.parse_args()
    bench = Bench(mos=not arguments.no_mos)
    rows = json.loads((arguments.set / "labels.json").read_text(encoding="utf-8"))["mixes"]
    results = []
    for row in rows:
        samples, rate = soundfile.read(arguments.set / row["file"], dtype="float32")
        results.append(bench.judge(row, samples, rate))
    print_table(results)
    print_interference(results)
    if arguments.failures:
        print_failures(results)


if __name__ == "__main__":
    main()
