"""Faults of a patient's socket and their consequences. The server goes on each time."""

import asyncio
import json

import numpy as np
import pytest

from server.access.principal import ANYONE
from server.access.tokens import Claim
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.live.pending import SessionTerms
from tests.fakes import FakeClock, FakeScorer, settle, until
from tests.live.patient import RATE, Patient, noise, start_message


@pytest.mark.parametrize(
    ("first", "code", "close"),
    [
        ("not JSON", "malformed_message", 4400),
        ("[1, 2]", "malformed_message", 4400),
        ('"text"', "malformed_message", 4400),
        ("{}", "malformed_message", 4400),
        ("\x00", "malformed_message", 4400),
        ('{"type": "session.begin"}', "malformed_message", 4400),
        (start_message(colour="blue"), "malformed_message", 4400),
        ({"type": "session.start"}, "malformed_message", 4400),
        (start_message(audio={"encoding": "pcm_s16le", "sample_rate": 4000}), "unsupported_sample_rate", 4400),
        (start_message(audio={"encoding": "mp3", "sample_rate": 16000}), "unsupported_encoding", 4400),
        ('{"type":"session.start","audio":{"encoding":"pcm_s16le","sample_rate":NaN}}', "malformed_message", 4400),
        (start_message(labels=[]), "invalid_labels", 4400),
        ({"type": "keepalive"}, "unexpected_message", 4400),
        ({"type": "session.end"}, "unexpected_message", 4400),
        (bytes(3200), "unexpected_message", 4400),
        (b"", "unexpected_message", 4400),
        (bytes(70_000), "frame_too_large", 1009),
        (start_message(reference="x" * 70_000), "frame_too_large", 1009),
        (start_message(resume={"session_id": "0" * 32, "resume_token": "x"}), "unknown_session", 4404),
    ],
)
async def test_every_fault_before_the_start_is_fatal(
    manager: SessionManager, first: str | bytes, code: str, close: int
) -> None:
    patient = Patient(manager)
    patient.socket.say(first)
    assert await patient.closed() == close
    assert patient.errors() == [code]
    assert manager.counts().live == manager.counts().starting == 0


async def test_socket_that_says_nothing_is_closed_after_ten_seconds(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager)
    await settle()
    await clock.advance(9.9)
    assert patient.socket.closed is None
    await clock.advance(0.2)
    assert await patient.closed() == 4408
    assert patient.errors() == ["idle_timeout"]


async def test_malformed_control_is_recoverable_until_the_fifth_in_ten_seconds(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    for message in ("nonsense", start_message(), {"type": "audio.gap"}, {"type": "labels.update", "labels": []}):
        patient.socket.say(message)
        await patient.taken()
    expected = ["malformed_message", "unexpected_message", "malformed_message", "invalid_labels"]
    await until(lambda: len(patient.errors()) == len(expected))  # labels are looked up in a thread
    assert patient.errors() == expected
    await clock.advance(10.1)
    patient.socket.say("nonsense")
    await patient.taken()
    await patient.speak(noise(0.1))
    assert patient.socket.closed is None, "the fifth came later than 10 s after the first"
    for _ in range(4):
        patient.socket.say("nonsense")
    assert await patient.closed() == 4400
    assert patient.errors()[-2:] == ["malformed_message", "too_many_faults"]
    assert patient.socket.messages[-1]["type"] == "session.ended"
    assert patient.socket.messages[-1]["reason"] == "error"


async def test_peers_words_are_not_repeated(manager: SessionManager) -> None:
    patient = Patient(manager)
    await patient.start()
    patient.socket.say(json.dumps({"type": "prompt.snooze", "id": "", "note": "Zhang San, 54"}))
    await patient.socket.expect("error")
    assert "Zhang" not in json.dumps(patient.socket.got("error"))


async def test_message_over_64_kib_is_told_and_closed(manager: SessionManager) -> None:
    patient = Patient(manager)
    await patient.start()
    patient.socket.say(bytes(64 * 1024))
    await patient.taken()
    await settle()
    assert patient.socket.closed is None, "64 KiB is allowed"
    patient.socket.say(bytes(64 * 1024 + 2))
    assert await patient.closed() == 1009
    assert patient.errors() == ["frame_too_large"]


async def test_non_finite_samples_become_a_gap_and_indices_stay(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    await patient.start(audio={"encoding": "pcm_f32le", "sample_rate": RATE})
    good = (0.1 * np.random.default_rng(3).standard_normal(RATE // 10)).astype("<f4")
    bad = good.copy()
    bad[5] = np.nan
    for number in range(40):
        patient.socket.say((bad if number == 20 else good).tobytes())
        await patient.taken()
        await clock.advance(0.1)
    assert patient.errors() == ["non_finite_samples"]
    assert "audio_gap" in [message["code"] for message in patient.socket.got("warning")]
    ended = await patient.end()
    assert ended["result"]["source"]["duration_s"] == 4.0


async def test_samples_of_a_broken_message_are_counted_also_where_it_cuts_one(manager: SessionManager) -> None:
    patient = Patient(manager)
    await patient.start(audio={"encoding": "pcm_f32le", "sample_rate": RATE}, pace="fast")
    pcm = (0.1 * np.random.default_rng(3).standard_normal(2 * RATE)).astype("<f4")
    pcm[RATE // 2] = np.nan
    for at in range(0, pcm.nbytes, 40_001):
        patient.socket.say(pcm.tobytes()[at : at + 40_001])
    ended = await patient.end()
    assert patient.errors() == ["non_finite_samples"]
    assert ended["result"]["source"]["duration_s"] == 2.0
    assert ended["result"]["unusable_spans"] == [], "a gap, not a fault of the microphone"


async def test_a_sample_that_a_gap_cuts_is_dropped_and_told(manager: SessionManager) -> None:
    patient = Patient(manager)
    await patient.start(pace="fast")
    patient.socket.say(noise(1) + b"\x01")
    patient.socket.say({"type": "audio.gap", "samples": RATE})
    patient.socket.say(noise(1))
    ended = await patient.end()
    assert patient.errors() == ["odd_length"]
    assert ended["result"]["source"]["duration_s"] == 3.0


async def test_sample_cut_between_messages_is_put_together_again(manager: SessionManager, clock: FakeClock) -> None:
    pcm = noise(4)
    whole, cut = Patient(manager, clock), Patient(manager, clock)
    for patient, size in ((whole, 3200), (cut, 3201)):
        await patient.start(pace="fast")
        for at in range(0, len(pcm), size):
            patient.socket.say(pcm[at : at + size])
    results = [(await patient.end())["result"]["windows"] for patient in (whole, cut)]
    assert results[0] == results[1]
    assert cut.errors() == []


async def test_odd_total_is_told_and_the_result_still_comes(manager: SessionManager) -> None:
    patient = Patient(manager)
    await patient.start()
    patient.socket.say(noise(1) + b"\x01")
    ended = await patient.end()
    assert patient.errors() == ["odd_length"]
    assert ended["result"]["source"]["duration_s"] == 1.0
    assert patient.socket.closed == (1000, "client")


async def test_no_audio_for_a_minute_ends_the_session_with_its_result(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    await patient.speak(noise(1))
    for _ in range(5):
        await clock.advance(10)
        patient.socket.say({"type": "keepalive"})
    await settle()
    assert patient.socket.closed is None
    await clock.advance(10)
    assert await patient.closed() == 4408
    assert patient.errors() == ["idle_timeout"]
    assert patient.socket.got("session.ended")[0]["reason"] == "idle"


async def test_what_is_only_declared_lost_keeps_no_session(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    for _ in range(2):
        await clock.advance(29)
        patient.socket.say({"type": "audio.gap", "samples": 29 * RATE})
        await patient.taken()
    await clock.advance(3)
    assert await patient.closed() == 4408
    assert patient.errors() == ["idle_timeout"]


async def test_who_comes_back_again_and_again_without_a_word_ends_as_idle(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    started = await patient.start()
    ticket = {key: started[key] for key in ("session_id", "resume_token")}
    held_s = 0
    for _ in range(25):
        patient.socket.say(b"\0\0")
        await patient.taken()
        await clock.advance(50)
        held_s += 50
        if patient.socket.closed is not None:
            break
        patient.socket.vanish()
        await patient.done
        await clock.advance(5)
        patient = Patient(manager, clock)
        await patient.start(resume=ticket)
    assert await patient.closed() == 4408
    assert patient.errors()[-1] == "idle_timeout"
    assert held_s == 1000, "as long as a pause may last, and a minute"


async def test_who_begins_a_lost_link_anew_again_and_again_ends_as_idle(
    manager: SessionManager, clock: FakeClock
) -> None:
    session_id = await manager.announce(ANYONE, SessionTerms())
    for _ in range(20):
        patient = Patient(manager, clock, claim=Claim(session_id, True))
        await patient.start()
        await clock.advance(55)
        if patient.socket.closed is not None:
            break
        patient.socket.vanish()
        await patient.done
    assert await patient.closed() == 4408
    assert patient.errors() == ["idle_timeout"]


async def test_a_byte_every_twenty_seconds_ends_as_idle(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    for _ in range(3):
        patient.socket.say(b"\x00")
        await patient.taken()
        await clock.advance(20)
    await clock.advance(1)
    assert await patient.closed() == 4408
    assert patient.errors()[-1] == "idle_timeout"


async def test_silence_is_audio(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    await patient.start(labels="speech_present")
    for _ in range(8):
        patient.socket.say(bytes(RATE * 2))
        await patient.taken()
        await clock.advance(10)
    assert patient.socket.closed is None
    await patient.end()


async def test_paused_session_may_be_silent_for_a_quarter_of_an_hour(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    patient.socket.say({"type": "audio.pause"})
    await patient.taken()
    await settle()
    await clock.advance(899)
    assert patient.socket.closed is None
    await clock.advance(2)
    assert await patient.closed() == 4408


async def test_file_sent_as_if_it_were_live_is_refused(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    second = noise(1)
    for _ in range(40):
        patient.socket.say(second)
        await patient.taken()
        await clock.advance(0.1)
        if patient.socket.closed:
            break
    assert await patient.closed() == 4429
    assert patient.errors() == ["faster_than_real_time"]
    assert patient.socket.got("session.ended")[0]["reason"] == "faster_than_real_time"


async def test_burst_of_twenty_seconds_after_a_stall_is_allowed(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    for _ in range(19):
        patient.socket.say(noise(1))
    await patient.taken()
    await patient.speak(noise(12))
    assert patient.socket.closed is None
    await patient.end()


async def test_peer_that_reads_nothing_is_dropped_and_can_resume(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    patient.socket.reads = False
    await patient.speak(noise(9.9))
    await clock.advance(1)
    assert patient.done.done(), "a message that takes over 10 s to send ends the socket"
    assert manager.counts().waiting == 1


@pytest.mark.parametrize("limits", [LiveLimits(outbox=20)])
async def test_control_messages_that_nobody_reads_do_not_pile_up(manager: SessionManager) -> None:
    patient = Patient(manager)
    await patient.start()
    patient.socket.reads = False
    for _ in range(50):
        patient.socket.say({"type": "audio.pause"})
        patient.socket.say({"type": "audio.resume"})
    await settle()
    patient.socket.reads = True
    await settle()
    assert await patient.closed() == 1011
    assert len(patient.socket.got("labels.updated")) <= 1


async def test_fault_of_ours_closes_1011_and_the_session_can_resume(
    manager: SessionManager, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = Patient(manager)
    await patient.start()

    def broken(*_: object) -> list[object]:
        raise ZeroDivisionError

    monkeypatch.setattr("server.stream.core.StreamCore.take_pcm", broken)
    patient.socket.say(noise(0.2))
    assert await patient.closed() == 1011
    assert patient.errors() == ["internal"]
    assert "ZeroDivisionError" in caplog.text
    assert manager.counts().waiting == 1


async def test_one_broken_session_leaves_the_others_alone(
    manager: SessionManager, clock: FakeClock, scorer: FakeScorer
) -> None:
    well, ill = Patient(manager), Patient(manager)
    await well.start()
    await ill.start()
    for chunk in range(5):
        well.socket.say(noise(1, seed=chunk))
        ill.socket.say("nonsense")
    assert await ill.closed() == 4400
    await well.updated(5 * RATE)
    assert (await well.end())["reason"] == "client"


async def test_empty_messages_do_not_count_as_audio(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    patient.socket.say({"type": "audio.pause"})
    patient.socket.say(b"")
    await patient.taken()
    patient.socket.say({"type": "audio.resume"})
    await patient.socket.expect("session.state", 2)
    assert [message["state"] for message in patient.socket.got("session.state")] == ["paused", "live"]
    for _ in range(12):
        patient.socket.say(b"")
        await patient.taken()
        await clock.advance(5)
    assert await patient.closed() == 4408


async def test_a_flood_of_messages_does_not_block_other_sessions(manager: SessionManager) -> None:
    patient = Patient(manager)
    await patient.start(pace="fast")
    for _ in range(500):
        patient.socket.say(bytes(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert patient.socket.unread > 400
    await patient.taken()
    await patient.end()


async def test_the_first_message_is_measured_in_bytes(manager: SessionManager) -> None:
    patient = Patient(manager)
    patient.socket.say(json.dumps({"type": "keepalive", "x": "听" * 22_000}, ensure_ascii=False))
    assert await patient.closed() == 1009
