"""The voice of a microphone check that ended in one worker comes to the one that has the visit."""

from typing import Any

import numpy as np

from server.assessment.checked_voices import CheckedVoices
from server.live.clock import Clock
from server.live.known_voices import keep_for
from server.values.voices import KnownVoice
from server.workers.asking import Asking


class FarVoices:
    """A voice is in one worker at a time, so that it is forgotten once."""

    def __init__(self, asking: Asking, here: CheckedVoices, clock: Clock) -> None:
        self._asking = asking
        self._here = here
        self._clock = clock

    async def bring(self, check: dict[str, str] | None, site: str) -> None:
        """Have the voice here, if another worker has it. One that does not answer in time has none: the visit begins
        without it, and says so."""
        if check is None or self._here.find(check["session_id"], site, check["digest"], self._clock.now()) is not None:
            return
        answers = await self._asking.ask_all({"do": "give_voice", "check": check, "site": site})
        for told in filter(None, answers.values()):
            voice = KnownVoice(np.array(told["voice"], np.float32), told["heard_s"])
            named = check["session_id"], site, check["digest"]
            keep_for(self._here, self._clock, *named, voice, told["left_s"])

    def give(self, check: dict[str, str], site: str) -> dict[str, Any] | None:
        """To the worker that asks, and none is left here."""
        given = self._here.give(check["session_id"], site, check["digest"], self._clock.now())
        if given is None:
            return None
        voice, left_s = given
        return {"voice": voice.voice.tolist(), "heard_s": voice.heard_s, "left_s": left_s}

    def forget_here(self, session_id: str, site: str) -> None:
        """See CheckedVoices.forget."""
        self._here.forget(session_id, site)

    async def forget(self, session_id: str, site: str) -> None:
        """In whichever worker it is."""
        self.forget_here(session_id, site)
        await self._asking.ask_all({"do": "forget_voice", "session_id": session_id, "site": site})
