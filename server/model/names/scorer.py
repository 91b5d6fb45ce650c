"""Names sounds besides speech: mains hum by its lines, and what YAMNet tells where its weights are there."""

from collections.abc import Sequence

from server.judge.sounds import Interference, PatientSound, Sounds
from server.model.names.hum import hums
from server.model.names.network import Network
from server.model.names.told import AROUND, OWN, score
from server.scoring.ports import ScoreReply, ScoreRequest
from server.values.audio import Float32Array
from server.values.scores import NAMES, ScorerKind

HUM = "electrical_hum"


class NamingScorer:
    """``scoring.scorers.Scorer``. A pure function of each window's samples; no opinion on any label.

    Silent where a window is not the patient's own, and about sounds around the patient where the browser's processing
    hides those. At most one of these is named, the surest (``told.AROUND``); whether it disturbs is for the judgement.
    """

    name: str = "names"
    kind: ScorerKind = NAMES

    def __init__(self, sounds: Sounds, network: Network | None = None) -> None:
        """``sounds``: titles and prompts; what is not among them is not named."""
        self._around = {one.id: one for one in sounds.interference}
        self._own = {one.id: one for one in sounds.events}
        self._network = network

    def score(self, requests: Sequence[ScoreRequest]) -> list[ScoreReply]:
        """One reply per request, in order."""
        return [self._reply(request) for request in requests]

    def _reply(self, request: ScoreRequest) -> ScoreReply:
        if not request.window.is_patients:
            return ScoreReply({})
        pcm = request.window.pcm
        scores = None if self._network is None else self._network.scores(pcm)
        around = None if request.capture.processed else self._disturbance(pcm, scores)
        return ScoreReply({}, interference=(around,) if around else (), events=self._events(scores))

    def _disturbance(self, pcm: Float32Array, scores: Float32Array | None) -> Interference | None:
        # First: to the network hum is music.
        if HUM in self._around and hums(pcm):
            return self._named(HUM, 1.0)
        for told in AROUND if scores is not None else ():
            sure = score(scores, told) if told.id in self._around and scores is not None else None
            if sure is not None:
                return self._named(told.id, sure)
        return None

    def _named(self, sound_id: str, sure: float) -> Interference:
        sound = self._around[sound_id]
        return Interference(sound.id, sound.title, sure, sound.prompt)

    def _events(self, scores: Float32Array | None) -> tuple[PatientSound, ...]:
        if scores is None:
            return ()
        found = ((self._own[told.id], score(scores, told)) for told in OWN if told.id in self._own)
        return tuple(PatientSound(sound.id, sound.title, sure) for sound, sure in found if sure is not None)
