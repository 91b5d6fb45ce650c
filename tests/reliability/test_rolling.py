"""One process is replaced by another while patients speak: no sound is lost, and no result."""

import asyncio
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import soundfile

from server.client.pcm_source import PcmSource
from server.client.sample_visit import sample_visit
from server.client.stream_client import Lost, StreamClient, stream_url
from server.wire.client import SessionStart
from server.wire.server import QualityUpdate, ServerMessage
from server.wire.started import SessionStarted
from tests.reliability.caller import RATE, same, start_message
from tests.reliability.switch import Switch
from tests.reliability.test_restart import serving

PATIENTS = 3
SPEECH_S = 15
SPOKEN_S = 6
HELD_BYTES = 2 * RATE * 8


class Speaker:
    """One of our own clients with a recording of its own."""

    def __init__(self, folder: Path, number: int) -> None:
        self.path = folder / f"{number}.wav"
        soundfile.write(self.path, sample_visit()[number * 2 * RATE :][: SPEECH_S * RATE], RATE, subtype="PCM_16")
        self.judged = asyncio.Event()
        self.started: list[SessionStarted] = []
        self.losses: list[str] = []

    def _hear(self, _text: str, message: ServerMessage) -> None:
        if isinstance(message, SessionStarted):
            self.started.append(message)
        if isinstance(message, QualityUpdate) and message.window.end_s >= SPOKEN_S:
            self.judged.set()

    def _lost(self, lost: Lost) -> None:
        self.losses.append(lost.reason)

    async def result(self, port: int) -> dict[str, Any]:
        """Over as many connections as it takes."""
        start = SessionStart.model_validate(start_message())
        with PcmSource(self.path, 100) as source:
            client = StreamClient(stream_url(f"ws://127.0.0.1:{port}"), start, source, self._hear, self._lost)
            ended = await client.run()
        assert ended.reason == "client"
        result: dict[str, Any] = json.loads(ended.result.model_dump_json())
        return result


async def results(speakers: Sequence[Speaker], port: int) -> list[dict[str, Any]]:
    return await asyncio.gather(*(speaker.result(port) for speaker in speakers))


async def test_a_rolling_restart_under_load_loses_no_sound_and_no_result(tmp_path: Path) -> None:
    data, sound = tmp_path / "data", tmp_path / "sound"
    sound.mkdir()
    first, second = await asyncio.gather(serving(data, "--drain-s", "600"), serving(data))
    with first, second:
        expected = await results([Speaker(sound, number) for number in range(PATIENTS)], second.port)
        speakers = [Speaker(sound, number) for number in range(PATIENTS)]
        async with Switch(first.port, HELD_BYTES).running() as switch, asyncio.timeout(200):
            speaking = asyncio.create_task(results(speakers, switch.address))
            await asyncio.gather(*(speaker.judged.wait() for speaker in speakers))
            switch.release()
            switch.port = second.port
            first.process.send_signal(signal.SIGTERM)
            found = await speaking
        code, _ = await asyncio.to_thread(first.stop, None)
        assert code == 0, "with nobody left it does not wait for --drain-s"
    for speaker, result, whole in zip(speakers, found, expected, strict=True):
        begun, resumed = speaker.started
        assert resumed.session_id == begun.session_id
        assert speaker.losses == ["the server stops"]
        assert result["source"]["duration_s"] == SPEECH_S
        assert same(result, whole)


async def test_patients_wait_through_a_restart_of_the_only_process(tmp_path: Path) -> None:
    data, sound = tmp_path / "data", tmp_path / "sound"
    sound.mkdir()
    speaker = Speaker(sound, 0)
    with await serving(data, "--drain-s", "600") as first:
        async with Switch(first.port, HELD_BYTES).running() as switch:
            speaking = asyncio.create_task(speaker.result(switch.address))
            await speaker.judged.wait()
            switch.release()
            first.process.send_signal(signal.SIGTERM)
            code, _ = await asyncio.to_thread(first.stop, None)
            assert code == 0
            switch.port = None
            with await serving(data) as second:
                switch.port = second.port
                async with asyncio.timeout(200):
                    found = await speaking
                assert same(found, await Speaker(sound, 0).result(second.port))
    assert len(speaker.losses) > 1
