"""Digital silence in a recording costs little, and changes no score."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from server.app import open_engine
from server.assessment.engine import Engine
from server.errors import TooCostlyError
from server.recording.decode import read_recording
from server.recording.parties import assess_recording
from server.recording.silence import Silence, gathered
from server.rendering.results import result_model
from server.rendering.thinning import MOST_WINDOWS, thinned
from server.scoring.spending import Spending
from server.settings import Settings
from server.stream.core import StreamCore
from server.stream.events import StreamEvent
from server.values.audio import Float32Array

RATE = 16_000


@pytest.fixture(scope="module")
def said(mixes: Path) -> npt.NDArray[np.float32]:
    samples, rate = soundfile.read(sorted(mixes.glob("*.flac"))[0], dtype="float32")
    assert rate == RATE
    heard: npt.NDArray[np.float32] = samples[: 12 * RATE]
    return heard


def flac(samples: npt.NDArray[np.float32], rate: int = RATE) -> io.BytesIO:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="FLAC", subtype="PCM_16")
    buffer.seek(0)
    return buffer


class Computed:
    """A core that computes each second of silence as any other."""

    def __init__(self, core: StreamCore) -> None:
        self._core = core

    def receive_silence(self, samples: int) -> list[StreamEvent]:
        return self._core.receive_pcm(bytes(4 * samples))

    def __getattr__(self, name: str) -> object:
        return getattr(self._core, name)


def computed(engine: Engine) -> Engine:
    make_core = engine.make_core
    return replace(engine, make_core=lambda audio: Computed(make_core(audio)))  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("rate", [16_000, 44_100])
async def test_a_recording_with_long_silence_is_judged_as_if_each_second_of_it_were_computed(
    rate: int, said: npt.NDArray[np.float32]
) -> None:
    silence = np.zeros(40 * rate + 123, np.float32)  # not whole seconds: what follows lies between two hops
    whole = np.concatenate((said, silence, said, silence))
    async with open_engine(Settings(mos=False)) as engine:
        labels = engine.dictionaries.resolve(None)
        quick = result_model(await assess_recording(engine, read_recording(flac(whole, rate)), labels))
        slow = result_model(await assess_recording(computed(engine), read_recording(flac(whole, rate)), labels))
    assert quick.source == slow.source
    assert [w.end_sample for w in quick.windows] == [w.end_sample for w in slow.windows]
    assert {name: one.score for name, one in quick.labels.items()} == pytest.approx(
        {name: one.score for name, one in slow.labels.items()}, abs=1e-6
    )
    for quick_one, slow_one in zip(quick.windows, slow.windows, strict=True):
        assert {n: (s.score, s.why) for n, s in quick_one.labels.items()} == {
            n: (s.score, s.why) for n, s in slow_one.labels.items()
        }
    assert quick.unusable_spans == slow.unusable_spans
    assert quick.measures == slow.measures


async def test_long_silence_asks_the_scorers_of_its_first_seconds_only_and_lists_windows_evenly() -> None:
    async with open_engine(Settings(mos=False)) as engine:
        spending = Spending(3600.0)
        with spending.limiting():
            result = await assess_recording(
                engine, read_recording(flac(np.zeros(1205 * RATE, np.float32))), engine.dictionaries.resolve(None)
            )
        acoustic = engine.service.metrics()[0].scored
    assert len(result.windows) == 1203
    assert acoustic < 60
    assert spending.spent_s > 0.0
    short = thinned(result)
    assert len(short.windows) <= MOST_WINDOWS
    assert short.windows[-1] == result.windows[-1]
    steps = np.diff([window.end_sample for window in short.windows[10:]])
    assert set(steps.tolist()) == {3 * RATE}
    assert short.notices[-1].code == "windows_thinned"
    assert "1203" in short.notices[-1].zh
    assert replace(short, windows=result.windows, notices=result.notices) == result
    assert thinned(short) is short


async def test_work_that_costs_more_than_it_may_ends_with_what_to_do() -> None:
    tone = (0.1 * np.sin(2 * np.pi * 440 * np.arange(60 * RATE) / RATE)).astype(np.float32)
    async with open_engine(Settings(mos=False)) as engine:
        labels = engine.dictionaries.resolve(None)
        spending = Spending(0.05)
        with spending.limiting(), pytest.raises(TooCostlyError, match="in parts"):
            await assess_recording(engine, read_recording(flac(tone)), labels)
        stopped_at = spending.spent_s
        # Nothing is counted where nobody set a limit, and live sessions set none.
        await assess_recording(engine, read_recording(flac(tone[: 12 * RATE])), labels)
    assert stopped_at == spending.spent_s


def test_only_blocks_of_zeros_are_gathered_and_each_sample_keeps_its_place() -> None:
    zeros, sound = np.zeros(100, np.float32), np.ones(100, np.float32)

    def blocks() -> Iterator[Float32Array | bool]:
        yield from (sound, zeros, zeros, True, zeros, sound)
        yield from [zeros] * 12

    told = [len(x) if isinstance(x, np.ndarray) else x for x in gathered(blocks(), 100)]
    assert told == [100, Silence(200), True, Silence(100), 100, Silence(1000), Silence(200)]
