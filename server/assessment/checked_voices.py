"""The patients' voices from checks that ended a while ago, for the visits that follow. In memory only. Sans-IO."""

import hmac
from collections import OrderedDict
from dataclasses import dataclass

from server.values.voices import KnownVoice

KEEP_S = 1800.0
"""A check is made right before the visit, or in the waiting room."""
MOST = 2000
"""Voices kept, about 1 kB each; then the oldest is forgotten."""


@dataclass(frozen=True, slots=True)
class _Kept:
    site: str
    digest: str
    until: float
    voice: KnownVoice


class CheckedVoices:
    """``keep`` and ``find`` take the time of one clock, in seconds."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def keep(
        self, session_id: str, site: str, digest: str, voice: KnownVoice, now: float, for_s: float = KEEP_S
    ) -> None:
        """``digest``: of the resume token, which who asks for the voice must have."""
        self.forget_old(now)
        self._kept[session_id] = _Kept(site, digest, now + for_s, voice)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)

    def forget_old(self, now: float) -> None:
        """Those that were kept for ``KEEP_S``."""
        for session_id in [session_id for session_id, kept in self._kept.items() if kept.until <= now]:
            del self._kept[session_id]

    def forget(self, session_id: str, site: str) -> None:
        """The session was deleted. One that is unknown, or another site's, is ignored."""
        if (kept := self._kept.get(session_id)) is not None and kept.site == site:
            del self._kept[session_id]

    def __len__(self) -> int:
        """Voices that are kept."""
        return len(self._kept)

    def find(self, session_id: str, site: str, digest: str, now: float) -> KnownVoice | None:
        """``None`` for another site, another token, an unknown session and after ``KEEP_S`` alike."""
        kept = self._kept.get(session_id)
        if kept is None or kept.site != site or kept.until <= now:
            return None
        return kept.voice if hmac.compare_digest(kept.digest, digest) else None

    def give(self, session_id: str, site: str, digest: str, now: float) -> tuple[KnownVoice, float] | None:
        """As ``find``, with the seconds that are left to it, and it is not here any more."""
        found = self.find(session_id, site, digest, now)
        return None if found is None else (found, self._kept.pop(session_id).until - now)
