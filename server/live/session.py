"""One patient's session: what is known of it and sent about it. It outlives its sockets and does no I/O itself."""

import asyncio
import logging
import secrets
from collections.abc import Iterable
from enum import Enum
from typing import Any, SupportsBytes, assert_never

from pydantic import BaseModel

from server.access.keys import digest_of
from server.assessment.assessment import Assessment
from server.assessment.engine import Engine, HeardAudio
from server.assessment.updates import Assessed
from server.errors import ShedError
from server.judge.judgement import PromptEvent
from server.judge.labels import LabelSet
from server.live.clock import Clock
from server.live.guards import ChangeGuard, IdleGuard
from server.live.hub import Hub
from server.live.limits import LiveLimits
from server.live.messages import capture_of, error_message, format_of, kind_of
from server.live.nudges import sendable
from server.live.outbox import Audience, Outbox
from server.live.pending import SessionTerms
from server.live.prompting import Prompting
from server.live.rules import RuleWatch
from server.live.transcript import SessionTranscript
from server.live.warnings import WarningWatch
from server.logs import LOGGED_ID, lines_about
from server.rendering import wire
from server.scoring.ports import Priority
from server.stream.declared import DeclarationCheck, Guess
from server.values.audio import Pace
from server.values.mode import Mode
from server.wire.client import LabelsField, SessionStart, requested
from server.wire.server import EndReason, LabelsUpdated, QualityUpdate, SessionStateMessage, WarningCode, WarningMessage

log = logging.getLogger(__name__)

DEFAULT_LANGUAGE = "zh-CN"
FAILURE_AGAIN_S = 10.0
"""A scorer that fails with every window is reported at once and then every 10 s."""

LONG_WINDOWS = 120
"""Up to this size a result takes less than 20 ms."""


class Phase(Enum):
    """``DETACHED``: the connection broke, and the session waits for its patient."""

    LIVE = "live"
    PAUSED = "paused"
    DETACHED = "reconnecting"
    ENDED = "ended"


class Session:
    """Created by an accepted ``session.start``. Attach an outbox while a socket serves it; ``end`` comes last."""

    def __init__(
        self,
        engine: Engine,
        limits: LiveLimits,
        clock: Clock,
        start: SessionStart,
        *,
        session_id: str,
        site: str,
        labels: LabelSet,
        terms: SessionTerms | None = None,
    ) -> None:
        """``labels``: what ``start`` asks for, resolved. ``terms``: of an announced session; ``start`` has them.

        ``unheard``: the patient has sent nothing since ``session.started``, and may not have got it.
        ``came_back``: with the resume token. ``moved``: the session goes on in another process. ``left``: its patient
        closed or left the page.
        """
        self.id = session_id
        self.site = site
        self.know_by(secrets.token_urlsafe(32))
        self.terms = terms or SessionTerms()
        self.unheard = True
        self.came_back = False
        self.moved = self.left = False
        self.changes = ChangeGuard(clock.now())
        self.idle = IdleGuard(clock.now(), limits.idle_s, limits.pause_s)
        self.engine = engine
        self.started_at = clock.now()
        self.began = clock.wall_time()
        self.audio = format_of(start)
        self.pace = Pace(start.pace)
        self.phase = Phase.LIVE
        self.hub = Hub()
        self.core: SupportsBytes | None = None
        self.heard: HeardAudio | None = None
        self.furthest_sample = 0
        self.start = start
        self.limits = limits
        self.clock = clock
        self._since = clock.now()
        self.assessment = Assessment(engine, labels, capture_of(start), **self.manner())
        self.transcript = SessionTranscript(
            lambda said: self.tell(said, key=said.type, to="observers"), clock, lambda: self.assessment
        )
        self.declaration = DeclarationCheck(self.audio)
        self.rules = RuleWatch()
        self.warnings = WarningWatch(capture_of(start), self.audio.sample_rate)
        self._outbox: Outbox | None = None
        self.update: QualityUpdate | None = None
        self.prompts = Prompting(self.tell, clock, engine.metrics.prompt_raised)
        self.failure_told: float | None = None

    def know_by(self, resume_token: str) -> None:
        """Who has this token may come back. Only its digest leaves the process."""
        self.resume_token = resume_token
        self.resume_digest = digest_of(resume_token)

    def manner(self) -> dict[str, Any]:
        """The terms under which this session is assessed."""
        return {
            "mode": Mode(self.start.mode),
            "priority": Priority.FILE if self.fast else Priority.LIVE,
            "wait_for_mos": self.fast,
        }

    @property
    def long(self) -> bool:
        """True if building the result would delay the chunks of other sessions."""
        return len(self.assessment.log) > LONG_WINDOWS

    @property
    def language(self) -> str:
        """As requested, or the default."""
        return self.start.language or DEFAULT_LANGUAGE

    @property
    def fast(self) -> bool:
        """Whether audio may come faster than real time."""
        return self.pace is Pace.FAST

    # -- state

    def inherit(self, former: "Session", gone_s: float) -> None:
        """Take the place of ``former``, in which nothing was said: its observers watch this one from now on.
        ``gone_s``: for how long it had no socket."""
        former._move(Phase.ENDED, "its patient begins anew")
        self.hub = former.hub
        self.idle = former.idle
        self.idle.came_back(self.clock.now(), gone_s)

    def attach(self, outbox: Outbox) -> None:
        """A patient's socket is there: the first one, or a new one after a break."""
        if self.phase is Phase.DETACHED:
            self.engine.metrics.session_resumed()
            self._move(Phase.LIVE, "the patient is back")  # the patient's own first message is session.started
        else:
            self.engine.metrics.session_began(self.start.mode, self.pace.value)
            self._log("started", f"pace {self.pace.value}, {self.audio.sample_rate} Hz")
        self._outbox = outbox

    def detach(self, heard: HeardAudio, why: str) -> None:
        """The socket is gone. What it heard stays; its core does not."""
        self._outbox = None
        self.heard = heard
        self.furthest_sample = max(self.furthest_sample, heard.samples)
        self._move(Phase.DETACHED, why)

    def pause(self, paused: bool) -> None:
        """While paused no audio is expected, and the idle limit does not run."""
        if paused:
            self._move(Phase.PAUSED, "the patient paused")
        else:
            self._move(Phase.LIVE, "the patient goes on")

    def end(self, reason: EndReason, ended: str | None) -> None:
        """The session is over; observers get ``ended``, the message as JSON, and are closed. ``None``: no result."""
        self.engine.metrics.session_ended(reason)
        if ended is not None:
            self.hub.publish(ended, "session.ended")
        self._move(Phase.ENDED, reason)
        self.hub.close()

    def leave(self) -> None:
        """The session goes on in another process: observers are sent away to find it there."""
        self.moved = True
        self._move(Phase.ENDED, "it goes on in another process")
        self.hub.close()

    def _move(self, phase: Phase, why: str) -> None:
        assert self.phase is not Phase.ENDED, f"an ended session cannot become {phase.value}"
        if phase is self.phase:
            return
        self._log({Phase.LIVE: "resumed", Phase.DETACHED: "detached"}.get(phase, phase.value), why)
        self.phase = phase
        self._since = self.clock.now()
        match phase:
            case Phase.LIVE | Phase.PAUSED | Phase.DETACHED:
                self.left = self.left and phase is Phase.DETACHED
                self.tell(SessionStateMessage(state=phase.value, left=self.left))
            case Phase.ENDED:
                self.assessment.close()
                self._outbox = None
            case _:
                assert_never(phase)

    def _log(self, became: str, why: str) -> None:
        """One line for each transition, without anything that a peer wrote."""
        now = self.clock.now()
        with lines_about(self.id):  # who says so may be a timer or a drain, which are about no session
            log.info(
                "session %s %s: %s (%s for %.1f s, %.1f s in all)",
                self.id[:LOGGED_ID],
                became,
                why,
                self.phase.value,
                now - self._since,
                now - self.started_at,
            )

    # -- sending

    def tell(
        self, message: BaseModel, *, key: str | None = None, to: Audience = "everyone", keep: bool = False
    ) -> None:
        """Write the message once, and send it to the patient's socket and to the observers.

        ``key``: only the latest matters; ``keep``: the patient must get each one nevertheless.
        """
        to_patient = self._outbox is not None and to != "observers"
        if not to_patient and (to == "patient" or not len(self.hub)):
            return
        text = message.model_dump_json()
        if to_patient and self._outbox is not None:
            self._outbox.put(text, None if keep else key)
        if to != "patient":
            self.hub.publish(text, key or kind_of(message))

    def warn(self, codes: list[WarningCode]) -> None:
        """Tell the patient and all observers, one message per code."""
        for code in codes:
            self.tell(WarningMessage(code=code))

    def misdeclared(self, guess: Guess) -> None:
        """The bytes are not what was declared: the integrator and the observers are told, the patient is asked
        nothing."""
        for code in self.warnings.misdeclared(self.clock.now()):
            self.tell(WarningMessage(code=code, guess=guess.value))
            self.prompts.take_back()

    def judged(self, assessed: Assessed, *, due: float, core: SupportsBytes | None, received: int, keep: bool) -> None:
        """A window is done. ``due``: clock time from which its lag counts; ``core``: the core's snapshot then;
        ``received``: samples it has taken by now; ``keep``: the update must reach the patient even if newer ones
        follow."""
        now = self.clock.now()
        lag_ms = 1000 * (now - due)
        self.engine.metrics.update_sent(now - due, "lossless" if keep else "realtime")
        if core is not None:
            self.core = core
        self.furthest_sample = max(self.furthest_sample, received)
        self.update = wire.quality_update(assessed.update, lag_ms)
        self.tell(self.update, key=self.update.type, keep=keep)
        self.tell_prompts(assessed.prompts)
        self.prompts.window_judged(self.update, assessed.prompts, self.assessment.labels)
        if not keep:
            self.warn(self.warnings.scored(lag_ms, now))
        failures = [failure for failure in assessed.failures if not isinstance(failure, ShedError)]
        if failures and (self.failure_told is None or now - self.failure_told >= FAILURE_AGAIN_S):
            self.failure_told = now
            self.tell(error_message(failures[0]), to="patient")

    def tell_prompts(self, events: Iterable[PromptEvent]) -> None:
        """What the listener asks. Samples that were read wrongly raise no prompt."""
        if not self.warnings.wrong_samples:  # what was up was cleared then
            self.prompts.listener(events)

    def snooze(self, prompt_id: str) -> None:
        """Do not raise this prompt again in this visit."""
        self.tell_prompts(self.assessment.snooze(prompt_id))
        self.prompts.stop(prompt_id)

    async def change_labels(self, asked: LabelsField) -> None:
        """From the next window on. Raises LabelQueryError."""
        labels = await asyncio.to_thread(self.engine.dictionaries.resolve, requested(asked))
        self.start = self.start.model_copy(update={"labels": asked})
        self.assessment.change_labels(labels)
        self.tell(
            LabelsUpdated(
                labels=wire.session_labels(labels),
                notices=wire.notices(self.assessment.label_notices(labels)),
                sendable=sendable(labels),
            )
        )
