"""Several files through one engine: outcomes in order, and a file's own fault costs only that file."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from server.app import open_engine
from server.recording.batch import AT_ONCE, JudgedFile, Outcome, Unread, assess_files
from server.settings import Settings


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """The first takes longest."""
    paths = [tmp_path / f"{seconds}.wav" for seconds in (9, 1, 4, 2)]
    for path in paths:
        soundfile.write(path, 0.05 * np.random.default_rng(1).standard_normal(int(path.stem) * 16_000), 16_000)
    return paths


async def outcomes(files: list[Path], max_s: float = 60.0) -> list[Outcome]:
    found: list[Outcome] = []
    async with open_engine(Settings(mos=False, clap="off")) as engine:
        await assess_files(engine, engine.dictionaries.resolve(None), files, found.append, max_s=max_s, reference="r")
    return found


def names(found: list[Outcome]) -> list[str | None]:
    return [one.result.identity.name if isinstance(one, JudgedFile) else one.name for one in found]


async def test_outcomes_come_in_the_order_of_the_files(files: list[Path]) -> None:
    found = await outcomes(files)
    assert names(found) == [str(path) for path in files]
    assert {one.result.identity.reference for one in found if isinstance(one, JudgedFile)} == {"r"}


async def test_a_file_at_fault_is_told_in_its_place_and_the_others_go_on(files: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound")
    found = await outcomes([files[1], tmp_path / "missing.wav", tmp_path, broken, files[0], files[3]], max_s=5.0)
    codes = [one.code if isinstance(one, Unread) else None for one in found]
    assert codes == [None, "file_not_found", "is_a_directory", "undecodable_file", "payload_too_large", None]


async def test_a_bug_met_in_one_file_is_its_outcome(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr("server.recording.batch.assess_recording", broken)
    en, zh = "Unexpected ZeroDivisionError.", "意外错误 ZeroDivisionError。"
    assert await outcomes(files[:1]) == [Unread(str(files[0]), "internal", en, zh)]


async def test_an_error_raised_by_the_receiver_ends_the_batch_unchanged(files: list[Path]) -> None:
    seen: list[Outcome] = []

    def done(outcome: Outcome) -> None:
        seen.append(outcome)
        raise BrokenPipeError

    async with open_engine(Settings(mos=False, clap="off")) as engine:
        with pytest.raises(BrokenPipeError):
            await assess_files(engine, engine.dictionaries.resolve(None), files, done, max_s=60.0)
    assert len(seen) == 1 < AT_ONCE
