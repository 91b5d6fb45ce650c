"""Writes the manifest for ``tingqing evaluate`` of a folder of labelled mixes made by ``make_mixes.py``.

    .venv/bin/python bench/mixes_manifest.py FOLDER [--fit FOLDER ...] --output manifest.csv

FOLDER holds ``labels.json`` and its files; those of ``--fit`` are only fitted to and never reported. The prompts that a
mix must and may raise are those of bench/mixes_table.py. If the mix's recipe does not say whether a label is fine, its
cell is empty.
"""

import argparse
import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mixes_table import EVENTS, wanted

LABELS = (
    "speech_present",
    "low_background",
    "close_enough",
    "low_reverberation",
    "no_crosstalk",
    "no_clipping",
    "continuous_signal",
    "full_bandwidth",
)
COLUMNS = (
    "path",
    "condition",
    "subset",
    "use",
    "speaker",
    "noise",
    "prompts",
    "optional_prompts",
    "verdict",
    *LABELS,
)
FAULTS = {
    "no_clipping": {"clipping"},
    "continuous_signal": {"dropouts"},
    "full_bandwidth": {"narrowband"},
    "close_enough": {"too_quiet"},
    "low_reverberation": {"reverb"},
    "no_crosstalk": {"overlap"},
}
"""Label to the tags that break it."""
ALWAYS_TOLD = {"no_clipping", "continuous_signal", "full_bandwidth", "low_reverberation"}
"""Labels that a recipe breaks only if a tag says so."""
QUIET_FROM_DB, LOUD_UNDER_DB = 15, 8


def condition(row: Mapping[str, Any]) -> str:
    name = str(row["category"])
    if name == "noise":
        return f"noise {row['snr_db']} dB"
    if "turns" in row["tags"]:
        return "turn-taking"
    return "echo, far" if name == "far" else name.replace("_", " ")


def truths(row: Mapping[str, Any]) -> dict[str, str]:
    """``1`` fine, ``0`` not, absent if the recipe does not say."""
    tags, category, snr = set(row["tags"]), row["category"], row.get("snr_db")
    if "no_speech" in tags:
        return {"speech_present": "0"}
    told = {"speech_present": "1"}
    if category in {"clean", "dc_offset", "noise"} and (snr is None or snr >= QUIET_FROM_DB or snr <= LOUD_UNDER_DB):
        told["low_background"] = "1" if snr is None or snr >= QUIET_FROM_DB else "0"
    for label, faults in FAULTS.items():
        if tags & faults:
            told[label] = "0"
        elif label in ALWAYS_TOLD or category not in {"combo", "far", "second_talker", "noise"}:
            told[label] = "1"
    return told


def sources(row: Mapping[str, Any], group_of: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """Speakers and noises of a mix; a talker is known by the group in the sources' manifest."""
    files = [*row.get("speech_files", []), *row.get("second_talker_files", []), *row.get("tv_speech_files", [])]
    speakers = {group_of.get(file, file) for file in files}
    noises = {group_of.get(row["noise_file"], row["noise_file"])} if row.get("noise_file") else set()
    return speakers, noises


def lines(folder: Path, use: str, group_of: Mapping[str, str]) -> list[dict[str, str]]:
    out = []
    for row in json.loads((folder / "labels.json").read_text(encoding="utf-8"))["mixes"]:
        must, allowed = wanted(row)
        speakers, noises = sources(row, group_of)
        quiet = row["category"] in {"clean", "dc_offset"}
        event = row.get("noise_kind") in EVENTS
        told = truths(row)
        if use == "fit":
            # The shipped network was fitted to these voices: no curve may be fitted to its output on them.
            told.pop("no_crosstalk", None)
        out.append(
            {
                "path": str((folder / row["file"]).resolve()),
                "condition": condition(row),
                "subset": ("events" if event else "steady") if row["category"] == "noise" else "",
                "use": use,
                "speaker": ";".join(sorted(speakers)),
                "noise": ";".join(sorted(noises)),
                "prompts": " ".join("|".join(sorted(options)) for options in must) or "none",
                "optional_prompts": "|".join(sorted(allowed.difference(*must))),
                "verdict": "accept" if quiet else "unusable|re-record" if "no_speech" in row["tags"] else "",
                **told,
            }
        )
    return out


def write_manifest(output: Path, folder: Path, fit: Sequence[Path], sources_csv: Path) -> None:
    with sources_csv.open(encoding="utf-8", newline="") as file:
        group_of = {row["path"]: row["group"] for row in csv.DictReader(file)}
    rows = lines(folder, "test", group_of)
    for other in fit:
        rows += lines(other, "fit", group_of)
    with output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fit", type=Path, nargs="*", default=[])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--sources", type=Path, help="manifest.csv of the sources; beside FOLDER by default")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    write_manifest(arguments.output, folder, arguments.fit, arguments.sources or folder.parent / "manifest.csv")


if __name__ == "__main__":
    main()
