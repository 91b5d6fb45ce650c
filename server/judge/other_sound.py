"""Sounds that may be the other party, from the loudspeaker, where nobody is heard to speak. Sans-IO."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.judge.judgement import LatestSound
from server.judge.whose import Heard

OF_VOICES = frozenset({"babble", "second_talker", "tv"})
"""Names of sounds that the other party may be taken for. What has another name is nobody's voice, and is believed."""
SOUNDS_FOR_S = 20.0
"""Seconds of sound after which it is believed: 95 % of the doctor's turns in made visits have less than 21 s of
speech."""
SWINGS_DB = 7.0
"""A voice moves over more than this within 2 s (99 % of what came from loudspeakers over 13 dB, in rooms that echo for
a second 7.6 dB and more); fans, hum, rain and most wind do not, machines and traffic often do."""
SPEAKS, FELL_SILENT_S = 0.3, 2
"""Share of a second that is speech, and for how many seconds the patient may have been silent before the other party
takes over."""
OVER_ROOM_DB = 12.0
OWN_SPEECH_S = 2.5
"""Seconds of speech, without echo, that show that the patient speaks beside the sound."""
BEGINS_S, KNOWN_S, WAITED_S = 2.0, 4.0, 9.0
"""Seconds from the start of the 4 s in which a noise first shows: where it begins, up to where it must be known who
speaks, and how long that is waited for. Four answers of five are there by then, and real noise is told within 8 s."""
TURN_S = 8.0
"""Who spoke so long ago, or longer, is not who makes the noise that is heard now."""


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
        self,
        sound: LatestSound | None,
        speech: Sequence[float],
        heard: Heard,
        passed_s: float,
        *,
        fails: bool,
        echoes: bool,
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
                others = echoes or heard.others_since(heard.end_s - self.since - passed_s)
                self._go_on(sum(speech), passed_s, steady=speech[-1] < SPEAKS and not swings, others=others)
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

    def _go_on(self, speech_s: float, passed_s: float, *, steady: bool, others: bool) -> None:
        assert self.since is not None, "there is a turn"
        self.since += passed_s
        self.own = 0.0 if others else self.own + speech_s
        if steady or (self.since >= SOUNDS_FOR_S and not others) or self.own >= OWN_SPEECH_S:
            self.since = None


@dataclass(slots=True)
class Onset:
    """A noise that swings as a voice does: where another voice than the patient's was heard, it is not believed before
    it is known whether that one speaks. ``from_s``: second of the stream from which it is heard, ``None`` without
    one."""

    from_s: float | None = None

    def doubted(self, sound: LatestSound | None, heard: Heard, *, fails: bool) -> bool:
        """Take one window, whose noise ``fails``; whether that may be the other party's voice."""
        if not fails:
            self.from_s = None
            return False
        if self.from_s is None:
            self.from_s = heard.start_s
        swings = sound is not None and sound.swing_db >= SWINGS_DB
        if not swings or heard.turns.until_s is None or not heard.turns.others:
            return False
        if heard.turns.until_s < self.from_s + KNOWN_S:
            return heard.end_s - self.from_s < WAITED_S
        return heard.others_since(max(self.from_s + BEGINS_S, heard.end_s - TURN_S))
