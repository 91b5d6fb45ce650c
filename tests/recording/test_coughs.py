"""Real coughs between real speech: they raise no prompt, and nobody speaks faster or louder for them."""

from pathlib import Path

import numpy as np
import pytest

from server.app import open_engine
from server.assessment.updates import Assessed
from server.model.small.store import SmallModels
from server.recording.decode import read_recording
from server.recording.parties import assess_recording
from server.settings import Settings
from server.values.windows import Window
from tests.model.hearing import mixer

RATE = 16_000
EVERY = 20
"""Of the hundred coughs: five, over telephone lines and from an app."""


@pytest.fixture(scope="module")
def spoken(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Half a minute of one talker in a quiet room, alone and with a fit of coughs after each sentence."""
    import soundfile

    made, audio, rng = mixer(shared), shared / "audio", np.random.default_rng(4)
    coughs = sorted((audio / "clinical" / "cough").glob("*.flac"))[::EVERY]
    clips = sorted((audio / "speech" / "en").glob("Resemblyzer__*.flac"))[:3]
    plain, coughing = [], []
    for number in range(len(coughs)):
        clip = made.trim(made.load(str(clips[number % len(clips)])))[: 4 * RATE]
        clip *= 10 ** ((-26 - made.active(clip)) / 20)
        cough = made.trim(made.load(str(coughs[number])))[: 2 * RATE]
        cough *= 10 ** ((-23 - made.active(cough)) / 20)
        plain += [clip, np.zeros(RATE // 2)]
        coughing += [clip, np.zeros(RATE // 4), cough, np.zeros(RATE // 4)]
    folder = tmp_path_factory.mktemp("coughs")
    paths = folder / "plain.flac", folder / "coughing.flac"
    for path, parts in zip(paths, (plain, coughing), strict=True):
        sound = np.concatenate(parts)
        soundfile.write(path, np.clip(sound + rng.standard_normal(sound.size) * 10 ** (-65 / 20), -1, 1), RATE)
    return paths


async def test_fits_of_real_coughs_raise_no_prompt_and_change_no_rate(
    spoken: tuple[Path, Path], tmp_path: Path
) -> None:
    rates, levels = [], []
    async with open_engine(Settings(clap="off", mos=False, model_cache_dir=tmp_path)) as engine:
        for path in spoken:
            heard: list[Assessed] = []

            def keep(_: Window, assessed: Assessed, heard: list[Assessed] = heard) -> None:
                heard.append(assessed)

            recording = read_recording(path, path.name, max_s=600)
            labels = engine.dictionaries.resolve(None)
            await assess_recording(engine, recording, labels, on_window=keep)
            assert [prompt for one in heard for prompt in one.prompts] == []
            measures = [one.update.measures for one in heard]
            rates.append(np.median([one.speech_rate_sps for one in measures if one.speech_rate_sps is not None]))
            levels.append(np.median([one.speech_dbfs for one in measures if one.speech_dbfs is not None]))
    assert rates[1] == pytest.approx(rates[0], rel=0.12)
    assert levels[1] == pytest.approx(levels[0], abs=1.5)


async def test_a_patient_who_coughs_between_clean_words_need_not_record_again(spoken: tuple[Path, Path]) -> None:
    models = SmallModels()
    if models.find("gtcrn") is None:
        pytest.skip("no weights: tingqing models download gtcrn")
    async with open_engine(Settings(clap="off", model_cache_dir=models.cache)) as engine:
        labels = engine.dictionaries.resolve(None)
        for path in spoken:
            result = await assess_recording(engine, read_recording(path, path.name, max_s=600), labels)
            assert result.overall.verdict == "accept", path.name
            assert not result.prompts, path.name
            assert all(voice.snr_db > 5 for voice in result.voices if voice.snr_db is not None), path.name
