"""How often a peer may make control faults, and how fast it may send audio. Sans-IO; times in seconds."""

from collections import deque
from typing import Any

from server.access.buckets import Bucket
from server.errors import FasterThanRealTimeError, TooManyChangesError, TooManyFaultsError
from server.values.stored import amount

FAULTS = 5
FAULTS_WITHIN_S = 10.0
CHANGES = 5
"""Changes of labels at once; another every ``CHANGE_EVERY_S``."""

CHANGE_EVERY_S = 2.0
SLOWEST = 20.0
"""Audio at this fraction of real time, one in ``SLOWEST``, keeps a session alive."""

PACE_LIMIT = 1.2
PACE_OVER_S = 10.0
PACE_ALLOWANCE_S = 20.0
BACKLOG_S = 120.0
"""Most audio that may have waited for a server that did not serve."""

BACKLOG_FADES = 0.2
"""A backlog comes as soon as it can: what is left of its allowance shrinks by this share of the time that passes."""

PACE_GRAIN_S = 0.1
"""Chunks within this time are counted together, so that some hundred entries are enough however small they are."""


class FaultGuard:
    """The fifth malformed control message within 10 s is one too many."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=FAULTS)

    def note(self, now: float) -> None:
        """Raises TooManyFaultsError."""
        self._times.append(now)
        if len(self._times) == FAULTS and now - self._times[0] <= FAULTS_WITHIN_S:
            raise TooManyFaultsError(f"{FAULTS} messages within {FAULTS_WITHIN_S:g} s could not be understood.")


class ChangeGuard:
    """How often the labels may be changed: resolving and embedding new ones is work that all sessions wait for.

    One for a session, whatever sockets it has.
    """

    def __init__(self, now: float) -> None:
        self._bucket = Bucket(CHANGES, 1 / CHANGE_EVERY_S, now)

    def note(self, now: float) -> None:
        """Raises TooManyChangesError."""
        if (wait_s := self._bucket.wait_s(now)) > 0:
            raise TooManyChangesError(
                "The labels are changed too often; wait a little.", param="labels", retry_after_s=round(wait_s, 1)
            )
        self._bucket.take(now)


class IdleGuard:
    """When a session is over because too little audio comes: a byte now and then must not hold a place.

    Audio that comes at a twentieth of real time or faster keeps it going; so does a pause, for ``pause_s`` since audio
    last came as it should, which three seconds of it do. What is only declared lost counts for nothing.

    One for a session, whatever sockets and processes it has: who comes back has again the usual time to speak, as after
    a pause, and renews nothing.
    """

    def __init__(self, now: float, idle_s: float, pause_s: float) -> None:
        self._idle_s = idle_s
        self._pause_s = pause_s
        self._earned = self._granted = now + idle_s
        self._full_at = now

    def audio(self, audio_s: float, now: float) -> None:
        """Seconds of audio came."""
        self._earned = min(now + self._idle_s, max(self._earned, now) + SLOWEST * audio_s)
        if self._earned == now + self._idle_s:
            self._full_at = now

    def turned(self, now: float) -> None:
        """A pause begins or ends: audio may take its time again, but no pause renews another."""
        self._granted = min(now, self._full_at + self._pause_s) + self._idle_s

    def came_back(self, now: float, gone_s: float) -> None:
        """A new socket has the session; for ``gone_s`` seconds it had none, which count for nothing."""
        self._earned += gone_s
        self._full_at += gone_s
        self.turned(now)

    def ends_at(self, *, paused: bool) -> float:
        """Clock time at which the session is over unless something comes."""
        return self._full_at + self._pause_s if paused else max(self._earned, self._granted)

    def snapshot(self, now: float) -> dict[str, float]:
        """What ``restore`` takes; JSON-able."""
        return {"earned_s": max(0.0, self._earned - now), "full_ago_s": max(0.0, now - self._full_at)}

    def restore(self, state: Any, then: float) -> None:
        """``then``: when the snapshot was made. Call ``came_back`` next. Raises LookupError, TypeError, ValueError."""
        self._earned = then + amount(state["earned_s"])
        self._full_at = then - amount(state["full_ago_s"])


class PaceGuard:
    """Audio over 1.2 times real time during 10 s, after an allowance of 20 s.

    The allowance is how far audio may run ahead of the clock: a burst after a stall is accepted, a file is not. Audio
    that comes slower than real time does not increase it. While the server itself took nothing (it was stopped, or
    overloaded), audio waited for it: that backlog is not speed.
    """

    def __init__(self, now: float) -> None:
        self._backlog_s = 0.0
        self._late_s: float | None = None
        self._ahead_s = 0.0
        self._last = now
        self._taken: deque[tuple[float, float]] = deque()
        self._within_s = 0.0

    def take(self, audio_s: float, now: float, late_s: float = 0.0) -> None:
        """``late_s``: seconds so far, in all, in which the server took nothing. Raises FasterThanRealTimeError."""
        audio_s -= self._waited(audio_s, now - self._last, late_s)
        self._ahead_s = max(0.0, self._ahead_s - (now - self._last)) + audio_s
        self._last = now
        if self._taken and now - self._taken[-1][0] < PACE_GRAIN_S:
            since, taken_s = self._taken[-1]
            self._taken[-1] = (since, taken_s + audio_s)
        else:
            self._taken.append((now, audio_s))
        self._within_s += audio_s
        while self._taken and self._taken[0][0] <= now - PACE_OVER_S:
            self._within_s -= self._taken.popleft()[1]
        if audio_s and self._ahead_s > PACE_ALLOWANCE_S and self._within_s > PACE_LIMIT * PACE_OVER_S:
            raise FasterThanRealTimeError(
                "Audio comes faster than real time; send it as it is captured, or start with pace 'fast'.",
                param="pace",
            )

    def _waited(self, audio_s: float, passed_s: float, late_s: float) -> float:
        """How much of ``audio_s`` waited for the server."""
        late, self._late_s = 0.0 if self._late_s is None else late_s - self._late_s, late_s
        served_s = max(0.0, passed_s - late)
        self._backlog_s = min(BACKLOG_S, max(0.0, self._backlog_s - BACKLOG_FADES * served_s) + late)
        waited_s = min(self._backlog_s, max(0.0, audio_s - served_s))
        self._backlog_s -= waited_s
        return waited_s
