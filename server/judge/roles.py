"""Which of the voices is the patient's, and which are told. Sans-IO."""

import math
from collections.abc import Sequence

from server.judge.voice_tracks import VoiceTrack
from server.values.measures import syllables_per_second
from server.values.rows import ROW_RATE
from server.values.voices import Role, Voice

LEAST_S = 2.0
"""Seconds of speech from which a voice is told."""
FAR_END = 0.5
"""Share of a voice's speech that falls into the far end's, from which it is the far end's voice."""
FAINT_UNDER_DB = 12.0
"""A voice this much fainter than the loudest one is faint: talkers at one table are within 6 dB of each other."""
LEAST_FAINT_S = 3.0
"""Seconds alone that a voice must be heard before it is called faint, and the loudest one before others are."""
MOST_FALL_DB, ECHOES_BESIDE = 11.5, 0.78
"""A voice whose syllables fall by less, and by so much less than another's, comes through the room from a loudspeaker:
so did 19 of 20 doctors' in made visits and none of 20 patients' (docs/decisions/0031)."""
FAR_UNDER_DB = 15.0
"""Of two voices in a visit, one that is this much fainter comes from elsewhere: the patient is the one who is near."""
LEAST_DIRECT = 0.15
"""Share of the speech that all others must have: who merely sits nearer to the telephone is not the patient."""
STRANGERS_S = 30.0
"""Seconds of others after which a voice that is known and was not heard is given up: the patient sounds different now,
or somebody else made the check."""
LEAST_PACE_S = 3.0
"""Seconds of speech alone from which a pace is told."""


def told_voices(tracks: Sequence[VoiceTrack], *, processed: bool = False, visit: bool = False) -> tuple[Voice, ...]:
    """Voices with two seconds of speech or more, in the order in which they were first heard.

    The patient's is the one that is known from a check before. Otherwise it is that with most speech which is not the
    far end's; in a ``visit`` in which nobody tells the far end, one that comes from a loudspeaker, or is much fainter
    than another, is the patient's only if all do. ``processed``: the browser's processing falsifies levels, so that
    none is told or compared.
    """
    told = [track for track in tracks if track.seconds >= LEAST_S]
    near = [track for track in told if track.far_rows < FAR_END * track.rows]
    untold = visit and not any(track.far_rows for track in tracks)
    patient = _patient(tracks, near, untold=untold, levels=not processed)
    known = [] if processed else [level for track in near if (level := _level_db(track)) is not None]
    loudest = max(known, default=None)
    return tuple(
        _voice(
            track, _role(track, near, patient), faint=track in near and _is_faint(track, loudest), levels=not processed
        )
        for track in told
    )


def _patient(
    tracks: Sequence[VoiceTrack], near: Sequence[VoiceTrack], *, untold: bool, levels: bool
) -> VoiceTrack | None:
    if any(track.known for track in tracks):
        own = next((track for track in near if track.known), None)
        if own is not None or sum(track.seconds for track in near) < STRANGERS_S:
            return own
    return max(_direct(near, levels=levels) if untold else near, key=lambda track: track.rows, default=None)


def _direct(near: Sequence[VoiceTrack], *, levels: bool) -> list[VoiceTrack]:
    """Without those that come through the room where another does not, or from far away where another is near, unless
    hardly anything is left."""
    most = max((fall for track in near if (fall := track.fall_db) is not None), default=0)
    limit = min(MOST_FALL_DB, ECHOES_BESIDE * most)
    dry = [track for track in near if track.fall_db is None or track.fall_db >= limit]
    loudest = max((level for track in dry if (level := _level_db(track)) is not None), default=-math.inf)
    direct = [
        track for track in dry if not levels or (level := _level_db(track)) is None or level > loudest - FAR_UNDER_DB
    ]
    enough = sum(track.rows for track in direct) >= LEAST_DIRECT * sum(track.rows for track in near)
    return direct if enough else list(near)


def _level_db(track: VoiceTrack) -> float | None:
    return track.level_db if track.alone >= LEAST_FAINT_S * ROW_RATE else None


def _is_faint(track: VoiceTrack, loudest_db: float | None) -> bool:
    level_db = _level_db(track)
    return loudest_db is not None and level_db is not None and level_db <= loudest_db - FAINT_UNDER_DB


def _role(track: VoiceTrack, near: Sequence[VoiceTrack], patient: VoiceTrack | None) -> Role:
    if track is patient:
        return Role.PATIENT
    return Role.OTHER if track in near else Role.FAR_END


def _voice(track: VoiceTrack, role: Role, *, faint: bool, levels: bool) -> Voice:
    alone_s = track.alone / ROW_RATE
    return Voice(
        id=f"v{track.number}",
        role=role,
        speech_s=track.seconds,
        speech_dbfs=track.level_db if levels else None,
        snr_db=track.snr_db if levels else None,
        speech_rate_sps=syllables_per_second(track.nuclei / alone_s) if alone_s >= LEAST_PACE_S else None,
        faint=faint,
        spans=tuple((start / ROW_RATE, end / ROW_RATE) for start, end in track.spans),
    )
