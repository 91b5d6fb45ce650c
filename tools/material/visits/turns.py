"""Who speaks when, and how it sounds there: patient and doctor in turns, now and then a relative."""

from dataclasses import dataclass, field

import numpy as np

from tools.material.visits.sound import gain
from tools.material.visits.sources import Talker
from tools.material.visits.truth import RATE, Audio, Stretch

PAUSE_S = (0.15, 0.6)
REPLY_S = (0.15, 0.9)
FIRST_S = 5.0
"""The patient says something by then: `speak_up` to one who was never heard is right."""
PATIENT_S, LONGEST_LISTENING_S = (4.0, 14.0), 45.0
DOCTOR_FIRST = 0.4
"""Share of the visits in which the doctor says the first sentence, if it is short."""
SILENT_SHARE = 0.2
"""Of the doctor's turns: reads, writes, thinks."""


@dataclass(slots=True)
class Track:
    """One voice over the whole visit, at the levels given; ``spoken``: where."""

    samples: Audio
    spoken: list[Stretch] = field(default_factory=list)

    @classmethod
    def silent(cls, seconds: float) -> "Track":
        return cls(np.zeros(round(seconds * RATE)))


class Voice:
    """Says phrase after phrase of a talker, from the beginning again when all are said."""

    def __init__(self, talker: Talker, track: Track, db: float, rng: np.random.Generator) -> None:
        self._talker, self._track, self._db, self._rng = talker, track, db, rng
        self._next = int(rng.integers(len(talker.phrases)))

    @property
    def next_s(self) -> float:
        return len(self._talker.phrases[self._next % len(self._talker.phrases)]) / RATE

    def speak(self, start_s: float, seconds: float) -> float:
        """Whole phrases from ``start_s`` until ``seconds`` are nearly over; where the last one ends, s."""
        drift = float(self._rng.uniform(-1.5, 1.5))
        at, end = round(start_s * RATE), round((start_s + seconds) * RATE)
        last = at
        while at < len(self._track.samples) - RATE // 2:
            phrase = self._talker.phrases[self._next % len(self._talker.phrases)]
            # The first is said in any case; another only if most of it belongs here.
            if last > round(start_s * RATE) and at + len(phrase) // 2 > end:
                break
            self._next += 1
            phrase = phrase[: len(self._track.samples) - at]
            self._track.samples[at : at + len(phrase)] += phrase * gain(self._db + 26 + drift)
            last = at + len(phrase)
            self._track.spoken.append(Stretch(at / RATE, last / RATE))
            at = last + round(float(self._rng.uniform(*PAUSE_S)) * RATE)
        return last / RATE


@dataclass(slots=True)
class Conversation:
    """``doctor`` is as loud as ``patient``, before loudspeaker and room. ``listening``: the share of the visit outside
    of the patient's turns."""

    patient: Track
    doctor: Track
    relative: Track
    listening: float


def converse(
    talkers: tuple[Talker, Talker, Talker | None],
    seconds: float,
    listening: float,
    db: float,
    rng: np.random.Generator,
    held: Stretch | None = None,
) -> Conversation:
    """Turns whose lengths lead to the share ``listening``. ``db``: the patient's level. ``held``: where the patient
    speaks whatever the share."""
    patient, doctor, relative = (Track.silent(seconds) for _ in range(3))
    voice, other = Voice(talkers[0], patient, db, rng), Voice(talkers[1], doctor, -26, rng)
    third = None if talkers[2] is None else Voice(talkers[2], relative, db - float(rng.uniform(0, 6)), rng)
    at = float(rng.uniform(0.3, 1.2))
    if rng.random() < DOCTOR_FIRST and at + other.next_s + PAUSE_S[1] < FIRST_S:
        at = other.speak(at, 0.1) + PAUSE_S[1]
    # Who listens most of the time says little at a time.
    longest = float(np.clip(0.7 * LONGEST_LISTENING_S * (1 - listening) / listening, PATIENT_S[0] + 1, PATIENT_S[1]))
    talked = 0.0
    while at < seconds - 1:
        holding = held is not None and held.start_s - 6 < at < held.end_s
        length = held.end_s - at if held is not None and holding else float(rng.uniform(PATIENT_S[0], longest))
        end = voice.speak(at, min(length, seconds - at))
        talked, at = talked + end - at, end
        # What is missing of listening up to the end of the next turn, more or less.
        wanted = (talked * listening / (1 - listening) - (at - talked)) * float(rng.uniform(0.7, 1.3))
        quiet = float(np.clip(wanted, 0.8, LONGEST_LISTENING_S))
        if held is not None and at < held.start_s < at + quiet:
            quiet = max(0.3, held.start_s - at)
        at = max(at + quiet, _listen(other, third, at, min(quiet, seconds - at), rng) + PAUSE_S[0])
    return Conversation(patient, doctor, relative, 1 - talked / seconds)


def _listen(doctor: Voice, relative: Voice | None, start_s: float, seconds: float, rng: np.random.Generator) -> float:
    """The doctor speaks, or nobody, or a relative answers; until when, s."""
    reply_s = float(rng.uniform(*REPLY_S))
    left_s = seconds - reply_s - 1.0
    if left_s < 1.2 or rng.random() < SILENT_SHARE:
        return start_s
    who = relative if relative is not None and rng.random() < 0.5 else doctor
    return who.speak(start_s + reply_s, left_s)
