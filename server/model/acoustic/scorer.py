"""The acoustic scorer: measures of a window and the opinions that follow from them."""

from collections.abc import Sequence

from server.model.acoustic.crosstalk import latest_share
from server.model.acoustic.loudness import carried_pile
from server.model.acoustic.measures import AcousticReading, Stretch, read, stretches
from server.model.acoustic.names import Internal
from server.model.acoustic.opinions import opinion
from server.model.acoustic.speech import is_drowned
from server.model.acoustic.tails import is_echoing, tail_likeness
from server.scoring.denoising import UNKNOWN_LEVELS
from server.scoring.ports import ScoreReply, ScoreRequest
from server.scoring.talking import NOBODY_ASKED
from server.values.audio import CaptureSource, Float32Array
from server.values.measures import Mos
from server.values.rows import ROW_RATE
from server.values.scores import ScorerKind
from server.values.windows import RECENT_S, Window

WAITS_S = 6
"""Without a pause, the quietest syllables of the first seconds read as noise: clean speech had an SNR of 13 dB. From
here on they bound the noise closely enough; with DNSMOS the recording is over, and the bound is all there is."""


class AcousticScorer:
    """``scoring.scorers.Scorer``. A pure function of window, DNSMOS result, labels and capture; about 2 ms each."""

    name: str = "acoustic"
    kind: ScorerKind = "acoustic"

    def score(self, requests: Sequence[ScoreRequest]) -> list[ScoreReply]:
        """One reply per request, in order."""
        return [_reply(request) for request in requests]


def readings(
    window: Window,
    mos: Mos | None,
    *,
    denoised: Float32Array = UNKNOWN_LEVELS,
    together: Float32Array = NOBODY_ASKED,
    telephone: bool = False,
) -> tuple[AcousticReading, AcousticReading]:
    """The measures of the whole window and of its last 4 s. ``denoised``, ``together``: as in ``ScoreRequest``.
    ``telephone``: the source was declared a telephone line."""
    whole, last = stretches(window, RECENT_S * ROW_RATE, denoised=denoised, together=together, telephone=telephone)
    waits = mos is None and window.partial and window.rows.shape[0] < WAITS_S * ROW_RATE
    drowned, alike = is_drowned(last.rows), tail_likeness(denoised)
    reading = read(
        whole, mos=mos, carried_db=window.carried_noise_db, in_pauses_only=waits, drowned=drowned, tail_alike=alike
    )
    # Neither the carried floor nor an earlier window's DNSMOS belongs to the last 4 s.
    echoing = is_echoing(reading.measures.reverberation, reading.values.get(Internal.SELF_ECHO))
    known_db = reading.measures.noise_dbfs if echoing else None
    dry = reading.measures.reverberation is not None and not echoing
    recent = read(last, steady=True, in_pauses_only=waits, room_db=known_db, dry=dry, drowned=drowned, tail_alike=alike)
    more = {**_ceiling(reading, window), **_room(reading, recent), **_together(reading, whole)}
    return reading, AcousticReading(recent.measures, {**recent.values, **more})


def _ceiling(whole: AcousticReading, window: Window) -> dict[str, float]:
    """What 4 s cannot tell: a ceiling of the level shows in hundreds of peaks only, in the whole window and in the
    session's speech before it."""
    piles = [whole.values.get(Internal.PEAK_PILE), carried_pile(window.carried_peaks)]
    known = [pile for pile in piles if pile is not None]
    return {Internal.PEAK_PILE: min(known)} if piles[0] is not None else {}


def _together(whole: AcousticReading, stretch: Stretch) -> dict[str, float]:
    """Of the last seconds that were asked about, as far as the whole window bears it out: it knows the noise."""
    over_all = whole.values.get(Internal.TOGETHER)
    latest = latest_share(stretch.rows, stretch.together, stretch.denoised)
    return {} if over_all is None or latest is None else {Internal.TOGETHER: min(over_all, latest)}


def _room(whole: AcousticReading, recent: AcousticReading) -> dict[str, float]:
    """Noise in 4 s looks like a room now and then, which does not change from one second to the next."""
    rooms = [heard for one in (whole, recent) if (heard := one.measures.reverberation) is not None]
    return {"reverberation": min(rooms)} if len(rooms) > 1 else {}


def _reply(request: ScoreRequest) -> ScoreReply:
    basis = request.capture.basis
    telephone = request.capture.source is CaptureSource.TELEPHONE
    reading, recent = readings(
        request.window, request.mos, denoised=request.denoised, together=request.together, telephone=telephone
    )
    opinions = {}
    recents = {}
    for label in request.labels.labels:
        now = opinion(label, reading.values, basis=basis, mos_shed=request.mos_shed)
        if now is None:
            continue
        opinions[label.id] = now
        latest = opinion(label, recent.values, basis=basis)
        assert latest is not None
        recents[label.id] = latest
    return ScoreReply(opinions=opinions, recent=recents, measures=reading.measures)
