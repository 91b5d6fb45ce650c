"""One patient's session: what is known and told of it. It outlives its sockets, and does no input or output itself."""

import secrets
from collections.abc import Iterable
from enum import Enum
from typing import Literal, assert_never

from pydantic import BaseModel

from server.assessment.assessment import Assessment
from server.assessment.conclusion import build_result
from server.assessment.engine import Engine, HeardAudio
from server.assessment.result import Identity
from server.assessment.updates import Assessed
from server.judge.judgement import PromptEvent
from server.judge.labels import LabelSet
from server.live.clock import Clock
from server.live.hub import Hub
from server.live.limits import LiveLimits
from server.live.messages import error_message, kind_of
from server.live.outbox import Outbox
from server.live.warnings import WarningWatch
from server.rendering import wire
from server.rendering.results import result_model
from server.scoring.ports import Priority
from server.values.audio import AudioFormat, Capture, CaptureSource, Encoding, Pace
from server.wire.client import SessionStart
from server.wire.server import (
    AppliedConfig,
    EndReason,
    LabelsUpdated,
    PromptClearedMessage,
    PromptRaisedMessage,
    QualityUpdate,
    SessionEnded,
    SessionStarted,
    SessionStateMessage,
    Snapshot,
    WarningCode,
    WarningMessage,
)

DEFAULT_LANGUAGE = "zh-CN"
FAILURE_AGAIN_S = 10.0
"""A scorer that fails with every window is reported at the first and then every 10 s."""

LONG_WINDOWS = 120
"""Up to here a result takes less than 20 ms."""

Audience = Literal["everyone", "patient", "observers"]


class Phase(Enum):
    """``DETACHED``: the line broke, and the session waits for its patient."""

    LIVE = "live"
    PAUSED = "paused"
    DETACHED = "reconnecting"
    ENDED = "ended"


class Session:
    """Created by an accepted ``session.start``. Attach an outbox while a socket serves it; ``end`` comes last."""

    def __init__(self, engine: Engine, limits: LiveLimits, clock: Clock, start: SessionStart, labels: LabelSet) -> None:
        self.id = secrets.token_hex(16)
        self.resume_token = secrets.token_urlsafe(32)
        self.engine = engine
        self.started_at = clock.now()
        self.audio = AudioFormat(Encoding(start.audio.encoding), start.audio.sample_rate)
        self.pace = Pace(start.pace)
        self.phase = Phase.LIVE
        self.hub = Hub()
        self.checkpoint: bytes | None = None
        self.heard: HeardAudio | None = None
        self.furthest_sample = 0
        self._start = start
        self._limits = limits
        self._clock = clock
        capture = Capture(
            source=CaptureSource(start.capture.source),
            echo_cancellation=start.capture.echoCancellation,
            noise_suppression=start.capture.noiseSuppression,
            auto_gain_control=start.capture.autoGainControl,
        )
        fast = self.pace is Pace.FAST
        self.assessment = Assessment(
            engine, labels, capture, priority=Priority.FILE if fast else Priority.LIVE, wait_for_mos=fast
        )
        self.warnings = WarningWatch(capture, self.audio.sample_rate)
        self._outbox: Outbox | None = None
        self._update: QualityUpdate | None = None
        self._prompts: dict[str, PromptRaisedMessage] = {}
        self._taken_back: dict[str, PromptClearedMessage] = {}
        self._failure_told: float | None = None

    @property
    def long(self) -> bool:
        """True where the result is too long to be put together between two chunks of the other sessions."""
        return len(self.assessment.log) > LONG_WINDOWS

    @property
    def fast(self) -> bool:
        return self.pace is Pace.FAST

    # -- state

    def attach(self, outbox: Outbox) -> None:
        self._move(Phase.LIVE)  # told to the observers alone: the patient's first message is session.started
        self._outbox = outbox

    def detach(self, heard: HeardAudio) -> None:
        """The socket is gone. What it heard stays, its core does not."""
        self._outbox = None
        self.heard = heard
        self.furthest_sample = max(self.furthest_sample, heard.samples)
        self._move(Phase.DETACHED)

    def pause(self, paused: bool) -> None:
        self._move(Phase.PAUSED if paused else Phase.LIVE)

    def _move(self, phase: Phase) -> None:
        assert self.phase is not Phase.ENDED, f"an ended session cannot become {phase.value}"
        if phase is self.phase:
            return
        self.phase = phase
        match phase:
            case Phase.LIVE | Phase.PAUSED | Phase.DETACHED:
                self.tell(SessionStateMessage(state=phase.value))
            case Phase.ENDED:
                self.assessment.close()
                self._outbox = None
            case _:
                assert_never(phase)

    def ended(self, reason: EndReason, heard: HeardAudio) -> str:
        """``session.ended`` with the result so far, as JSON. Changes nothing; long sessions take a while."""
        identity = Identity(
            id=self.id,
            kind="session",
            reference=self._start.reference,
            metadata=self._start.metadata,
        )
        result = build_result(self.assessment, heard, identity)
        return SessionEnded(reason=reason, result=result_model(result)).model_dump_json()

    def end(self, text: str | None) -> None:
        """The session is over; observers get ``text``, which is ``ended``, and are closed. ``None``: no result."""
        if text is not None:
            self.hub.publish(text, "session.ended")
        self._move(Phase.ENDED)
        self.hub.close()

    # -- what happens, told

    def tell(
        self, message: BaseModel, *, key: str | None = None, keep: bool = False, to: Audience = "everyone"
    ) -> None:
        """Send to the patient's socket and to the observers, serialised once. ``key``: only the latest matters, to the
        patient too unless ``keep``."""
        to_patient = self._outbox is not None and to != "observers"
        if not to_patient and (to == "patient" or not len(self.hub)):
            return
        text = message.model_dump_json()
        if to_patient and self._outbox is not None:
            self._outbox.put(text, None if keep else key)
        if to != "patient":
            self.hub.publish(text, key or kind_of(message))

    def warn(self, codes: list[WarningCode]) -> None:
        for code in codes:
            self.tell(WarningMessage(code=code))

    def judged(self, assessed: Assessed, *, arrived: float, checkpoint: bytes | None, keep: bool) -> None:
        """A window is done. ``keep``: its update must reach the patient even if newer ones follow."""
        now = self._clock.now()
        lag_ms = 1000 * (now - arrived)
        if checkpoint is not None:
            self.checkpoint = checkpoint
        self._update = wire.quality_update(assessed.update, lag_ms)
        self.tell(self._update, key=self._update.type, keep=keep)
        self.tell_prompts(assessed.prompts)
        if not keep:
            self.warn(self.warnings.scored(lag_ms, now))
        if assessed.failures and (self._failure_told is None or now - self._failure_told >= FAILURE_AGAIN_S):
            self._failure_told = now
            self.tell(error_message(assessed.failures[0]), to="patient")

    def tell_prompts(self, events: Iterable[PromptEvent]) -> None:
        """What is meant for the doctor is not shown to the patient."""
        for event in events:
            message = wire.prompt_event(event)
            if isinstance(message, PromptRaisedMessage):
                self._prompts[message.id] = message
            else:
                self._prompts.pop(message.id, None)
                if message.audience == "patient":
                    self._taken_back[message.id] = message
            self.tell(message, to="observers" if message.audience == "doctor" else "everyone")

    def recall_prompts(self) -> None:
        """After a resume, for what the broken line swallowed: each prompt as it stands now, the one that is up last."""
        up = [prompt for prompt in self._prompts.values() if prompt.audience == "patient"]
        for cleared in self._taken_back.values():
            if all(cleared.id != prompt.id for prompt in up):
                self.tell(cleared, to="patient")
        for prompt in up:
            self.tell(prompt, to="patient")

    def change_labels(self, labels: LabelSet) -> None:
        self.assessment.change_labels(labels)
        self.tell(LabelsUpdated(labels=wire.session_labels(labels), notices=wire.notices(labels)))

    # -- the whole of it, for who comes new

    def started(self, next_sample: int) -> SessionStarted:
        return SessionStarted(
            session_id=self.id,
            resume_token=self.resume_token,
            next_sample=next_sample,
            config=AppliedConfig(
                pace=self.pace.value,
                audio=self._start.audio,
                capture=self._start.capture,
                language=self.language,
                vad=self.engine.vad,
            ),
            limits=self._limits.on_wire(),
            labels=wire.session_labels(self.assessment.labels_asked_for),
            scorers=list(self.engine.scorer_names),
            basic_mode=self.engine.basic_mode,
            notices=wire.notices(self.assessment.labels_asked_for),
        )

    @property
    def language(self) -> str:
        return self._start.language or DEFAULT_LANGUAGE

    def snapshot(self) -> Snapshot:
        """Where the session stands, for an observer."""
        return Snapshot(
            session_id=self.id,
            state=self.phase.value,
            labels=wire.session_labels(self.assessment.labels_asked_for),
            scorers=list(self.engine.scorer_names),
            basic_mode=self.engine.basic_mode,
            capture=self._start.capture,
            language=self.language,
            update=self._update,
            prompts=list(self._prompts.values()),
            warnings=self.warnings.active(self._clock.now()),
            notices=wire.notices(self.assessment.labels_asked_for),
        )
