"""How the other party's voice differs from the patient's: it echoes, or is suddenly fainter. Sans-IO."""

import itertools
from dataclasses import dataclass, field

from server.judge.labels import Label
from server.judge.whose import Heard
from server.values.scores import LabelScore

ECHOES_FOR_S, FAINT_FOR_S = 20.0, 20.0
"""Seconds of speech after which a change is the patient's own: 95 % of the doctor's turns in
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
LATEST_S = 1.0
"""Levels are those of the last second."""
WAITED_S = 12.0
"""So long is waited until it is known who it is that fades: two answers of five seconds each, which come one later. The
end of a word and another's first one may fall by steps as well."""
LONG_TURN_S = 20.0
"""Before it is known how the patient sounds, a faint voice is another's if others spoke for most of this time."""
REMEMBERED = 12
"""Levels of the last seconds of speech that are kept."""


@dataclass(slots=True)
class Echo:
    """``dry``, ``echoing``: seconds of speech heard dry so far, and with an echo since. ``dry_since``: seconds heard
    dry since the last echo. ``from_s``: second of the stream before which the echo was not heard."""

    dry: float = 0.0
    echoing: float = 0.0
    dry_since: float = 0.0
    from_s: float = 0.0

    def doubted(self, label: Label, score: LabelScore, heard: Heard) -> bool:
        """Take one window; whether its echo may be the other party's."""
        if score.score is None:
            return False
        if self.echoing == 0.0:
            self.from_s = heard.start_s
        if score.score >= DRY:
            self.dry, self.dry_since = self.dry + heard.speech_s, self.dry_since + heard.speech_s
            # A window in which noise hides the echo is not the end of it.
            if self.dry_since >= KNOWN_AFTER_S:
                self.echoing = 0.0
        if score.score >= label.threshold:
            return False
        self.echoing, self.dry_since = self.echoing + heard.speech_s, 0.0
        # A cause is no room: the talker's own voice, which comes back as soon as a loudspeaker is on.
        contradicts = self.dry >= KNOWN_AFTER_S and score.cause is None
        if self.echoing < (ECHOES_FOR_S if contradicts else UNKNOWN_ROOM_S) or heard.others_since(self.from_s):
            return True
        self.dry = 0.0
        return False


@dataclass(slots=True)
class Level:
    """``usual``: seconds of speech by their level, whole dBFS. ``latest``: levels of the last seconds of speech.
    ``faint``: seconds of speech since the last one at the usual level. ``walked``: the voice faded since then.
    ``from_s``: second of the stream from which it is faint."""

    usual: dict[int, int] = field(default_factory=dict)
    latest: list[float] = field(default_factory=list)
    faint: float = 0.0
    walked: bool = False
    from_s: float = 0.0

    def doubted(self, label: Label, score: float | None, speech_dbfs: float | None, heard: Heard) -> bool:
        """Take one window; whether its faint voice may be the other party's."""
        near = self._near_from()
        if self.faint == 0.0:
            self.from_s = max(0.0, heard.end_s - LATEST_S)
        if speech_dbfs is not None:
            self.latest = [*self.latest[1 - REMEMBERED :], speech_dbfs]
            if near is None or speech_dbfs >= near:
                self.faint, self.walked = 0.0, False
            else:
                self.faint += heard.speech_s
            if score is not None and score >= label.threshold:
                self.usual[round(speech_dbfs)] = self.usual.get(round(speech_dbfs), 0) + 1
        elif near is not None and score is not None and score < label.threshold:
            # Of a voice so faint a second rarely holds enough for a level.
            self.faint += heard.speech_s
        if score is None or score >= label.threshold:
            return False
        if near is None:
            return heard.others_since(heard.end_s - LONG_TURN_S)
        if heard.others_since(self.from_s):
            return True
        if self.faint >= (VERY_FAINT_FOR_S if score < VERY_FAINT else FAINT_FOR_S):
            self.usual.clear()
            return False
        self.walked = self.walked or self._faded(near)
        return not self.walked or self._may_be_anothers(heard)

    def _may_be_anothers(self, heard: Heard) -> bool:
        """Whether voices are told apart, and it is not known yet who speaks since this one is faint."""
        if heard.turns.until_s is None or heard.end_s - self.from_s >= WAITED_S:
            return False
        return not heard.turns.tell(self.from_s, heard.end_s)

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
