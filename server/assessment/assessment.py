"""The one path from a Window to a judged update, for live sessions and recordings alike."""

from collections.abc import Callable, Sequence
from typing import Any, Self

from server.assessment.denoised import DenoisedSeconds
from server.assessment.engine import Engine
from server.assessment.facts import window_facts
from server.assessment.findings import SoundFindings
from server.assessment.mos import LOSSLESS_WAIT_S, MosWatch
from server.assessment.nothing_judged import nothing_judged
from server.assessment.replies import judged, left_out, opinions_of, sounds_of
from server.assessment.silent_reply import SilentReply
from server.assessment.talked import TalkedStretches
from server.assessment.updates import Assessed, Update
from server.assessment.window_log import LoggedWindow, LoggedWindows, WindowLog
from server.errors import SnapshotError
from server.judge.judgement import PromptEvent
from server.judge.labels import LabelSet
from server.judge.roles import told_voices
from server.judge.said import Said
from server.judge.session import SessionJudge
from server.scoring.denoising import OF_A_DENOISER, UNKNOWN_LEVELS
from server.scoring.ports import Priority, Scored, ScoreRequest
from server.scoring.spending import counted
from server.transcript.sources import TranscriptSource, what_was_said
from server.values.audio import Capture, Float32Array
from server.values.measures import Mos
from server.values.mode import Mode
from server.values.notices import Notice
from server.values.stored import count
from server.values.voices import KnownVoice, Role, Voice
from server.values.windows import Window

LIVE_DEADLINE_S = 4.0
"""A live window without an answer by then is judged without it: the client keeps about 20 s to resume from."""
FILE_DEADLINE_S = 300.0
VERSION = 7


class Assessment:
    """Everything judged of one session or file so far. Call ``assess`` for each window in order, one at a time.

    Call ``expect`` earlier, when a window becomes ready, to start DNSMOS even if the window is then replaced. State
    changes only when a window is done: a cancelled ``assess`` leaves it unchanged.
    """

    def __init__(
        self,
        engine: Engine,
        labels: LabelSet,
        capture: Capture,
        *,
        mode: Mode = Mode.RECORDING,
        priority: Priority = Priority.FILE,
        wait_for_mos: bool = True,
        transcript: TranscriptSource | None = None,
        aggregated: bool = True,
    ) -> None:
        """``aggregated``: as of ``SessionJudge.add_window``."""
        self.engine = engine
        self.labels = labels
        self.capture = capture
        self.mode = mode
        self.judge = SessionJudge(labels, mode)
        self.log = WindowLog()
        self.findings = SoundFindings()
        self.windows_replaced = 0
        self.shed = 0
        self.unjudged = 0
        self.closing_mos: Mos | None = None
        self._priority = priority
        self.transcript = transcript
        self._sums = aggregated
        self._wait_for_mos = wait_for_mos
        self._mos = MosWatch(engine.service, priority)
        self._denoised = DenoisedSeconds(engine.service, priority)
        self._talked = TalkedStretches(engine.service, priority)
        self._silent_reply = SilentReply()
        self._next_labels: LabelSet | None = None
        self._prepared: LabelSet | None = None

    def expect(self, window: Window) -> None:
        """A window became ready. Never waits; ``assess`` calls it too."""
        self._mos.expect(window)
        self._talked.expect(window)

    async def assess(
        self, window: Window, *, wait_for_mos: bool | None = None, observed: Callable[[], bool] = lambda: False
    ) -> Assessed:
        """Score and judge one window. Never raises for a failing scorer: its labels are null, ``why: shed``.

        ``wait_for_mos`` overrides the session's rule, for windows replayed after a resume. ``observed``: whether a
        doctor watches, asked once the window is scored.
        """
        self._apply_labels()
        self.expect(window)
        if self._prepared is not self.labels:
            await self.engine.service.prepare(self.labels)
            self._prepared = self.labels
        lossless = self._wait_for_mos if wait_for_mos is None else wait_for_mos
        mos, mos_shed = await self._mos.counting(window, lossless=lossless)
        denoised, undenoised = await self._parted(window)
        together = await self._talked.settle(window)
        request = ScoreRequest(window, self.labels, self.capture, mos, mos_shed, denoised, together)
        scored = await self._silent_reply.scored(
            request, lambda: self.engine.service.score(request, self._priority, self._deadline_s)
        )
        with counted():
            return self._judge(request, scored, undenoised=undenoised, observed=observed())

    async def _parted(self, window: Window) -> tuple[Float32Array, bool]:
        """As ``DenoisedSeconds.of``; nothing where no label reads it."""
        if not any(self.labels.reads(measure, self.capture.basis) for measure in OF_A_DENOISER):
            self._denoised.inference_s = 0.0
            return UNKNOWN_LEVELS, False
        return await self._denoised.of(window)

    @property
    def _deadline_s(self) -> float:
        return LIVE_DEADLINE_S if self._priority is Priority.LIVE else FILE_DEADLINE_S

    def _judge(self, request: ScoreRequest, scored: Sequence[Scored], *, undenoised: bool, observed: bool) -> Assessed:
        measures, opinions, recent = opinions_of(request, scored)
        voices = self._hear_voices()
        facts = window_facts(request.window, measures, request.denoised)
        interference, events = sounds_of(scored)
        judgement = self.judge.add_window(
            facts, opinions, recent, interference, observed=observed, aggregated=self._sums
        )
        self.findings.add(judgement.interference, events, facts)
        failures = tuple(one.failure for one in scored if one.failure is not None)
        without = left_out(scored, mos=request.mos_shed, voices=self._talked.missed, denoiser=undenoised)
        self.shed += bool(without)
        self.log.append(LoggedWindow.of(facts, judgement.labels, measures))
        latest = self.findings.latest_events()
        update = Update.of(len(self.log), facts, judgement, measures, latest, voices)
        return Assessed(
            update,
            tuple(judgement.prompts),
            failures,
            max((one.queue_s for one in scored), default=0.0),
            self._denoised.inference_s + max((one.inference_s for one in scored), default=0.0),
            request.denoised,
            request.together,
            without,
            judged(scored),
        )

    def _hear_voices(self) -> tuple[Voice, ...]:
        voices = self.voices()
        self.judge.hear(voices, self._talked.until_s)
        return voices

    def voices(self) -> tuple[Voice, ...]:
        """Whose voices were heard so far; none without the talker models."""
        return told_voices(self._talked.book.tracks, processed=self.capture.processed, visit=self.mode is Mode.VISIT)

    def know_patient(self, voice: KnownVoice) -> None:
        """The patient's voice from a check before; call it before the first window."""
        self._talked.book.know(voice)

    @property
    def knows_patient(self) -> bool:
        """Whether the patient's voice was known before."""
        return any(track.known for track in self._talked.book.tracks)

    def patients_voice(self) -> KnownVoice | None:
        """As known by now, for a visit that follows."""
        number = next((one.id[1:] for one in self.voices() if one.role is Role.PATIENT), None)
        return None if number is None else self._talked.book.voice_of(int(number))

    def snooze(self, prompt_id: str) -> list[PromptEvent]:
        """Clear the prompt and do not raise it again; no effect for an unknown id."""
        return list(self.judge.snooze(prompt_id))

    def change_labels(self, labels: LabelSet) -> None:
        """From the next window on; a window being scored is judged by the labels it was scored for."""
        self._next_labels = labels

    @property
    def labels_asked_for(self) -> LabelSet:
        """Those of the next window: ``labels``, unless ``change_labels`` was called since the last one."""
        return self._next_labels or self.labels

    def _apply_labels(self) -> None:
        if self._next_labels is not None:
            self.labels, self._next_labels = self._next_labels, None
            self.judge.change_labels(self.labels)

    async def conclude(self, within_s: float = LOSSLESS_WAIT_S) -> None:
        """After the last window: judge a short recording with the DNSMOS that came too late for its windows.

        Then ask for the result.
        """
        self._apply_labels()
        await self._talked.conclude()
        self._hear_voices()
        if self.closing_mos is not None:
            return
        self.closing_mos = await self._mos.closing(within_s)
        if self.closing_mos is not None and self._mos.longest is not None:
            await self._settle(self._mos.longest, self.closing_mos)

    async def _settle(self, window: Window, mos: Mos) -> None:
        """Let ``window`` with ``mos`` decide, unless a scorer fails: then the windows decide as they were judged."""
        denoised, _ = await self._parted(window)
        together = self._talked.together(window)
        request = ScoreRequest(window, self.labels, self.capture, mos, denoised=denoised, together=together)
        scored = await self.engine.service.score(request, self._priority, self._deadline_s)
        if any(one.reply is None for one in scored):
            return
        measures, opinions, _ = opinions_of(request, scored)
        self.judge.settle(window_facts(window, measures), opinions)

    def said(self, end_s: float) -> dict[str, Said] | None:
        """What was said so far, by label id; ``None`` without a transcript."""
        if self.transcript is None:
            return None
        topics = self.engine.dictionaries.topics
        return what_was_said(self.transcript, topics, self.labels, end_s, self.voices_of_lines())

    def voices_of_lines(self) -> tuple[Voice, ...]:
        """Of whom lines without a speaker are: in a recording who speaks most may be the doctor."""
        return self.voices() if self.mode is Mode.VISIT else ()

    def notices(self, end_s: float) -> list[Notice]:
        """What the caller should know about the labels, and about the transcript if there is one."""
        return [*self.label_notices(self.labels), *(self.transcript.notices(end_s) if self.transcript else ())]

    def label_notices(self, labels: LabelSet) -> list[Notice]:
        """How a request for ``labels`` was read, and whether anything of it can be judged."""
        transcribed = self.transcript is not None
        return [*labels.notices, *nothing_judged(labels, clap=not self.engine.basic_mode, transcribed=transcribed)]

    def close(self) -> None:
        """Release audio and pending requests. The judgement stays."""
        self._mos.close()
        self._talked.close()

    def snapshot(self, *, log: bool = True) -> dict[str, Any]:
        """JSON-able and versioned, without capture, mode, labels (``labels_asked_for``), transcript: pass these again.

        ``log`` False leaves out the log, which grows with every window: a caller that keeps ``log.windows()`` adds it.
        """
        return ({"log": self.log.snapshot()} if log else {}) | {
            "version": VERSION,
            "judge": self._judge_to_come().snapshot(),
            "findings": self.findings.snapshot(),
            "mos": self._mos.snapshot(),
            "denoised": self._denoised.snapshot(),
            "talked": self._talked.snapshot(),
            "windows_replaced": self.windows_replaced,
            "shed": self.shed,
        }

    def _judge_to_come(self) -> SessionJudge:
        """The judgement as the next window will find it, so that a pending change of labels is not lost."""
        if self._next_labels is None:
            return self.judge
        judge = SessionJudge.restore(self.judge.snapshot(), self.labels, self.mode)
        judge.change_labels(self._next_labels)
        return judge

    @classmethod
    def restore(
        cls,
        state: dict[str, Any],
        engine: Engine,
        labels: LabelSet,
        capture: Capture,
        *,
        mode: Mode = Mode.RECORDING,
        priority: Priority = Priority.FILE,
        wait_for_mos: bool = True,
        transcript: TranscriptSource | None = None,
    ) -> Self:
        """Continue from ``snapshot``. ``transcript`` keeps its own state and is passed anew.

        The ``log`` in ``state`` is as in the snapshot, or LoggedWindows. Raises SnapshotError for another version.
        """
        if state.get("version") != VERSION:
            raise SnapshotError(f"This snapshot has version {state.get('version')!r}; this server reads {VERSION}.")
        restored = cls(
            engine, labels, capture, mode=mode, priority=priority, wait_for_mos=wait_for_mos, transcript=transcript
        )
        restored.judge = SessionJudge.restore(state["judge"], labels, mode)
        log = state["log"]
        if isinstance(log, LoggedWindows):
            restored.log = WindowLog.of(log)
        else:
            restored.log.restore(log)
        restored.findings.restore(state["findings"])
        restored._mos.restore(state["mos"])
        restored._denoised.restore(state["denoised"])
        restored._talked.restore(state["talked"])
        restored._hear_voices()
        restored.windows_replaced = count(state["windows_replaced"])
        restored.shed = count(state["shed"])
        return restored
