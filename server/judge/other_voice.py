"""Whether what is heard may be the other party of a visit, from the loudspeaker, instead of the patient.

Nobody says when the other party speaks, unless the far end is told. Its voice shows by contrast: it echoes where the
patient's does not, it is suddenly much fainter, or it goes on, unlike a steady noise, where the patient falls silent.
None of that is believed of the patient until it has lasted for longer than a turn (docs/decisions/0016), and, where
voices are told apart, not while it is another voice that speaks (docs/decisions/0038).
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from server.judge.contrasts import Echo, Level
from server.judge.judgement import WindowFacts
from server.judge.labels import LabelSet
from server.judge.other_sound import Onset, Turn
from server.judge.troubles import INTELLIGIBLE, LOW_BACKGROUND
from server.judge.whose import NOBODY_KNOWN, Heard, Turns
from server.values.scores import LabelScore, Why
from server.values.stored import amount, amounts, count, number
from server.values.windows import RECENT_S

LOW_REVERBERATION, CLOSE_ENOUGH = "low_reverberation", "close_enough"


@dataclass(slots=True)
class OtherVoice:
    """Call ``doubted`` for each window of a visit, in order; some may be missing. ``end``: sample of the last one's
    end."""

    echo: Echo = field(default_factory=Echo)
    level: Level = field(default_factory=Level)
    turn: Turn = field(default_factory=Turn)
    onset: Onset = field(default_factory=Onset)
    end: int = 0

    def doubted(
        self, facts: WindowFacts, labels: LabelSet, latest: Mapping[str, LabelScore], turns: Turns = NOBODY_KNOWN
    ) -> set[str]:
        """Ids of the labels whose ``latest`` scores, of the last 4 s by label id, may be the other party's. ``turns``:
        who spoke so far."""
        known = {label.id: label for label in labels.labels}
        passed_s = min((facts.end_sample - self.end) / facts.sample_rate, float(RECENT_S))
        self.end = facts.end_sample
        speech = [second / 100 for second in facts.speech_by_second[-max(round(passed_s), 1) :]] or [0.0]
        heard = Heard(sum(speech), facts.end_sample / facts.sample_rate, turns)
        doubted: set[str] = set()
        if LOW_REVERBERATION in known:
            echo = latest[LOW_REVERBERATION]
            if self.echo.doubted(known[LOW_REVERBERATION], echo, heard):
                doubted.add(LOW_REVERBERATION)
        if CLOSE_ENOUGH in known:
            speech_dbfs = None if facts.sound is None else facts.sound.speech_dbfs
            if self.level.doubted(known[CLOSE_ENOUGH], latest[CLOSE_ENOUGH].score, speech_dbfs, heard):
                doubted |= {CLOSE_ENOUGH, LOW_BACKGROUND, INTELLIGIBLE}
        if LOW_BACKGROUND in known:
            noise = latest[LOW_BACKGROUND].score
            fails = noise is not None and noise < known[LOW_BACKGROUND].threshold
            echoes = LOW_REVERBERATION in doubted
            begins = self.onset.doubted(facts.sound, heard, fails=fails)
            if self.turn.doubted(facts.sound, speech, heard, passed_s, fails=fails, echoes=echoes) or begins:
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
            self.turn, self.onset = Turn(), Onset()

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
            Level(
                usual,
                [number(one) for one in level["latest"]],
                amount(level["faint"]),
                bool(level["walked"]),
                amount(level["from_s"]),
            ),
            Turn(**amounts(turn), room=None if room is None else number(room)),
            Onset(**amounts(state["onset"])),
            count(state["end"]),
        )


def without(latest: Mapping[str, LabelScore], doubted: Collection[str]) -> dict[str, LabelScore]:
    """``latest`` with no score for the labels that are ``doubted``."""
    return {
        label_id: replace(score, score=None, why=Why.NO_EVIDENCE) if label_id in doubted else score
        for label_id, score in latest.items()
    }
