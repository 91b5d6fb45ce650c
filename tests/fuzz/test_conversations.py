"""Random conversations with a real server: nothing that a peer does is an error in the log, a hang, a message that the
protocol does not have, or an end that it does not name. The suite has a few, always the same; ``make fuzz`` new ones.
"""

import asyncio
import json
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.app import open_keys
from server.settings import Settings
from tests.api.client import http, start
from tests.api.conftest import Served
from tests.api.conftest import start as serve
from tests.fuzz.line import DEADLINE_S, Line, Log

EXAMPLES = os.environ.get("TINGQING_FUZZ_EXAMPLES")
"""How many new conversations; unset: a few, always the same."""

FINISH_S = 300.0
GAP_S = 30
"""Longest loss, at 96 kHz: each second of it is judged."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
TYPES = st.sampled_from(
    [
        *["session.start", "audio.pause", "audio.resume", "audio.gap", "far_end", "transcript", "labels.update"],
        *["prompt.snooze", "keepalive", "prompt.send", "prompt.mute", "quality.update", "session.started"],
    ]
)
FIELDS = st.sampled_from(["samples", "labels", "id", "speaking", "segments", "audio", "resume", "metadata", "x"])
GARBAGE = st.one_of(
    st.text(max_size=200),
    st.binary(max_size=64),
    JSON.map(json.dumps),
    st.builds(lambda kind, more: json.dumps(more | {"type": kind}), TYPES, st.dictionaries(FIELDS, JSON, max_size=3)),
    st.integers(1, 400).map(lambda depth: "[" * depth + "]" * depth),
)
LABELS = st.sampled_from(["telemedicine", "low_background, clear_voice", "a dog barks", "", "狗叫", "x" * 300, "，"])
PROMPTS = st.sampled_from(["move_somewhere_quieter", "speak_up", "no_such_prompt", ""])
STARTS = st.fixed_dictionaries(
    {
        "rate": st.sampled_from([8_000, 16_000, 44_100, 48_000, 96_000]),
        "pace": st.sampled_from(["fast", "realtime"]),
        "mode": st.sampled_from(["recording", "visit"]),
    },
    optional={
        "labels": LABELS,
        "language": st.sampled_from(["zh-CN", "en", "xx", ""]),
        "reference": st.text(max_size=10),
        "metadata": st.dictionaries(st.text(max_size=5), JSON, max_size=2),
    },
)


@dataclass(frozen=True)
class Keyed:
    served: Served
    key: str
    other_key: str
    """Of another site."""


class Conversation(RuleBasedStateMachine):
    """A patient who begins, breaks off, comes back and begins twice; a doctor; a stranger.

    Every rule may be drawn at any time: what is open depends on how fast the server answers, and must not decide what
    hypothesis draws. A rule that needs a socket or a session opens one.
    """

    keyed: Keyed
    log: Log

    def __init__(self) -> None:
        super().__init__()
        self.log.records.clear()
        self.line: Line | None = None
        self.observer: Line | None = None
        self.session: dict[str, Any] | None = None
        self.announced: dict[str, Any] | None = None

    def _open(self, first: str | bytes, *, token: str | None = None) -> None:
        if self.line is not None:
            self.line.close()
        key = self.keyed.key if token is None else None
        self.line = Line(f"{self.keyed.served.ws}/v1/stream", key=key, token=token)
        self.line.begin(first)
        self._heard()

    def _connected(self) -> Line:
        if self.line is None:
            self._open(start())
        # Somebody may be refused: then the socket is closed, and answers nothing.
        return self.line or Line(f"{self.keyed.served.ws}/v1/stream", key=self.keyed.key)

    def _begun(self) -> dict[str, Any]:
        if self.session is None:
            self._open(start())
        assert self.session is not None
        return self.session

    def _speak(self, *messages: str | bytes) -> None:
        self.line = self._connected()
        self.line.say(*messages)
        self._heard()

    def _send(self, kind: str, **fields: Any) -> None:
        self._speak(json.dumps(fields | {"type": kind}))

    def _heard(self) -> None:
        assert self.line is not None
        self.session = self.line.started or self.session
        if self.line.closed is not None:
            self.line.close()
            self.line = None

    @rule(fields=STARTS)
    def begin(self, fields: dict[str, Any]) -> None:
        self._open(start(**fields))

    @rule(first=GARBAGE)
    def begin_with_garbage(self, first: str | bytes) -> None:
        self._open(first)

    @rule(mode=st.sampled_from(["recording", "visit"]))
    def announce(self, mode: str) -> None:
        self._announce(mode)

    def _announce(self, mode: str) -> None:
        headers = {"Authorization": f"Bearer {self.keyed.key}"}
        answer = http.post(f"{self.keyed.served.url}/v1/sessions", json={"mode": mode}, headers=headers)
        if answer.status_code != 503:
            self.announced = answer.raise_for_status().json()

    @rule(which=st.sampled_from(["publish_token", "observe_token", "nudge_token", "id"]))
    def begin_with_a_token(self, which: str) -> None:
        if self.announced is None:
            self._announce("visit")
        self._open(start(), token=(self.announced or {which: "none"})[which])

    @rule(right=st.booleans(), fields=STARTS)
    def come_back(self, right: bool, fields: dict[str, Any]) -> None:
        """Also while the former line is still open: the new one wins."""
        session = self._begun()
        former, self.line = self.line, None
        token = session["resume_token"] if right else "0" * len(session["resume_token"])
        self._open(start(**fields, resume={"session_id": session["session_id"], "resume_token": token}))
        if former is not None:
            former.say()
            former.close()

    @rule(pcm=st.binary(max_size=3_000), repeat=st.integers(1, 12), cuts=st.lists(st.integers(0, 9_000), max_size=4))
    def send_audio(self, pcm: bytes, repeat: int, cuts: list[int]) -> None:
        sound = pcm * repeat
        edges = [0, *sorted(min(cut, len(sound)) for cut in cuts), len(sound)]
        self._speak(*(sound[begin:end] for begin, end in pairwise(edges)))

    @rule(size=st.sampled_from([65_535, 65_536, 65_537]))
    def send_much(self, size: int) -> None:
        self._speak(bytes(size))

    @rule(samples=st.sampled_from([1, 7, 160, 16_000, 8_000 * GAP_S]))
    def lose(self, samples: int) -> None:
        self._send("audio.gap", samples=samples)

    @rule(kind=st.sampled_from(["audio.pause", "audio.resume", "keepalive", "session.end"]))
    def control(self, kind: str) -> None:
        self._send(kind)

    @rule(speaking=st.booleans())
    def far_end(self, speaking: bool) -> None:
        self._send("far_end", speaking=speaking)

    @rule(labels=LABELS)
    def relabel(self, labels: str) -> None:
        self._send("labels.update", labels=labels)

    @rule(prompt=PROMPTS)
    def not_now(self, prompt: str) -> None:
        self._send("prompt.snooze", id=prompt)

    @rule(text=st.text(max_size=40), speaker=st.sampled_from(["patient", "doctor"]))
    def transcript(self, text: str, speaker: str) -> None:
        segment = {"id": "1", "text": text, "start_s": 0, "end_s": 1, "final": True, "speaker": speaker}
        self._send("transcript", segments=[segment])

    @rule(message=GARBAGE)
    def garbage(self, message: str | bytes) -> None:
        self._speak(message)

    @rule(cut=st.integers(0, 21))
    def in_pieces(self, cut: int) -> None:
        self.line = self._connected()
        self.line.say_in_pieces('{"type":"keepalive"}', cut)
        self._heard()

    @rule(brutally=st.booleans())
    def break_off(self, brutally: bool) -> None:
        line, self.line = self._connected(), None
        if brutally:
            line.reset()
        else:
            line.close()

    @rule(message=st.none() | GARBAGE, key=st.sampled_from(["key", "other_key"]))
    def observe(self, message: str | bytes | None, key: str) -> None:
        self._watch(key).say(*([] if message is None else [message]))

    def _watch(self, key: str) -> Line:
        session = self._begun()
        if self.observer is not None:
            self.observer.close()
        url = f"{self.keyed.served.ws}/v1/sessions/{session['session_id']}/observe"
        self.observer = Line(url, key=getattr(self.keyed, key))
        return self.observer

    @rule(kind=st.sampled_from(["prompt.send", "prompt.mute"]), prompt=PROMPTS)
    def nudge(self, kind: str, prompt: str) -> None:
        observer = self.observer or self._watch("key")
        observer.say(json.dumps({"type": kind, "id": prompt}))

    def teardown(self) -> None:
        until = time.monotonic() + FINISH_S
        if self.line is not None:
            self.line.finish(lambda: time.monotonic() > until)
            assert self.line.closed is not None, "the session does not end"
        for one in (self.line, self.observer):
            if one is not None:
                one.close()
        http.get(f"{self.keyed.served.url}/healthz", timeout=DEADLINE_S).raise_for_status()
        assert not self.log.records, self.log.records


@pytest.fixture(scope="module")
def log() -> Iterator[Log]:
    handler = Log()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.fixture(scope="module")
def keyed(log: Log, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    data = tmp_path_factory.mktemp("data")

    async def create(site: str) -> str:
        async with open_keys(Settings(data_dir=data)) as store:
            return (await create_key(store, site, Role.INTEGRATOR, utc_now()))[0]

    keys = [asyncio.run(create(site)) for site in ("ward-3", "ward-4")]
    running = serve(drain_s=0.0, data_dir=data, max_sessions=2_000, mos=False, requests_per_minute=1_000_000)
    yield Keyed(running, *keys)
    running.stop()
    assert not log.records, log.records


@pytest.mark.timeout(0 if EXAMPLES else 600)
def test_no_conversation_is_an_error_a_hang_or_an_unknown_end(keyed: Keyed, log: Log) -> None:
    Conversation.keyed, Conversation.log = keyed, log
    run_state_machine_as_test(
        Conversation,
        settings=settings(
            max_examples=int(EXAMPLES or 12),
            stateful_step_count=20,
            derandomize=EXAMPLES is None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    counts = keyed.served.services.manager.counts()
    assert counts.starting == 0
