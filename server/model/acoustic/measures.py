"""All measures of a stretch of rows: those in the result, and those that only curves read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from server.model.acoustic.crosstalk import overlap_share, together_share
from server.model.acoustic.echo import own_echo, patient_hops
from server.model.acoustic.levels import (
    noise,
    signal_to_noise,
    speech_level,
    steady_noise,
    under_echo,
)
from server.model.acoustic.losses import lost_rows
from server.model.acoustic.loudness import peak_pile
from server.model.acoustic.names import PUBLIC_NAMES, Internal
from server.model.acoustic.outbursts import no_words, noise_beside_words
from server.model.acoustic.ratings import room_passes, trusted_mos
from server.model.acoustic.spectrum import (
    Spectrum,
    VoiceSpectrum,
    bandwidth,
    frame_spectra,
    high_band,
    line_band,
    line_edge,
    voice_spectrum,
)
from server.model.acoustic.speech import LEAST_ECHO_ROWS, pauses, reverberation, syllable_rate
from server.model.acoustic.tails import ECHOING, OWN_ECHOING, is_echoing, tails_heard
from server.model.acoustic.voicing import is_whispered
from server.model.acoustic.words import by_row, estimated_estoi, words_snr
from server.scoring.denoising import UNKNOWN_LEVELS
from server.scoring.talking import NOBODY_ASKED
from server.values.audio import Float32Array
from server.values.marked import MarkedRows
from server.values.measures import Measures, Mos
from server.values.rows import ROW_RATE, BoolArray, Column
from server.values.windows import WINDOW_S, Window

SILENT_INPUT_DBFS = -90.0
"""A microphone's own noise is above this level; below it the input is muted or dead."""

CLIPPED_ECHO = 0.003
"""Ratio of clipped samples from which speech has lost the dips that echo would fill; then ``no_clipping`` fails."""

TELEPHONE_EDGE_DB = -20.0
"""Fall at 4 kHz from which a voice came over a telephone line: -24 dB and less after any resampling from 8 kHz, -17 dB
and more otherwise (docs/measures.md)."""

SURE_EDGE_DB = -30.0

OVER_PAUSES_DB, RECENT_OVER_PAUSES_DB = 30.0, 20.0
"""Noise under the words is at most so much louder than in the pauses, dB. Beyond that a denoiser takes away something
else: a cough, the doctor's voice from a loudspeaker. In the last 4 s, which a laugh can fill, the bound is closer."""

LINE_HZ = 4000.0
"""Images over a line's 4 kHz are not voice."""

CLEAN_SNR_DB = 38.0
MOST_LIFT_DB = 7.0
"""A listener turns a quiet recording up by as much as its SNR exceeds what a close microphone gives, at most 7 dB: more
would need a hand on the volume in the middle of a visit."""


@dataclass(frozen=True, slots=True)
class AcousticReading:
    """All measures of one stretch. ``values``: the numbers that curves read, by name; absent = not measurable."""

    measures: Measures
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows to measure, with what the waveform adds."""

    rows: MarkedRows
    spectra: Spectrum
    lost: BoolArray
    echo: Float32Array
    """``Window.echo`` of the stretch, float32 ``(hops, ECHO_LAGS)``."""
    denoised: Float32Array
    """Levels of voice and noise in each row, dBFS, float32 ``(n, 2)``, NaN where unknown."""
    together: Float32Array = field(default_factory=lambda: NOBODY_ASKED)
    """As ``ScoreRequest.together``."""
    telephone: bool = False


def stretches(
    window: Window,
    recent_rows: int,
    *,
    denoised: Float32Array = UNKNOWN_LEVELS,
    together: Float32Array = NOBODY_ASKED,
    telephone: bool = False,
) -> tuple[Stretch, Stretch]:
    """The whole window, and its last ``recent_rows`` rows; the waveform is read once for both.

    ``denoised``, ``together``: as in ``ScoreRequest``; who speaks is asked too rarely to tell of the last rows alone.
    ``telephone``: the source was declared a telephone line.
    """
    rows = MarkedRows(window.rows)
    n = len(rows)
    spectra = frame_spectra(window.pcm, n)
    lost = lost_rows(rows, window.pcm) & ~rows.far_end
    start = max(0, n - recent_rows)
    later = spectra.rows >= start
    recent = Spectrum(spectra.power[later], spectra.rows[later] - start)
    echo = window.echo * patient_hops(rows, window.echo.shape[0])
    later_echo = echo[-(recent_rows // ROW_RATE) :]
    parts = by_row(denoised, n)
    return (
        Stretch(rows, spectra, lost, echo, parts, together, telephone),
        Stretch(rows.last(recent_rows), recent, lost[start:], later_echo, parts[start:], telephone=telephone),
    )


def read(
    stretch: Stretch,
    *,
    mos: Mos | None = None,
    carried_db: float | None = None,
    steady: bool = False,
    in_pauses_only: bool = False,
    room_db: float | None = None,
    dry: bool = False,
    drowned: bool = False,
    tail_alike: float | None = None,
) -> AcousticReading:
    """Measure a stretch. ``steady`` (for ``recent``): use the steady part of the noise, so that one event moves it
    little, and leave out pauses, which no curve reads. ``in_pauses_only``: without a pause there is no noise level.
    ``room_db``: noise of a room that echoes, heard in more than this stretch, whose tails may fill all of it, dBFS.
    ``dry``: in more than this stretch no echo is heard: what dies away here as one does is a noise. ``drowned``: noise
    fills the dips of the speech in its last seconds, as an echo would: no room can be heard. ``tail_alike``:
    ``tails.tail_likeness`` of the whole window."""
    rows = stretch.rows
    n_present = int(np.count_nonzero(rows.present))
    speech_db = speech_level(rows)
    clipping = float(rows.array[rows.present, Column.CLIPPED].mean(dtype=np.float64)) if n_present else None
    spectrum = voice_spectrum(stretch.spectra, rows.sounding_speech, rows.pause)
    whispered = is_whispered(stretch.spectra, rows, speech_db)
    mos = None if whispered else mos
    deaf = whispered or drowned or clipping is None or clipping >= CLIPPED_ECHO
    echo = None if deaf else reverberation(rows)
    spoken = int(np.count_nonzero(rows.sounding_speech))
    own = own_echo(stretch.echo) if spoken >= LEAST_ECHO_ROWS else None
    words = words_snr(rows, stretch.denoised)
    echo, own = tails_heard(echo, own, alike=tail_alike, words_db=words)
    under_tail = whispered or room_db is not None or (not dry and is_echoing(echo, own))
    clipped = clipping is not None and clipping >= CLIPPED_ECHO
    under_words = None if under_tail or clipped else words
    taken = no_words(rows, stretch.denoised, under_words)
    speech_db = speech_db if taken is None else speech_level(rows, taken)
    if steady:
        noise_db, outburst = steady_noise(rows, in_pauses_only=in_pauses_only), False
    else:
        room = noise(rows, carried_db, stretch.lost, in_pauses_only=in_pauses_only)
        noise_db, outburst = noise_beside_words(rows, room, taken)
    if noise_db is not None and under_tail and rows.sounding.any():
        noise_db = min(noise_db, under_echo(rows), noise_db if room_db is None else room_db)
    snr = None if speech_db is None or noise_db is None else signal_to_noise(speech_db, noise_db)
    edge = None if spectrum is None else line_edge(spectrum)
    narrow = spoken >= LEAST_ECHO_ROWS and is_narrow(edge, echo)
    measures = Measures(
        snr_db=snr,
        noise_dbfs=noise_db,
        speech_dbfs=speech_db,
        clipping_ratio=clipping,
        dropout_ratio=dropout_ratio(stretch),
        speech_ratio=float(np.count_nonzero(rows.speech)) / len(rows) if len(rows) else None,
        speech_rate_sps=syllable_rate(rows, taken),
        reverberation=echo,
        bandwidth_hz=_bandwidth_hz(spectrum, narrow),
        pauses=None if steady or speech_db is None else pauses(rows),
        mos_signal=None if mos is None else mos.signal,
        mos_background=None if mos is None else mos.background,
        mos_overall=None if mos is None else mos.overall,
    )
    values = {**_public(measures), **_internal(stretch, measures, n_present, own, outburst=outburst)}
    if under_words is not None and snr is not None:
        values[Internal.WORDS_SNR_DB] = max(under_words, snr - (RECENT_OVER_PAUSES_DB if steady else OVER_PAUSES_DB))
    if not under_tail and (alike := estimated_estoi(rows, stretch.denoised)) is not None:
        values[Internal.ESTIMATED_ESTOI] = alike
    if spectrum is not None:
        values.update(_band_values(spectrum, edge if narrow else None, telephone=stretch.telephone))
    if room_passes(echo):
        values.pop("mos_signal", None)
    if mos is None:
        # Only DNSMOS tells a television from a second talker, and in 4 s a laugh looks like one (decision 11).
        values.pop(Internal.OVERLAP, None)
        values.pop(Internal.TOGETHER, None)
    return AcousticReading(measures, values)


def dropout_ratio(stretch: Stretch) -> float | None:
    """Fraction of the patient's rows that were lost before they reached us (network gaps aside); ``None`` without
    speech."""
    rows = stretch.rows
    present = int(np.count_nonzero(rows.present))
    if present == 0 or not rows.speech.any():
        return None
    return float(np.count_nonzero(stretch.lost)) / present


def _public(measures: Measures) -> dict[str, float]:
    values = {name: getattr(measures, name) for name in PUBLIC_NAMES}
    return {name: float(value) for name, value in values.items() if value is not None}


def is_narrow(edge: float | None, reverberation: float | None) -> bool:
    """Whether the voice stops at 4 kHz as on a telephone line. In a room that echoes a far voice loses its highs too,
    and the fall must be a line's beyond doubt."""
    if edge is None:
        return False
    echoing = reverberation is not None and reverberation >= ECHOING
    return edge <= (SURE_EDGE_DB if echoing else TELEPHONE_EDGE_DB)


def _bandwidth_hz(spectrum: VoiceSpectrum | None, narrow: bool) -> float | None:
    if spectrum is None:
        return None
    return min(bandwidth(spectrum), LINE_HZ) if narrow else bandwidth(spectrum)


def _band_values(spectrum: VoiceSpectrum, edge: float | None, *, telephone: bool) -> dict[str, float]:
    """What judges the bandwidth: of a declared line the band that lines carry, of a line that was not declared its edge
    (images of poor resampling would fill the band over it), of anything else the high band."""
    if telephone:
        return {Internal.LINE_BAND_DB: line_band(spectrum)}
    if edge is not None:
        return {Internal.TELEPHONE_EDGE_DB: edge}
    return {Internal.HIGH_BAND_DB: high_band(spectrum)}


def _internal(
    stretch: Stretch, measures: Measures, n_present: int, own: float | None, *, outburst: bool
) -> dict[str, float]:
    values: dict[str, float] = {}
    rows = stretch.rows
    seconds = np.count_nonzero(rows.speech) / ROW_RATE
    # While the far end speaks the patient listens: the rest proves only speech, not silence.
    if n_present and (measures.speech_dbfs is not None or np.count_nonzero(rows.far_end) <= n_present):
        values[Internal.SPEECH_S] = float(seconds) * WINDOW_S * ROW_RATE / n_present
        dead = (rows.silent | (rows.level_db < SILENT_INPUT_DBFS)) & rows.present
        values[Internal.SILENCE_RATIO] = float(np.count_nonzero(dead)) / n_present
    pile = peak_pile(stretch.rows)
    if pile is not None:
        values[Internal.PEAK_PILE] = pile
    # Where noise hides the room, that nothing comes back does not prove the room dry.
    known = measures.reverberation is not None or (own is not None and own >= OWN_ECHOING)
    if own is not None and measures.speech_dbfs is not None and known:
        values[Internal.SELF_ECHO] = own
    overlap = overlap_share(
        stretch.rows,
        snr_db=measures.snr_db,
        mos_background=measures.mos_background,
        reverberation=measures.reverberation,
    )
    if overlap is not None and not is_echoing(None, own):
        values[Internal.OVERLAP] = overlap
    at_once = together_share(rows, stretch.together, measures, stretch.denoised)
    if at_once is not None and not is_echoing(None, own):
        values[Internal.TOGETHER] = at_once
    if measures.speech_dbfs is not None:
        # A breath in the pauses is not what is lifted with the voice; without a pause, only they tell.
        above = max(measures.snr_db or 0.0, measures.speech_dbfs - under_echo(rows))
        lift = min(max(above - CLEAN_SNR_DB, 0.0), MOST_LIFT_DB)
        values[Internal.LIFTED_SPEECH_DBFS] = measures.speech_dbfs + lift
    if measures.speech_dbfs is None and measures.noise_dbfs is not None:
        values[Internal.NOISE_ALONE_DBFS] = measures.noise_dbfs
    echoing = is_echoing(measures.reverberation, own)
    return {**values, **trusted_mos(rows, measures, echoing=echoing, outburst=outburst)}
