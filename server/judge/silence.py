"""Decides what a patient who is not heard is asked: to speak, to look at the microphone, or nothing."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from server.values.input_kind import InputKind
from server.values.mode import Mode
from server.values.stored import amounts
from server.values.windows import RECENT_S, WINDOW_S

FIRST_S = 6
"""Seconds in which nothing was heard at the start until the patient is asked."""
LATER_S = 10
"""The same after the patient was heard."""
MUTED_UP_S = 20
"""How long a patient in a visit is asked about the mute switch: who muted on purpose knows by then."""


class Ask(StrEnum):
    """What to ask for."""

    NOTHING = "nothing"
    SPEAK_UP = "speak_up"
    UNMUTE = "unmute"


@dataclass(slots=True)
class Silence:
    """How long nothing was heard, in samples. Call ``observe`` for each window in order.

    ``heard``: somebody was heard before. ``level``: the last score for speech; ``stirs``: it rose, as if someone had
    just begun.
    ``gated``: the microphone gives zeros between words, so zeros do not mean that it is muted. ``quiet``: since when
    nothing was heard; ``zeros``: since when only digital silence came. What ``recent`` covers counts with its first
    window. ``known_at``: end of the last window that could tell. ``muted_at``: when the patient was first asked about
    this digital silence.
    """

    heard: bool = False
    gated: bool = False
    quiet: int = 0
    zeros: int = 0
    known_at: int = 0
    muted_at: int | None = None
    kind: InputKind = InputKind.SOUND
    level: float = 0.0
    stirs: bool = False

    def observe(
        self, hears: bool | None, kind: InputKind, end: int, since_last: int, rate: int, *, level: float = 0.0
    ) -> None:
        """Take one window that ends at sample ``end`` of ``rate``, ``since_last`` samples after the previous one.

        ``hears``: whether there is speech in its last 4 s, ``None`` if that cannot be told. ``kind``: of the same 4 s.
        ``level``: the score for speech there, 0 without one.
        """
        covered = RECENT_S * rate
        if end - self.known_at > WINDOW_S * rate:
            self.quiet = self.zeros = 0
        self.kind, self.level, self.stirs = kind, level, level > self.level
        if kind is InputKind.ZEROS:
            self.zeros += min(since_last, covered) if self.zeros else min(end, covered)
        else:
            self.zeros, self.muted_at = 0, None
        if hears is None:
            return
        self.known_at = end
        if hears:
            self.heard, self.quiet = True, 0
            self.gated = self.gated or kind is InputKind.GATED
        else:
            self.quiet += min(since_last, covered) if self.quiet else min(end, covered)

    @property
    def lifeless(self) -> bool:
        """Whether what arrives now comes from no room, so that no other measure says anything about one."""
        return self.kind is InputKind.ZEROS or (self.kind is InputKind.FLOOR and not self.heard)

    def asks(self, mode: Mode, end: int, rate: int) -> Ask:
        """What to ask for after the last window. A patient who was heard in a visit may listen as long as it takes."""
        limit = (LATER_S if self.heard else FIRST_S) * rate
        listens = mode is Mode.VISIT and self.heard
        if self.lifeless and not (self.gated and self.heard):
            known = self.zeros if self.kind is InputKind.ZEROS else self.quiet
            over = listens and self.muted_at is not None and end - self.muted_at >= MUTED_UP_S * rate
            return Ask.UNMUTE if known >= limit and not over else Ask.NOTHING
        return Ask.SPEAK_UP if self.quiet >= limit and not listens and not self.stirs else Ask.NOTHING

    def asked_to_unmute(self, end: int) -> None:
        """The patient was asked about the mute switch at sample ``end``."""
        if self.muted_at is None:
            self.muted_at = end

    def snapshot(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """What ``snapshot`` wrote."""
        return cls(**{**amounts(state), "kind": InputKind(state["kind"])})
