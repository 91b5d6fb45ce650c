"""A session continues in another process from its checkpoint, as if unbroken."""

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from server.access.principal import Principal, Role
from server.assessment import assessment
from server.assessment.engine import Engine
from server.assessment.window_log import WindowLog
from server.dictionaries import Dictionaries
from server.errors import SnapshotError
from server.live.checkpoint import VERSION, CheckpointStore, MemoryCheckpoints, SessionCheckpoint
from server.live.checkpointing import restore_session
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.model.acoustic import summarise
from server.scoring.service import ScoringService
from server.stream.core import StreamCore
from tests.fakes import BytesCheckpoints, FakeClock, FakeDetector, FakeMos, FakeScorer
from tests.live.patient import RATE, Doctor, Patient, chunks, noise

STORES: dict[str, Callable[[], CheckpointStore]] = {"memory": MemoryCheckpoints, "bytes": BytesCheckpoints}
"""Every implementation of the port passes the tests that ask for ``store``."""


@pytest.fixture(params=list(STORES))
def store(request: pytest.FixtureRequest) -> CheckpointStore:
    return STORES[request.param]()


@asynccontextmanager
async def process(
    dictionaries: Dictionaries, store: CheckpointStore, clock: FakeClock
) -> AsyncIterator[SessionManager]:
    """A server that shares nothing with others but the store. It is left without a drain, as if the power went."""
    async with open_engine(dictionaries) as engine:
        manager = SessionManager(engine, LiveLimits(), clock, checkpoints=store)
        await manager.__aenter__()
        yield manager


@asynccontextmanager
async def open_engine(dictionaries: Dictionaries) -> AsyncIterator[Engine]:
    async with ScoringService([FakeScorer()], FakeMos()) as service:
        yield Engine(
            service=service,
            dictionaries=dictionaries,
            make_core=lambda audio: StreamCore(audio, FakeDetector()),
            restore_core=lambda snapshot: StreamCore.restore(snapshot, FakeDetector()),
            summarise=summarise,
            scorer_names=service.scorer_names,
            clap=None,
            basic_mode=True,
            vad="fake",
            version="0",
        )


async def power_cut(patient: Patient) -> None:
    patient.done.cancel()
    with pytest.raises(BaseException):  # noqa: B017, PT011 - cancelled
        await patient.done


def ticket(started: dict[str, Any]) -> dict[str, Any]:
    return {key: started[key] for key in ("session_id", "resume_token")}


def close(one: Any, other: Any) -> bool:
    """Equal, numbers to 1e-6."""
    match one:
        case dict():
            return one.keys() == other.keys() and all(close(value, other[key]) for key, value in one.items())
        case list():
            return len(one) == len(other) and all(close(*pair) for pair in zip(one, other, strict=True))
        case float():
            return other is not None and math.isclose(one, other, abs_tol=1e-6)
        case _:
            return bool(one == other)


async def unbroken(manager: SessionManager, pcm: bytes, **start: Any) -> dict[str, Any]:
    patient = Patient(manager)
    await patient.start(pace="fast", **start)
    for at in range(0, len(pcm), 6400):
        patient.socket.say(pcm[at : at + 6400])
    result: dict[str, Any] = (await patient.end())["result"]
    return result


@pytest.mark.parametrize("broken_at_s", [1.0, 3.5, 13.3])
async def test_a_session_goes_on_in_another_process_with_the_result_of_the_unbroken_one(
    manager: SessionManager, dictionaries: Dictionaries, store: CheckpointStore, broken_at_s: float
) -> None:
    pcm = noise(20)
    about = {"reference": "case 7", "metadata": {"bed": 3}, "language": "en", "mode": "visit"}
    expected = await unbroken(manager, pcm, **about)
    here, there = FakeClock(), FakeClock(now=7.0, wall=1000.0 + broken_at_s + 3)
    async with process(dictionaries, store, here) as first:
        patient = Patient(first, here)
        started = await patient.start(pace="fast", **about)  # a late window waits, however slow the machine
        await patient.speak_scored(pcm[: round(broken_at_s * RATE) * 2])
        updates = patient.socket.got("quality.update")
        await power_cut(patient)
    async with process(dictionaries, store, there) as second:
        patient = Patient(second, there)
        again = await patient.start(resume=ticket(started))
        assert ticket(again) == ticket(started)
        assert again["next_sample"] == max(0, (int(broken_at_s) - 10) * RATE)
        assert again["config"]["language"] == "en"
        assert again["config"]["mode"] == "visit"
        doctor = Doctor(second, started["session_id"])
        snapshot = await doctor.socket.expect("snapshot")
        assert snapshot["update"] == (updates[-1] if updates else None)
        for at in range(2 * again["next_sample"], len(pcm), 3200):
            patient.socket.say(pcm[at : at + 3200])
        await patient.updated(20 * RATE)
        seqs = [update["seq"] for update in patient.socket.got("quality.update")]
        assert seqs == list(range(len(updates) + 1, 19))
        await doctor.socket.expect("quality.update")
        assert doctor.socket.got("quality.update")[-1]["seq"] == 18
        result = (await patient.end())["result"]
    assert result.pop("id") == started["session_id"]
    expected.pop("id")
    assert close(result, expected)
    assert await store.get(started["session_id"]) is None, "a session that ended has no checkpoint"


async def test_prompts_warnings_and_labels_go_on_too(dictionaries: Dictionaries, store: CheckpointStore) -> None:
    here, there = FakeClock(), FakeClock(now=7.0, wall=1020.0)
    async with process(dictionaries, store, here) as first:
        patient = Patient(first, here)
        started = await patient.start(labels="telemedicine", capture={"source": "microphone"})
        await patient.speak_scored(noise(8, level=0.001))
        raised = await patient.socket.expect("prompt.raised")
        patient.socket.say({"type": "labels.update", "labels": [{"label": "low_background", "threshold": 0.99}]})
        changed = await patient.socket.expect("labels.updated")
        patient.socket.say({"type": "prompt.snooze", "id": raised["id"]})
        cleared = await patient.socket.expect("prompt.cleared")
        await power_cut(patient)
    async with process(dictionaries, store, there) as second:
        patient = Patient(second, there)
        again = await patient.start(resume=ticket(started))
        assert again["labels"] == changed["labels"]
        assert (await patient.socket.expect("prompt.cleared"))["id"] == cleared["id"]
        doctor = Doctor(second, started["session_id"])
        snapshot = await doctor.socket.expect("snapshot")
        assert "processing_enabled" in snapshot["warnings"]
        assert snapshot["prompts"] == []
        await power_cut(patient)


@pytest.mark.parametrize(("heard", "told"), [(bytes(2 * 4 * RATE), 1), (noise(4), 0)], ids=["silence", "sound"])
async def test_bytes_are_looked_at_until_it_is_decided_what_they_are_and_not_again(
    dictionaries: Dictionaries, store: CheckpointStore, heard: bytes, told: int
) -> None:
    """Silence decides nothing, two seconds of sound do."""
    async with process(dictionaries, store, FakeClock()) as first:
        patient = Patient(first)
        started = await patient.start(pace="fast")
        await patient.speak_scored(heard)
        await power_cut(patient)
    async with process(dictionaries, store, FakeClock()) as second:
        patient = Patient(second)
        await patient.start(resume=ticket(started))
        for chunk in chunks(heard + b"OggS" + noise(2)):
            patient.socket.say(chunk)
        await patient.end()
        codes = [one["code"] for one in patient.socket.got("warning")]
    assert codes.count("not_what_was_declared") == told


async def test_the_time_of_a_session_goes_on_too(dictionaries: Dictionaries, store: CheckpointStore) -> None:
    here, there = FakeClock(), FakeClock(now=7.0, wall=1000.0 + 7150)
    async with process(dictionaries, store, here) as first:
        patient = Patient(first, here)
        started = await patient.start()
        patient.socket.say({"type": "audio.pause"})
        for _ in range(11):
            await here.advance(640)
            for second_of_noise in range(4):
                patient.socket.say(noise(1, seed=second_of_noise))
            patient.socket.say({"type": "audio.pause"})
            await patient.taken()
        patient.socket.say({"type": "prompt.snooze", "id": "speak_up"})
        await patient.taken()
        await power_cut(patient)
    async with process(dictionaries, store, there) as second:
        patient = Patient(second, there)
        await patient.start(resume=ticket(started))
        assert (await patient.socket.expect("warning"))["code"] == "expiring"
        await there.advance(51)
        ended = await patient.socket.expect("session.ended")
        assert ended["reason"] == "expired", "two hours in both processes together"


async def begun(dictionaries: Dictionaries, store: CheckpointStore) -> dict[str, Any]:
    """``session.started`` of a session whose process is gone."""
    clock = FakeClock()
    async with process(dictionaries, store, clock) as first:
        patient = Patient(first, clock)
        started = await patient.start()
        await patient.speak_scored(noise(4))
        await power_cut(patient)
    return started


@pytest.mark.parametrize("change", [{"session_id": "f" * 32}, {"resume_token": "guess"}, {"resume_token": ""}])
async def test_without_id_and_token_a_checkpoint_is_unknown(
    dictionaries: Dictionaries, store: CheckpointStore, change: dict[str, str]
) -> None:
    started = await begun(dictionaries, store)
    async with process(dictionaries, store, FakeClock()) as second:
        thief = Patient(second)
        thief.socket.say({"type": "session.start", "audio": {"sample_rate": RATE}, "resume": ticket(started) | change})
        assert await thief.closed() == 4404


async def test_another_sites_checkpoint_is_unknown(dictionaries: Dictionaries, store: CheckpointStore) -> None:
    started = await begun(dictionaries, store)
    async with process(dictionaries, store, FakeClock()) as second:
        stranger = Patient(second, principal=Principal("x", Role.ANYONE, "elsewhere"))
        stranger.socket.say({"type": "session.start", "audio": {"sample_rate": RATE}, "resume": ticket(started)})
        assert await stranger.closed() == 4404


async def test_a_checkpoint_that_does_not_fit_this_server_is_told_as_expired(
    dictionaries: Dictionaries,
) -> None:
    store = MemoryCheckpoints()
    started = await begun(dictionaries, store)
    kept = await store.get(started["session_id"])
    assert kept is not None
    broken = kept.state["assessment"] | {"version": -1}
    await store.put(started["session_id"], SessionCheckpoint(kept.core, kept.log, kept.state | {"assessment": broken}))
    async with process(dictionaries, store, FakeClock()) as second:
        patient = Patient(second)
        patient.socket.say({"type": "session.start", "audio": {"sample_rate": RATE}, "resume": ticket(started)})
        assert await patient.closed() == 4410


async def test_a_checkpoint_is_written_with_each_update_and_not_with_each_message(
    engine: Engine, clock: FakeClock
) -> None:
    store = BytesCheckpoints()
    async with SessionManager(engine, LiveLimits(), clock, checkpoints=store) as manager:
        patient = Patient(manager, clock)
        started = await patient.start()
        await patient.speak_scored(noise(12))
        assert store.puts == 1 + 10, "at the start, and with ten updates of 120 messages"
        data = store.kept[started["session_id"]]
        assert len(data) < 110_000
        assert data == (SessionCheckpoint.of_bytes(data)).to_bytes()
        await patient.end()
    assert store.kept == {}


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[1]", b'{"version": 0}', b'{"version":%d,"core":"?","log":[],"state":{}}' % VERSION]
)
def test_garbage_is_refused_as_a_checkpoint(data: bytes) -> None:
    with pytest.raises(SnapshotError):
        SessionCheckpoint.of_bytes(data)


def test_no_representation_of_a_checkpoint_shows_what_is_in_it() -> None:
    secret = SessionCheckpoint(None, WindowLog().windows(), {"assessment": {"sum": [0.123]}, "reference": "A-1"})
    assert repr(secret) == "SessionCheckpoint(passes={}, matches=())"


def test_the_version_of_a_checkpoint_rises_with_that_of_the_assessment_in_it() -> None:
    """Whoever raises one raises both, so that a session of another version is refused before it is taken."""
    assert (VERSION, assessment.VERSION) == (11, 7)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "1" + "0" * 400])
def test_a_checkpoint_with_a_number_that_is_not_finite_is_refused(number: str) -> None:
    log = f'[[["a"], [{number}]]]'
    with pytest.raises(SnapshotError):
        SessionCheckpoint.of_bytes(f'{{"version":{VERSION},"core":null,"log":{log},"state":{{}}}}'.encode())


@pytest.mark.parametrize("name", ["furthest_sample", "age_s", "failure_told_s"])
async def test_a_session_does_not_go_on_from_a_negative_number(
    dictionaries: Dictionaries, store: CheckpointStore, name: str
) -> None:
    session_id = (await begun(dictionaries, store))["session_id"]
    kept = await store.get(session_id)
    assert kept is not None
    damaged = SessionCheckpoint(kept.core, kept.log, kept.state | {name: -5})
    async with open_engine(dictionaries) as engine:
        restore_session(kept, engine, LiveLimits(), FakeClock())
        with pytest.raises(SnapshotError):
            restore_session(damaged, engine, LiveLimits(), FakeClock())


async def test_a_store_holds_the_latest_of_each_session_until_its_end(
    dictionaries: Dictionaries, store: CheckpointStore
) -> None:
    started = await begun(dictionaries, store)
    session_id = started["session_id"]
    first = await store.get(session_id)
    assert first is not None
    later = SessionCheckpoint(None, first.log, first.state | {"furthest_sample": 99})
    await store.put(session_id, later)
    await store.put("another", first)
    found = await store.get(session_id)
    assert found is not None
    assert (found.core, found.log, found.state["furthest_sample"]) == (None, first.log, 99)
    assert await store.get(session_id, "elsewhere") is None
    assert await store.get(session_id, found.site) is not None
    await store.delete(session_id)
    await store.delete(session_id)
    assert await store.get(session_id) is None
    assert await store.get("another") is not None


async def test_the_checkpoint_holds_the_latest_score_message_and_request(dictionaries: Dictionaries) -> None:
    store, here, there = MemoryCheckpoints(), FakeClock(), FakeClock(now=7.0, wall=1000.0 + 6)
    async with process(dictionaries, store, here) as first:
        patient = Patient(first, here)
        started = await patient.start(labels="telemedicine")
        await patient.speak_scored(noise(4))
        patient.socket.say({"type": "audio.gap", "samples": RATE // 10})
        await patient.socket.expect("warning")
        patient.socket.say({"type": "labels.update", "labels": "low_background"})
        await patient.socket.expect("labels.updated")
        await power_cut(patient)
    async with process(dictionaries, store, there) as second:
        patient = Patient(second, there)
        again = await patient.start(resume=ticket(started))
        assert [label["id"] for label in again["labels"]] == ["low_background"]
        doctor = Doctor(second, started["session_id"])
        assert (await doctor.socket.expect("snapshot"))["warnings"] == ["audio_gap"]
        assert (await patient.end())["result"]["source"]["duration_s"] == 4.0, "though nothing was sent again"


async def test_another_form_of_a_checkpoint_is_another_version(dictionaries: Dictionaries) -> None:
    """Whoever changes the names below raises both VERSIONs, here too, and says in CHANGELOG that sessions end."""
    store = MemoryCheckpoints()
    kept = await store.get((await begun(dictionaries, store))["session_id"])
    assert kept is not None
    assert (VERSION, sorted(kept.state)) == (
        11,
        [
            *("age_s", "assessment", "attempt_of", "declaration_decided", "failure_told_s", "furthest_sample", "id"),
            *("idle", "machine", "prompts", "resume_digest", "rules", "saved_at", "saved_now", "site", "start"),
            *("transcript", "update", "warnings"),
        ],
    )
    parts = {name: sorted(kept.state[name]) for name in ("assessment", "idle", "prompts", "warnings")}
    assert parts == {
        "assessment": [
            *("denoised", "findings", "judge", "mos", "shed", "talked", "version", "windows_replaced"),
        ],
        "idle": ["earned_s", "full_ago_s"],
        "prompts": ["board", "course", "declined", "nudges"],
        "warnings": ["clipping", "silent", "silent_since", "told_s"],
    }


async def test_who_trickles_renews_nothing_in_another_process(dictionaries: Dictionaries) -> None:
    store, here, there = MemoryCheckpoints(), FakeClock(), FakeClock(now=7.0, wall=1000.0 + 4 + 850 + 5)
    async with process(dictionaries, store, here) as first:
        patient = Patient(first, here)
        started = await patient.start()
        await patient.speak_scored(noise(4))
        patient.socket.say({"type": "audio.pause"})
        await patient.taken()
        await here.advance(850)
        patient.socket.say({"type": "prompt.snooze", "id": "speak_up"})
        await patient.taken()
        await power_cut(patient)
    async with process(dictionaries, store, there) as second:
        patient = Patient(second, there)
        await patient.start(resume=ticket(started))
        patient.socket.say({"type": "audio.pause"})
        await patient.taken()
        await there.advance(48)
        assert patient.socket.closed is None
        await there.advance(15)  # the look that is due, once a minute at least
        assert await patient.closed() == 4408
