"""Whether what is heard may be the other party of a visit, from the loudspeaker, instead of the patient.

Nobody says when the other party speaks, unless the far end is told. Its voice shows by contrast: it echoes where the
patient's does not, it is suddenly much fainter, or it goes on, unlike a steady noise, where the patient falls silent.
None of that is believed of the patient until it has lasted for longer than a turn (docs/decisions/0016).
"""

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from server.judge.judgement import LatestSound, WindowFacts
from server.judge.labels import Label, LabelSet
from server.judge.troubles import INTELLIGIBLE, LOW_BACKGROUND
from server.values.scores import LabelScore, Why
from server.values.stored import amount, amounts, count, number
from server.values.windows import RECENT_S

LOW_REVERBERATION, CLOSE_ENOUGH = "low_reverberation", "close_enough"

ECHOES_FOR_S, FAINT_FOR_S, SOUNDS_FOR_S = 20.0, 20.0, 20.0
"""Seconds of speech (of sound, for the last) after which a change is the patient's own: 95 % of the doctor's turns in
made visits have less than 21 s of speech."""
VERY_FAINT, VERY_FAINT_FOR_S = 0.4, 12.0
"""Score under which a voice is so faint that words are lost: it is believed sooner."""
UNKNOWN_ROOM_S = 8.0
"""Seconds of speech after which echo is believed if the patient was never heard without, or if it is the talker's own
voice that comes back: most turns of the other party are shorter."""
KNOWN_AFTER_S = 3.0
"""Seconds of speech that make known how the patient sounds."""
DRY = 0.9
"""Score for the echo from which a voice is dry."""

NEAR_DB = 5.0
"""Seconds within this of the usual level are the usual voice; phrases of one talker end 8 dB lower and more."""
USUAL_SHARE = 0.2
"""The usual level is that which the loudest fifth of the seconds exceeds: in phrases there are many softer ones."""
LEAST_STEPS, STEP_DB, STEPS_SHARE, LARGEST_STEP, RISE_DB, REACHED_DB = 3, 1.0, 0.66, 0.6, 2.0, 3.0
"""Who walks away fades over several seconds: most of them are softer than the one before, none holds most of the fall,
and none rises by more than 2 dB, until the lowest level is reached. Another voice is fainter at once, and stays so."""
REMEMBERED = 12
"""Levels of the last seconds of speech that are kept."""

SWINGS_DB = 7.0
"""A voice moves over more than this within 2 s (99 % of what came from loudspeakers over 13 dB, in rooms that echo for
a second 7.6 dB and more); fans, hum, rain and most wind do not, machines and traffic often do."""
SPEAKS, FELL_SILENT_S = 0.3, 2
"""Share of a second that is speech, and for how many seconds the patient may have been silent before the other party
takes over."""
OVER_ROOM_DB = 12.0
OWN_SPEECH_S = 2.5
"""Seconds of speech, without echo, that show that the patient speaks beside the sound."""


@dataclass(slots=True)
class Echo:
    """``dry``, ``echoing``: seconds of speech heard dry so far, and with an echo since. ``dry_since``: seconds heard
    dry since the last echo."""

    dry: float = 0.0
    echoing: float = 0.0
    dry_since: float = 0.0

    def doubted(self, label: Label, score: LabelScore, speech_s: float) -> bool:
        """Take one window; whether its echo may be the other party's."""
        if score.score is None:
            return False
        if score.score >= DRY:
            self.dry, self.dry_since = self.dry + speech_s, self.dry_since + speech_s
            # A window in which noise hides the echo is not the end of it.
            if self.dry_since >= KNOWN_AFTER_S:
                self.echoing = 0.0
        if score.score >= label.threshold:
            return False
        self.echoing, self.dry_since = self.echoing + speech_s, 0.0
        # A cause is no room: the talker's own voice, which comes back as soon as a loudspeaker is on.
        contradicts = self.dry >= KNOWN_AFTER_S and score.cause is None
        if self.echoing < (ECHOES_FOR_S if contradicts else UNKNOWN_ROOM_S):
            return True
        self.dry = 0.0
        return False


@dataclass(slots=True)
class Level:
    """``usual``: seconds of speech by their level, whole dBFS. ``latest``: levels of the last seconds of speech.
    ``faint``: seconds of speech since the last one at the usual level. ``walked``: the voice faded since then."""

    usual: dict[int, int] = field(default_factory=dict)
    latest: list[float] = field(default_factory=list)
    faint: float = 0.0
    walked: bool = False

    def doubted(self, label: Label, score: float | None, speech_dbfs: float | None, speech_s: float) -> bool:
        """Take one window; whether its faint voice may be the other party's."""
        near = self._near_from()
        if speech_dbfs is not None:
            self.latest = [*self.latest[1 - REMEMBERED :], speech_dbfs]
            if near is None or speech_dbfs >= near:
                self.faint, self.walked = 0.0, False
            else:
                self.faint += speech_s
            if score is not None and score >= label.threshold:
                self.usual[round(speech_dbfs)] = self.usual.get(round(speech_dbfs), 0) + 1
        elif near is not None and score is not None and score < label.threshold:
            # Of a voice so faint a second rarely holds enough for a level.
            self.faint += speech_s
        if score is None or score >= label.threshold or near is None:
            return False
        if self.faint >= (VERY_FAINT_FOR_S if score < VERY_FAINT else FAINT_FOR_S):
            self.usual.clear()
            return False
        self.walked = self.walked or self._faded(near)
        return not self.walked

    def _near_from(self) -> float | None:
        """The level from which a second is the usual voice, dBFS; ``None`` before that is known."""
        total = sum(self.usual.values())
        if total < KNOWN_AFTER_S:
            return None
        louder = 0
        for level in sorted(self.usual, reverse=True):
            louder += self.usual[level]
            if louder >= USUAL_SHARE * total:
                return level - NEAR_DB
        return None

    def _faded(self, near: float) -> bool:
        """Whether the level fell second by second since it was last usual."""
        last = max((place for place, level in enumerate(self.latest) if level >= near), default=0)
        falling = self.latest[last : last + 1]
        for level in self.latest[last + 1 :]:
            if level > falling[-1] + RISE_DB:
                break
            falling.append(level)
        lowest = min(falling) + REACHED_DB
        falling = falling[: next(place for place, level in enumerate(falling) if level <= lowest) + 1]
        steps = [before - after for before, after in itertools.pairwise(falling)]
        softer = sum(step >= STEP_DB for step in steps)
        if softer < LEAST_STEPS or softer < STEPS_SHARE * len(steps):
            return False
        return max(steps) <= LARGEST_STEP * sum(steps)


@dataclass(slots=True)
class Turn:
    """A sound that began as the patient fell silent, and goes on. ``since``: seconds of it so far, ``None`` without
    one. ``own``: seconds of the patient's speech in it. ``silent``: seconds since someone spoke, ``None`` if nobody
    did. ``room``: level of the room, dBFS. ``noisy``: the noise failed in the last window."""

    since: float | None = None
    own: float = 0.0
    silent: float | None = None
    room: float | None = None
    noisy: bool = False

    def doubted(
        self, sound: LatestSound | None, speech: Sequence[float], passed_s: float, *, fails: bool, echoes: bool
    ) -> bool:
        """Take one window; whether its noise may be the other party.

        ``speech``: 0..1 in each second since the window before, at least one; ``sound`` is of the last of them.
        ``passed_s``: how long that is. ``fails``: there is noise. ``echoes``: what speaks may be the other party.
        """
        for second in speech[:-1]:
            self._hear(second, 1.0)
        if sound is not None:
            self.room = sound.floor_dbfs if self.room is None else min(sound.floor_dbfs, self.room + 1.0)
            swings = sound.swing_db >= SWINGS_DB
            if self.since is not None:
                self._go_on(sum(speech), passed_s, steady=speech[-1] < SPEAKS and not swings, echoes=echoes)
            elif speech[-1] < SPEAKS and swings and self._goes_on_from_speech(sound):
                self.since, self.own = 0.0, 0.0
        self.noisy = fails
        self._hear(speech[-1], max(passed_s - len(speech[:-1]), 0.0))
        return self.since is not None

    def _hear(self, speech: float, seconds: float) -> None:
        if speech >= SPEAKS:
            self.silent = 0.0
        elif self.silent is not None:
            self.silent += seconds

    def _goes_on_from_speech(self, sound: LatestSound) -> bool:
        """Whether it is loud in a room that was quiet while someone spoke, until just now."""
        assert self.room is not None, "the room was heard"
        loud = sound.level_dbfs > self.room + OVER_ROOM_DB
        return loud and not self.noisy and self.silent is not None and self.silent < FELL_SILENT_S

    def _go_on(self, speech_s: float, passed_s: float, *, steady: bool, echoes: bool) -> None:
        assert self.since is not None, "there is a turn"
        self.since += passed_s
        self.own = 0.0 if echoes else self.own + speech_s
        if steady or (self.since >= SOUNDS_FOR_S and not echoes) or self.own >= OWN_SPEECH_S:
            self.since = None


@dataclass(slots=True)
class OtherVoice:
    """Call ``doubted`` for each window of a visit, in order; some may be missing. ``end``: sample of the last one's
    end."""

    echo: Echo = field(default_factory=Echo)
    level: Level = field(default_factory=Level)
    turn: Turn = field(default_factory=Turn)
    end: int = 0

    def doubted(self, facts: WindowFacts, labels: LabelSet, latest: Mapping[str, LabelScore]) -> set[str]:
        """Ids of the labels whose ``latest`` scores, of the last 4 s by label id, may be the other party's."""
        known = {label.id: label for label in labels.labels}
        passed_s = min((facts.end_sample - self.end) / facts.sample_rate, float(RECENT_S))
        self.end = facts.end_sample
        speech = [second / 100 for second in facts.speech_by_second[-max(round(passed_s), 1) :]] or [0.0]
        speech_s = sum(speech)
        doubted: set[str] = set()
        if LOW_REVERBERATION in known:
            echo = latest[LOW_REVERBERATION]
            if self.echo.doubted(known[LOW_REVERBERATION], echo, speech_s):
                doubted.add(LOW_REVERBERATION)
        if CLOSE_ENOUGH in known:
            speech_dbfs = None if facts.sound is None else facts.sound.speech_dbfs
            if self.level.doubted(known[CLOSE_ENOUGH], latest[CLOSE_ENOUGH].score, speech_dbfs, speech_s):
                doubted |= {CLOSE_ENOUGH, LOW_BACKGROUND, INTELLIGIBLE}
        if LOW_BACKGROUND in known:
            noise = latest[LOW_BACKGROUND].score
            fails = noise is not None and noise < known[LOW_BACKGROUND].threshold
            echoes = LOW_REVERBERATION in doubted
            if self.turn.doubted(facts.sound, speech, passed_s, fails=fails, echoes=echoes):
                doubted |= {LOW_BACKGROUND, INTELLIGIBLE}
        self._forget_all_but(known)
        return doubted

    def _forget_all_but(self, known: Collection[str]) -> None:
        """What was heard before a label was taken out says nothing of the time when it is asked for again."""
        if LOW_REVERBERATION not in known:
            self.echo = Echo()
        if CLOSE_ENOUGH not in known:
            self.level = Level()
        if LOW_BACKGROUND not in known:
            self.turn = Turn()

    def snapshot(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self) | {"level": asdict(self.level) | {"usual": sorted(self.level.usual.items())}}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """What ``snapshot`` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        level = state["level"]
        usual = {round(number(at)): count(seconds) for at, seconds in level["usual"]}
        turn = {**state["turn"]}
        room = turn.pop("room")
        return cls(
            Echo(**amounts(state["echo"])),
            Level(usual, [number(one) for one in level["latest"]], amount(level["faint"]), bool(level["walked"])),
            Turn(**amounts(turn), room=None if room is None else number(room)),
            count(state["end"]),
        )


def without(latest: Mapping[str, LabelScore], doubted: Collection[str]) -> dict[str, LabelScore]:
    """``latest`` with no score for the labels that are ``doubted``."""
    return {
        label_id: replace(score, score=None, why=Why.NO_EVIDENCE) if label_id in doubted else score
        for label_id, score in latest.items()
    }
