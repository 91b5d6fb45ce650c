"""Whether a real Chromium's noise suppression and gain are like those of ``webrtc-noise-gain``, which the benches use.

    .venv/bin/python bench/heard_in_chromium.py [--items 24] [--fold held] [--json FILE] [--judge]

Noisy speech as bench/heard.py makes it, one piece after the other, is the microphone of a Chromium (its fake device
plays the file at 48 kHz, in real time), which the page opens with echo cancellation, noise suppression and automatic
gain on. What comes out of the track is recorded by an AudioWorklet and laid beside the same stream through
``webrtc-noise-gain`` at each strength, piece by piece: ESTOI against the clean speech, and the level in octave bands,
of words and of pauses apart, against the file itself. ``--judge``: also whether the product says the same of both.
Chromium also records without any processing: where that differs from the file, this bench is at fault.

Needs TINGQING_SHARED, the extras ``bench`` and ``dev`` (playwright), and a Chromium.
"""

import argparse
import asyncio
import base64
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from judged import PROCESSED, open_ear, told
from microphones import Process, Webrtc
from playwright.sync_api import Route, sync_playwright
from pystoi import stoi
from scipy import signal
from voices import FOLDS, RATE, Audio, Cast, Fold, fitted, floor_noise, with_noise

DEVICE_RATE = 48_000
LEAD_S, GAP_S, TAIL_S = 4.0, 1.0, 2.0
"""Before the first piece, for what the suppression has to learn; between two; and after the last."""
LATEST_S, NEAR_S = 5.0, 0.25
"""A track begins so late at most; and within a recording a piece lies so near to where the first one says."""
SNRS: tuple[int | None, ...] = (None, 20, 15, 10, 5, 0)
USABLE_ESTOI = 0.75
OCTAVES_HZ = (125, 250, 500, 1000, 2000, 4000)
ORIGIN = "https://bench.test"
ALL_ON = {"echoCancellation": True, "noiseSuppression": True, "autoGainControl": True}
SETTINGS: Mapping[str, Mapping[str, bool]] = {
    "off": dict.fromkeys(ALL_ON, False),
    "noiseSuppression": {**dict.fromkeys(ALL_ON, False), "noiseSuppression": True},
    "all on": ALL_ON,
}
WAYS: Mapping[str, Process] = {
    "webrtc1": Webrtc(1),
    "webrtc2": Webrtc(2),
    "webrtc3": Webrtc(3),
    "webrtc2_gain": Webrtc(2, 12),
    "webrtc4_gain": Webrtc(4, 6),
}
PAGE = """<!doctype html><meta charset="utf-8"><script>
const tap = `registerProcessor("tap", class extends AudioWorkletProcessor {
  process([input]) { if (input[0]) this.port.postMessage(input[0].slice()); return true; } });`;
let kept = [];
window.record = async (wanted, seconds) => {
  const audio = { ...wanted, channelCount: 1 };
  const stream = await navigator.mediaDevices.getUserMedia({ audio });
  const context = new AudioContext({ sampleRate: 48000 });
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([tap], { type: "text/javascript" })));
  const node = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0 });
  node.port.onmessage = (event) => kept.push(event.data);
  context.createMediaStreamSource(stream).connect(node);
  await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  const settings = stream.getAudioTracks()[0].getSettings();
  stream.getTracks().forEach((track) => track.stop());
  await context.close();
  return settings;
};
window.taken = async () => {
  const blob = new Blob(kept);
  kept = [];
  return await new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.readAsDataURL(blob);
  });
};
</script>"""


@dataclass(frozen=True, slots=True)
class Piece:
    """``voice``: the clean speech. ``taken``: what the microphone takes, from sample ``start`` of the stream on."""

    voice: Audio
    taken: Audio
    start: int
    told: Mapping[str, Any]


def pieces_of(fold: Fold, n: int, seed: int) -> list[Piece]:
    cast, found, at = Cast(fold, seed), [], round(LEAD_S * RATE)
    for place in range(n):
        voice, talker = cast.voice(float(cast.rng.uniform(8, 12)))
        snr, kind = SNRS[place % len(SNRS)], cast.kinds[place % len(cast.kinds)]
        taken = voice + floor_noise(voice.size, -72.0, cast.rng)
        if snr is not None:
            taken = with_noise(taken, fitted(cast.noise(kind, voice.size)[0], voice.size), snr)
        taken *= min(10 ** (float(cast.rng.uniform(-8, 4)) / 20), 0.9 / np.abs(taken).max())
        found.append(Piece(voice, taken, at, {"snr_db": snr, "noise_kind": kind if snr is not None else None}))
        at += taken.size + round(GAP_S * RATE)
        print(f"{place}: {talker}, {found[-1].told}", file=sys.stderr)
    return found


def stream_of(pieces: Sequence[Piece], rng: np.random.Generator) -> Audio:
    """All of them, over a floor without a break."""
    last = pieces[-1]
    stream = floor_noise(last.start + last.taken.size + round(TAIL_S * RATE), -72.0, rng)
    for one in pieces:
        stream[one.start : one.start + one.taken.size] += one.taken
    return stream


def through_chromium(stream: Audio, folder: Path) -> dict[str, tuple[Audio, Mapping[str, Any]]]:
    """The stream as Chromium hands it on under each of SETTINGS, at 16 kHz, with what its track says of itself."""
    wav = folder / "microphone.wav"
    soundfile.write(wav, soxr.resample(stream, RATE, DEVICE_RATE, quality="HQ"), DEVICE_RATE, subtype="PCM_16")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        sys.exit("There is no Chromium: apt-get install chromium.")
    flags = ["--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    flags += [f"--use-file-for-fake-audio-capture={wav}%noloop", "--autoplay-policy=no-user-gesture-required"]
    found: dict[str, tuple[Audio, Mapping[str, Any]]] = {}
    with sync_playwright() as started:
        for name, wanted in SETTINGS.items():
            browser = started.chromium.launch(executable_path=program, args=flags)
            page = browser.new_page()
            page.set_default_timeout(0)
            page.route(f"{ORIGIN}/**", _page)
            page.goto(f"{ORIGIN}/")
            settings = page.evaluate("([wanted, s]) => record(wanted, s)", [wanted, stream.size / RATE + LATEST_S])
            wide = np.frombuffer(base64.b64decode(page.evaluate("taken()")), np.float32).astype(np.float64)
            browser.close()
            shown = {key: settings.get(key) for key in ALL_ON}
            print(f"{name}: {wide.size / DEVICE_RATE:.1f} s recorded, the track says {shown}", file=sys.stderr)
            found[name] = (soxr.resample(wide, DEVICE_RATE, RATE, quality="HQ"), shown)
    return found


def _page(route: Route) -> None:
    route.fulfill(body=PAGE, content_type="text/html")


def lag(sound: Audio, in_: Audio) -> int:
    """Where in ``in_`` ``sound`` lies, samples."""
    n = 1 << int(np.ceil(np.log2(sound.size + in_.size)))
    match = np.fft.irfft(np.fft.rfft(in_, n) * np.conj(np.fft.rfft(sound, n)), n)
    return int(np.argmax(match[: max(1, in_.size - sound.size // 2)]))


def cut(recorded: Audio, pieces: Sequence[Piece]) -> list[Audio]:
    """Each piece as recorded, in step with what was taken: found in the whole for the first, then near there. A device
    that skips or repeats a little under load moves what follows."""
    late, near, found = 0, round(LATEST_S * RATE), []
    for one in pieces:
        start = max(0, one.start + late - near)
        part = recorded[start : one.start + late + near + one.taken.size]
        at = start + lag(one.taken, part)
        late, near = at - one.start, round(NEAR_S * RATE)
        found.append(fitted(recorded[at:], one.taken.size))
    return found


def octaves(sound: Audio, where: np.ndarray[Any, np.dtype[np.bool_]]) -> Audio:
    """Level in each of OCTAVES_HZ over the frames of 32 ms in ``where``, dB."""
    _, _, spectrum = signal.stft(sound, RATE, nperseg=512, noverlap=0, boundary=None, padded=False)
    power = np.abs(spectrum[:, : where.size][:, where]) ** 2
    hz = np.fft.rfftfreq(512, 1 / RATE)
    bands = [(hz >= centre / np.sqrt(2)) & (hz < centre * np.sqrt(2)) for centre in OCTAVES_HZ]
    return np.asarray([10 * np.log10(power[band].sum(axis=0).mean() + 1e-14) for band in bands])


def words_of(voice: Audio) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Frames of 32 ms within 25 dB of the loudest twentieth of the clean speech."""
    frames = voice[: voice.size // 512 * 512].reshape(-1, 512)
    level = 10 * np.log10((frames**2).mean(axis=1) + 1e-14)
    return np.asarray(level > np.percentile(level, 95) - 25)


def heard(one: Piece, sound: Audio) -> dict[str, Any]:
    words = words_of(one.voice)
    changed = {
        name: (octaves(sound, where) - octaves(one.taken, where)).round(1).tolist()
        for name, where in (("words_db", words), ("pauses_db", ~words))
        if np.count_nonzero(where) >= 5
    }
    return {"estoi": round(float(stoi(one.voice, sound, RATE, extended=True)), 3), **changed}


def compared(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``ours``: by webrtc-noise-gain; ``theirs``: by Chromium; of the same pieces."""
    a, b = (np.array([row["estoi"] for row in rows]) for rows in (ours, theirs))
    told: dict[str, Any] = {
        "estoi_less": round(float(np.mean(a - b)), 3),
        "estoi_apart_median": round(float(np.median(np.abs(a - b))), 3),
        "estoi_apart_p90": round(float(np.percentile(np.abs(a - b), 90)), 3),
        "estoi_correlation": round(float(np.corrcoef(a, b)[0, 1]), 3),
        "same_side_of_usable": f"{int(np.sum((a >= USABLE_ESTOI) == (b >= USABLE_ESTOI)))}/{a.size}",
    }
    for name in ("words_db", "pauses_db"):
        both = [(x[name], y[name]) for x, y in zip(ours, theirs, strict=True) if name in x and name in y]
        apart = np.array([np.subtract(x, y) for x, y in both])
        # Automatic gain moves all bands alike; what is told of them is their shape.
        shape = apart - apart.mean(axis=1, keepdims=True)
        told[name] = {
            "level_median": round(float(np.median(apart.mean(axis=1))), 1),
            "bands_median": dict(zip(map(str, OCTAVES_HZ), np.median(apart, axis=0).round(1).tolist(), strict=True)),
            "shape_apart_median": round(float(np.median(np.abs(shape))), 1),
        }
    return told


async def verdicts(sounds: Mapping[str, Sequence[Audio]], folder: Path) -> dict[str, list[dict[str, Any]]]:
    """What the product says of each, as of a microphone of which nothing is known."""
    found: dict[str, list[dict[str, Any]]] = {}
    async with open_ear() as ear:
        for name, those in sounds.items():
            found[name] = []
            for place, sound in enumerate(those):
                file = folder / f"{place}.flac"
                soundfile.write(file, np.clip(sound, -1, 1), RATE, subtype="PCM_16")
                row = told(await ear.judge(file, PROCESSED))
                found[name].append({"accepted": not row["failing"], "overall": round(row["overall"] or 0.0, 3)})
    return found


def agreement(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    pairs = list(zip(ours, theirs, strict=True))
    return {
        "same_verdict": f"{sum(a['accepted'] == b['accepted'] for a, b in pairs)}/{len(pairs)}",
        "overall_apart_median": round(float(np.median([abs(a["overall"] - b["overall"]) for a, b in pairs])), 3),
    }


def figures(pieces: Sequence[Piece], judge: bool, folder: Path, seed: int) -> dict[str, Any]:
    stream = stream_of(pieces, np.random.default_rng(seed))
    recorded = through_chromium(stream, folder)
    sounds = {f"chromium, {name}": cut(sound, pieces) for name, (sound, _) in recorded.items()}
    sounds |= {name: cut(way(stream), pieces) for name, way in WAYS.items()}
    rows = {
        name: [heard(one, sound) for one, sound in zip(pieces, those, strict=True)] for name, those in sounds.items()
    }
    told_of = asyncio.run(verdicts(sounds, folder)) if judge else {}
    beside: dict[str, Any] = {}
    for theirs in (name for name in sounds if name.startswith("chromium")):
        for ours in WAYS:
            both = compared(rows[ours], rows[theirs])
            beside[f"{ours} beside {theirs}"] = both | (agreement(told_of[ours], told_of[theirs]) if judge else {})
    means = {name: round(float(np.mean([row["estoi"] for row in those])), 3) for name, those in rows.items()}
    untouched = [heard(one, one.taken)["estoi"] for one in pieces]
    items = [{**one.told, **{name: those[place] for name, those in rows.items()}} for place, one in enumerate(pieces)]
    tracks = {name: shown for name, (_, shown) in recorded.items()}
    means["untouched"] = round(float(np.mean(untouched)), 3)
    return {"tracks": tracks, "estoi_mean": means, "beside": beside, "items": items, "judged": told_of}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=24)
    parser.add_argument("--fold", choices=FOLDS, default="held")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--judge", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    pieces = pieces_of(arguments.fold, arguments.items, arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        found = figures(pieces, arguments.judge, Path(folder), arguments.seed)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    print(json.dumps({name: value for name, value in found.items() if name not in {"items", "judged"}}, indent=1))


if __name__ == "__main__":
    main()
