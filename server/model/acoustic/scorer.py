"""The acoustic scorer: measures of a window and the opinions that follow from them."""

from collections.abc import Sequence

from server.assessment.scorers import ScoreReply, ScoreRequest
from server.model.acoustic.measures import read, stretches
from server.model.acoustic.opinions import opinion, shown
from server.values import RECENT_S, ROW_RATE, EvidenceKind


class AcousticScorer:
    """``assessment.scorers.Scorer``. A pure function of window, DNSMOS result, labels and capture; about 2 ms each."""

    name: str = "acoustic"
    kind: EvidenceKind = "acoustic"

    def score(self, requests: Sequence[ScoreRequest]) -> list[ScoreReply]:
        """One reply per request, in order."""
        return [_reply(request) for request in requests]


def _reply(request: ScoreRequest) -> ScoreReply:
    window = request.window
    processed = request.capture.processed
    whole, last = stretches(window, RECENT_S * ROW_RATE)
    reading = read(whole, mos=request.mos, carried_db=window.carried_noise_db)
    # Neither the carried floor nor an earlier window's DNSMOS belongs to the last 4 s.
    recent = read(last, steady=True)
    opinions = {}
    recents = {}
    for label in request.labels.labels:
        now = opinion(label, reading.values, processed=processed, mos_shed=request.mos_shed)
        if now is None:
            continue
        opinions[label.id] = now
        latest = opinion(label, recent.values, processed=processed)
        assert latest is not None
        recents[label.id] = latest
    return ScoreReply(opinions=opinions, recent=recents, measures=shown(reading.measures, processed=processed))
