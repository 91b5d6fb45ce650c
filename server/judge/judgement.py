"""The input and output of the judgement of a window."""

from dataclasses import dataclass
from typing import Literal

from server.judge.sounds import Interference
from server.values.input_kind import InputKind
from server.values.measures import Measures
from server.values.scores import LabelScore, Overall
from server.values.text import Text

Audience = Literal["patient", "doctor"]


@dataclass(frozen=True, slots=True)
class LatestSound:
    """How the last second of a window sounds. ``level_dbfs``: all of it. ``speech_dbfs``: its speech, ``None`` under
    0.25 s of it. ``floor_dbfs``, ``swing_db``: the lowest level within the last 2 s, and how far it moves there.
    ``noise_fell_db``: by how much the noise of the last 4 s was louder, ``None`` if unknown."""

    level_dbfs: float
    speech_dbfs: float | None
    floor_dbfs: float
    swing_db: float
    noise_fell_db: float | None = None


@dataclass(frozen=True, slots=True)
class WindowFacts:
    """Where a window lies (input-rate samples) and how much speech it contains.

    ``measures``: those of the window, if the acoustic scorer gave them; one prompt depends on the cause of a low score.
    ``input_kind``: of its last 4 s.
    ``speech_by_second``: hundredths of a second of speech in each second; the last one ends with the window. ``lost``:
    where the network lost audio, as ``(start, end)`` in samples. ``sound``: of its last second, ``None`` if that was
    lost, or the far end's.
    """

    start_sample: int
    end_sample: int
    sample_rate: int
    partial: bool
    speech_s: float
    speech_ratio: float
    measures: Measures | None = None
    input_kind: InputKind = InputKind.SOUND
    speech_by_second: tuple[int, ...] = ()
    lost: tuple[tuple[int, int], ...] = ()
    sound: LatestSound | None = None


@dataclass(frozen=True, slots=True)
class PromptRaised:
    """A sentence to show now. The previous prompt has already been cleared."""

    id: str
    label_id: str
    text: Text
    audience: Audience


@dataclass(frozen=True, slots=True)
class PromptCleared:
    """The sentence to remove, as it was raised."""

    id: str
    label_id: str
    text: Text
    audience: Audience


PromptEvent = PromptRaised | PromptCleared


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch that could not be heard, in input-rate samples. ``why``: id of the failing label, or ``lost``."""

    start_sample: int
    end_sample: int
    why: str


@dataclass(frozen=True, slots=True)
class WindowJudgement:
    """The judgement of one window; only requested labels. ``session_*`` are the aggregates so far. ``interference``:
    disturbing sounds around the patient. ``unusable_spans``: those of the conclusion if the session ended now.
    """

    labels: dict[str, LabelScore]
    overall: Overall
    recent: dict[str, float | None]
    session_labels: dict[str, float | None]
    session_overall: Overall
    prompts: list[PromptEvent]
    interference: list[Interference]
    unusable_spans: list[Span]


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The judgement of a whole session or file; only requested labels.

    ``prompts`` are prompt ids, each once, the worst label first. ``not_heard``: content labels that a loaded source
    could have heard but did not; ``not_assessed``: every other label without a score.
    """

    labels: dict[str, LabelScore]
    passed: dict[str, bool | None]
    overall: Overall
    advice: Text
    prompts: list[str]
    unusable_spans: list[Span]
    not_heard: list[str]
    not_assessed: list[str]
