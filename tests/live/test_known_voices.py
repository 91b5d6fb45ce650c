"""The voice of the microphone check is the patient's in the visit that follows."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from server.access.keys import digest_of
from server.access.principal import ANYONE
from server.assessment.checked_voices import KEEP_S, MOST, CheckedVoices
from server.assessment.engine import Engine
from server.live.checkpoint import MemoryCheckpoints, SessionCheckpoint
from server.live.checkpointing import restore_session
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.live.newcomers import started_message
from server.scoring.service import ScoringService
from server.scoring.talking import Talk, TalkRequest
from server.values.voices import KnownVoice
from tests.fakes import FakeClock, FakeMos, FakeScorer, FakeTalkers
from tests.live.patient import RATE, Patient, to_s16

LOUD, SOFT = 0.8, 0.4


class ByLoudness(FakeTalkers):
    """Talker 1 is loud, talker 2 soft, and who is neither is nobody."""

    def talk(self, request: TalkRequest) -> Talk:
        rows = np.abs(request.pcm[: request.pcm.shape[0] // 160 * 160].reshape(-1, 160)).max(axis=1)
        number = np.select([rows > 0.6, rows > 0.2], [1, 2], 0).repeat(160)
        return super().talk(replace(request, pcm=number.astype(np.float32)))


@pytest.fixture
async def engine(engine: Engine) -> AsyncIterator[Engine]:
    async with ScoringService([FakeScorer()], FakeMos(), None, ByLoudness()) as service:
        yield replace(engine, service=service, scorer_names=service.scorer_names, checked_voices=CheckedVoices())


def speech(level: float, seconds: float) -> bytes:
    return to_s16(level * np.sin(np.arange(round(seconds * RATE)) * 2 * np.pi * 200 / RATE))


async def check(manager: SessionManager, clock: FakeClock, level: float = SOFT, **more: Any) -> dict[str, str]:
    """A session of one voice that its patient ends; what names it."""
    patient = Patient(manager, clock)
    started = await patient.start(**({"keep_voice": True} | more))
    await patient.speak_scored(speech(level, 6))
    await patient.end()
    return {key: started[key] for key in ("session_id", "resume_token")}


async def visit(manager: SessionManager, clock: FakeClock, *, site: str = ANYONE.site, **more: Any) -> tuple[Any, Any]:
    """The loud one speaks for 12 s, the soft one for 4 s: what was said of the check, and levels of the patient."""
    patient = Patient(manager, clock, principal=replace(ANYONE, site=site))
    started = await patient.start(mode="visit", **more)
    await patient.speak_scored(speech(LOUD, 12) + speech(SOFT, 4))
    ended = await patient.end()
    seconds = {voice["role"]: voice["speech_s"] for voice in ended["result"]["voices"]}
    return started["config"]["voice"], seconds


async def test_who_made_the_check_is_the_patient_however_little_they_say(
    manager: SessionManager, clock: FakeClock
) -> None:
    state, seconds = await visit(manager, clock, voice_of=await check(manager, clock))
    assert state == "known"
    assert seconds["patient"] == pytest.approx(4, abs=0.1)
    assert seconds["other"] == pytest.approx(12, abs=0.1)


async def test_without_a_check_who_says_most_is_the_patient(manager: SessionManager, clock: FakeClock) -> None:
    await check(manager, clock)
    state, seconds = await visit(manager, clock)
    assert state is None
    assert seconds["patient"] == pytest.approx(12, abs=0.1)


@pytest.mark.parametrize("fault", ["token", "session", "site", "late", "not asked for"])
async def test_a_check_that_is_not_ones_own_or_is_gone_changes_nothing(
    manager: SessionManager, clock: FakeClock, fault: str
) -> None:
    known = await check(manager, clock, keep_voice=fault != "not asked for")
    if fault == "late":
        await clock.advance(KEEP_S)
    known |= {"token": {"resume_token": "x"}, "session": {"session_id": "x"}}.get(fault, {})
    state, seconds = await visit(manager, clock, site="elsewhere" if fault == "site" else ANYONE.site, voice_of=known)
    assert state == "unknown"
    assert seconds["patient"] == pytest.approx(12, abs=0.1)


async def test_a_patient_who_sounds_different_now_is_found_after_half_a_minute(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    await patient.start(mode="visit", voice_of=await check(manager, clock))
    await patient.speak_scored(speech(LOUD, 22))
    assert [voice["role"] for voice in patient.socket.got("quality.update")[-1]["voices"]] == ["other"]
    await patient.speak_scored(speech(LOUD, 15), 22)
    assert [voice["role"] for voice in patient.socket.got("quality.update")[-1]["voices"]] == ["patient"]


async def test_a_visit_that_goes_on_elsewhere_still_knows_and_its_checkpoint_names_no_check(
    manager: SessionManager, clock: FakeClock, checkpoints: MemoryCheckpoints, engine: Engine, limits: LiveLimits
) -> None:
    known = await check(manager, clock)
    patient = Patient(manager, clock)
    started = await patient.start(mode="visit", voice_of=known)
    await patient.speak_scored(speech(LOUD, 6))
    kept = await checkpoints.get(started["session_id"])
    assert kept is not None
    assert known["resume_token"] not in repr(kept.state)
    assert known["session_id"] not in repr(kept.state)
    restored = restore_session(SessionCheckpoint.of_bytes(kept.to_bytes()), engine, limits, clock)
    assert restored.assessment.knows_patient
    assert started_message(restored, 0).config.voice == "known"
    await patient.end()


async def test_a_voice_that_nobody_comes_for_is_forgotten_in_time(
    manager: SessionManager, clock: FakeClock, engine: Engine
) -> None:
    await check(manager, clock)
    await clock.advance(KEEP_S - 60)
    assert len(engine.checked_voices) == 1
    await clock.advance(62)
    assert len(engine.checked_voices) == 0


def test_a_voice_is_forgotten_with_its_session_and_at_its_own_site_alone() -> None:
    voices, one = CheckedVoices(), KnownVoice(np.ones(1, np.float32), 5.0)
    voices.keep("check", "here", digest_of("token"), one, now=0.0)
    voices.forget("check", "elsewhere")
    assert len(voices) == 1
    voices.forget("check", "here")
    assert len(voices) == 0


def test_voices_are_bounded_and_the_oldest_goes() -> None:
    voices, one = CheckedVoices(), KnownVoice(np.ones(1, np.float32), 5.0)
    for number in range(MOST + 1):
        voices.keep(str(number), "here", digest_of("token"), one, now=number / 100)
    assert voices.find("0", "here", digest_of("token"), 30.0) is None
    assert voices.find("1", "here", digest_of("token"), 30.0) is one
    voices.keep("last", "here", digest_of("token"), one, now=1e6)
    assert voices.find("1", "here", digest_of("token"), 30.0) is None
