"""What was said, live: who is told, what is judged by it, and what is refused."""

import asyncio
import threading
from typing import Any

import pytest
from pydantic import ValidationError

from server.access.principal import ANYONE, Principal, Role
from server.dictionaries import Dictionaries
from server.errors import TooManyChangesError
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.live.pending import SessionTerms
from server.live.transcribing import MOST
from server.transcript.live import LiveTranscript
from server.transcript.sources import content_topics
from server.wire.transcript import Segment, TranscriptBody
from tests.fakes import FakeClock, FakeTransport, settle, until
from tests.live.patient import Doctor, Patient, noise

PLACE = "pain_location"


@pytest.fixture(autouse=True)
def known(dictionaries: Dictionaries) -> None:
    """The matcher is built before a test waits for what it finds."""
    dictionaries.matcher(frozenset(content_topics(dictionaries.resolve(None)).values()))


def segment(name: str = "1", text: str = "我肚子疼", start_s: float = 1.0, **more: Any) -> dict[str, Any]:
    return {"id": name, "text": text, "start_s": start_s, "end_s": start_s + 1.0, "final": True, **more}


def message(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"type": "transcript", "segments": list(segments or (segment(),))}


class Service:
    """One socket to ``/v1/sessions/{id}/transcribe``."""

    def __init__(self, manager: SessionManager, session_id: str, principal: Principal = ANYONE) -> None:
        self.socket = FakeTransport()
        self.noted: list[str] = []

        async def noted(session_id: str) -> None:
            self.noted.append(session_id)

        self.done = asyncio.create_task(manager.transcribing.run(self.socket, principal, session_id, noted=noted))

    async def closed(self) -> int:
        await asyncio.wait_for(self.done, 60)
        assert self.socket.closed is not None
        return self.socket.closed[0]

    def errors(self) -> list[str]:
        return [one["error"]["code"] for one in self.socket.got("error")]


async def begun(manager: SessionManager, clock: FakeClock, **start: Any) -> tuple[Patient, str]:
    patient = Patient(manager, clock)
    return patient, (await patient.start(**start))["session_id"]


async def test_observers_are_told_what_was_said_the_patient_is_not_and_the_result_has_it(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient, session_id = await begun(manager, clock)
    doctor, service = Doctor(manager, session_id), Service(manager, session_id)
    snapshot = await doctor.socket.expect("snapshot")
    assert snapshot["said"] is None
    service.socket.say(message())
    said = await doctor.socket.expect("said")
    assert said["labels"][PLACE]["state"] == "stated"
    assert said["labels"][PLACE]["heard_at_s"] == 1.0
    assert PLACE not in said["missing"]
    assert "symptom_duration" in said["missing"]
    assert "肚子" not in str(said)
    late = Doctor(manager, session_id)
    assert (await late.socket.expect("snapshot"))["said"] == {key: said[key] for key in said}
    await patient.speak_scored(noise(4))
    result = (await patient.end())["result"]
    assert result["labels"][PLACE]["state"] == "stated"
    assert result["labels"][PLACE]["score"] > 0.7
    assert "symptom_duration" in result["not_heard"]
    assert "transcript" in result["model"]["scorers"]
    assert patient.socket.got("said") == []
    assert await service.closed() == 1000
    assert service.noted == [session_id]


async def test_the_patients_own_socket_may_hand_it_over_and_only_changes_are_told(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient, session_id = await begun(manager, clock)
    doctor = Doctor(manager, session_id)
    await doctor.socket.expect("snapshot")
    patient.socket.say(message(segment(final=False)))
    patient.socket.say(message(segment("0", "你好", 0.0)))
    first = await doctor.socket.expect("said")
    assert first["labels"][PLACE]["state"] == "not_heard", "what is not final is not judged"
    patient.socket.say(message(segment("0", "您好", 0.0)))
    patient.socket.say(message(segment("1", "我肚子疼")))
    await until(lambda: len(doctor.socket.got("said")) == 2)
    assert doctor.socket.got("said")[1]["labels"][PLACE]["state"] == "stated"
    patient.socket.say(message(segment("1", "我肚子不疼")))
    await until(lambda: len(doctor.socket.got("said")) == 3)
    assert doctor.socket.got("said")[2]["labels"][PLACE]["state"] != "stated"
    assert patient.errors() == []


async def test_a_session_that_is_unknown_elsewhere_not_begun_or_over_takes_nothing(
    manager: SessionManager, clock: FakeClock
) -> None:
    announced = await manager.announce(ANYONE, SessionTerms())
    assert await Service(manager, announced).closed() == 4503
    assert await Service(manager, "0" * 32).closed() == 4404
    patient, session_id = await begun(manager, clock)
    stranger = Principal("stranger", Role.INTEGRATOR, "elsewhere")
    assert await Service(manager, session_id, stranger).closed() == 4404
    await patient.speak_scored(noise(4))
    await patient.end()
    assert await Service(manager, session_id).closed() == 4410


async def test_faults_are_told_and_the_fifth_in_ten_seconds_ends_the_socket(
    manager: SessionManager, clock: FakeClock
) -> None:
    _, session_id = await begun(manager, clock)
    service = Service(manager, session_id)
    for fault in (
        {"type": "nonsense"},
        {"type": "session.end"},
        b"audio",
        message(segment(text="x" * 2001)),
        {"type": "transcript", "segments": []},
    ):
        service.socket.say(fault)
    assert await service.closed() == 4400
    assert service.errors() == [
        "malformed_message", "unexpected_message", "unexpected_message", "malformed_message", "malformed_message",
        "too_many_faults",
    ]  # fmt: skip
    huge = Service(manager, session_id)
    huge.socket.say("x" * 70_000)
    assert await huge.closed() == 1009


async def test_too_many_messages_are_refused_and_cost_no_fault(manager: SessionManager, clock: FakeClock) -> None:
    _, session_id = await begun(manager, clock)
    service = Service(manager, session_id)
    for number in range(60):
        service.socket.say(message(segment(str(number), "嗯", float(number), final=False)))
    await until(lambda: service.socket.unread == 0)
    await settle()
    assert set(service.errors()) == {"too_many_changes"}
    assert service.socket.closed is None
    assert service.socket.got("error")[0]["error"]["retry_after_s"] > 0


async def test_too_much_text_for_its_time_is_refused_and_then_taken_again(
    manager: SessionManager, clock: FakeClock
) -> None:
    _, session_id = await begun(manager, clock)

    async def hear(number: int) -> None:
        few = [Segment.model_validate(segment(f"{number}-{part}", "嗯" * 2000, float(part))) for part in range(5)]
        await manager.transcribing.hear(session_id, "local", TranscriptBody(segments=few).model_dump_json())

    await hear(0)
    with pytest.raises(TooManyChangesError) as refused:
        await hear(1)
    assert refused.value.retry_after_s
    await clock.advance(refused.value.retry_after_s + 0.1)
    await hear(2)
    with pytest.raises(ValidationError):
        TranscriptBody(segments=[Segment.model_validate(segment(str(part), "嗯" * 2000)) for part in range(6)])


async def test_the_patients_audio_does_not_wait_for_what_was_said(
    manager: SessionManager, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient, session_id = await begun(manager, clock)
    reached, go_on = threading.Event(), threading.Event()
    take = LiveTranscript.take

    def slow(self: LiveTranscript, *given: Any) -> None:
        reached.set()
        assert go_on.wait(60)
        take(self, *given)

    monkeypatch.setattr(LiveTranscript, "take", slow)
    try:
        patient.socket.say(message())
        await until(reached.is_set)
        await patient.speak_scored(noise(4))
        entry = manager._registry.running(session_id, "local")
        assert entry is not None
        assert entry.session.transcript.said is None
        patient.socket.say(message(segment("2", "肚子疼了三天了", 3.0)))
        ending = asyncio.create_task(patient.end())
        await settle()
        assert not ending.done(), "the end waits for what was said before it"
    finally:
        go_on.set()
    labels = (await ending)["result"]["labels"]
    assert labels[PLACE]["state"] == "stated"
    assert labels["symptom_duration"]["state"] == "stated"


async def test_what_was_acknowledged_is_in_the_checkpoint_and_a_session_that_ends_gets_none(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient, session_id = await begun(manager, clock)
    store = manager._registry._checkpoints
    body = TranscriptBody(segments=[Segment.model_validate(segment())]).model_dump_json()
    await manager.transcribing.hear(session_id, "local", body)
    kept = await store.get(session_id)
    assert kept is not None
    assert kept.state["transcript"]["said"].labels[PLACE].state == "stated"
    entry = manager._registry.running(session_id, "local")
    assert entry is not None
    await patient.speak_scored(noise(4))
    await patient.end()
    await manager._registry.save(entry.session)
    assert await store.get(session_id) is None


async def test_those_who_wait_at_once_are_saved_together(manager: SessionManager, clock: FakeClock) -> None:
    _, session_id = await begun(manager, clock)
    entry = manager._registry.running(session_id, "local")
    assert entry is not None
    saved = 0

    async def save() -> None:
        nonlocal saved
        saved += 1
        await until(lambda: transcript._heard == 20)

    transcript = entry.session.transcript
    said = [[Segment.model_validate(segment(str(number), "嗯", float(number)))] for number in range(20)]
    await asyncio.gather(*(transcript.hear(one, save) for one in said))
    assert saved == 2


async def test_who_is_cut_off_leaves_the_turn_only_when_its_thread_is_done(
    manager: SessionManager, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, session_id = await begun(manager, clock)
    reached, go_on, together, most = threading.Event(), threading.Event(), 0, 0
    take = LiveTranscript.take

    def slow(self: LiveTranscript, *given: Any) -> None:
        nonlocal together, most
        together += 1
        most = max(most, together)
        reached.set()
        assert go_on.wait(60)
        take(self, *given)
        together -= 1

    monkeypatch.setattr(LiveTranscript, "take", slow)
    body = TranscriptBody(segments=[Segment.model_validate(segment())]).model_dump_json()
    first = asyncio.create_task(manager.transcribing.hear(session_id, "local", body))
    await until(reached.is_set)
    first.cancel()
    second = asyncio.create_task(manager.transcribing.hear(session_id, "local", body))
    await settle()
    go_on.set()
    await asyncio.wait({first, second})
    assert (first.cancelled(), second.exception(), most) == (True, None, 1)


async def test_a_session_has_a_few_places_for_services(manager: SessionManager, clock: FakeClock) -> None:
    _, session_id = await begun(manager, clock)
    services = [Service(manager, session_id) for _ in range(MOST)]
    await until(lambda: all(one.noted for one in services))
    assert await Service(manager, session_id).closed() == 4503
    services[0].socket.vanish()
    await services[0].done
    last = Service(manager, session_id)
    await until(lambda: bool(last.noted))


async def test_what_was_said_goes_on_in_another_process_without_its_text(
    manager: SessionManager, clock: FakeClock
) -> None:
    from server.live.checkpointing import checkpoint_of, restore_session

    patient, session_id = await begun(manager, clock)
    body = TranscriptBody(segments=[Segment.model_validate(segment())]).model_dump_json()
    await manager.transcribing.hear(session_id, "local", body)
    entry = manager._registry.running(session_id, "local")
    assert entry is not None
    checkpoint = checkpoint_of(entry.session)
    assert "肚子".encode() not in checkpoint.to_bytes()
    again = restore_session(type(checkpoint).of_bytes(checkpoint.to_bytes()), entry.session.engine, LiveLimits(), clock)
    assert again.transcript.said == entry.session.transcript.said
    said = again.assessment.said(10.0)
    assert said is not None
    assert said[PLACE].state == "stated"
    await patient.end()
