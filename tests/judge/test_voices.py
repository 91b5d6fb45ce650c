"""Voices are told apart in sample time, within bounds, and go on after a restart."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.judge.roles import FAR_UNDER_DB, told_voices
from server.judge.voice_tracks import MOST_SPANS
from server.judge.voices import MOST_VOICES, VoiceBook
from server.values.audio import Float32Array
from server.values.voices import HeardRows, HeardTalker, Role

ROWS = 500
NOBODY = np.zeros(ROWS, np.bool_)


def voice(number: int, *, like: int | None = None, by: float = 0.0) -> Float32Array:
    """One of unlike voices; ``like`` another one ``by`` so much."""
    made = np.zeros(192, np.float32)
    made[number] = 1.0 if like is None else np.sqrt(1.0 - by * by)
    if like is not None:
        made[like] = by
    return made


def rows(stretch: int, level_db: float = -30.0, *, far_end: bool = False) -> HeardRows:
    levels = np.full(ROWS, level_db, np.float32)
    return HeardRows(stretch * ROWS, levels, levels, ~NOBODY, np.full(ROWS, far_end), NOBODY.copy())


def talker(
    known_by: Float32Array | None, start: int = 0, end: int = ROWS, *, before: slice | None = None
) -> HeardTalker:
    new, old = NOBODY.copy(), np.zeros(400, np.bool_)
    new[start:end] = True
    old[before or slice(0, 0)] = True
    return HeardTalker(new, old, known_by, (end - start) / 100 if known_by is not None else 0.0)


def test_one_person_is_one_voice_and_another_is_another() -> None:
    book = VoiceBook()
    for stretch, number in enumerate((1, 2, 1, 1)):
        book.add(rows(stretch), [talker(voice(number, like=100 + stretch, by=0.5))])
    assert [(track.number, track.seconds) for track in book.tracks] == [(1, 15.0), (2, 5.0)]
    assert book.tracks[0].spans == [[0, 500], [1000, 2000]]


def test_two_talkers_of_one_stretch_are_two_voices_however_alike() -> None:
    book = VoiceBook()
    book.add(rows(0), [talker(voice(1)), talker(voice(2, like=1, by=0.6), 300)])
    assert [track.seconds for track in book.tracks] == [5.0, 2.0]


def test_what_turns_out_to_be_one_voice_becomes_one() -> None:
    book = VoiceBook()
    book.add(rows(0), [talker(voice(1))])
    book.add(rows(1), [talker(voice(2, like=1, by=0.4))])
    assert len(book.tracks) == 2
    book.add(rows(2), [talker(voice(2, like=1, by=0.9))])
    book.add(rows(3), [talker(voice(2, like=1, by=0.9))])
    assert [(track.number, track.seconds) for track in book.tracks] == [(1, 20.0)]
    assert book.tracks[0].spans == [[0, 2000]]


def test_a_word_is_whose_turn_it_was_and_else_nobodys() -> None:
    book = VoiceBook()
    book.add(rows(0), [talker(voice(1), 0, 450)])
    book.add(rows(1), [talker(None, 0, 40, before=slice(200, 350))])
    book.add(rows(2), [talker(None, 200, 240)])
    assert [track.rows for track in book.tracks] == [490]


def test_a_sound_that_is_too_short_begins_no_voice() -> None:
    book = VoiceBook()
    book.add(rows(0), [talker(voice(1), 0, 90)])
    assert book.tracks == []


def test_levels_are_of_speech_alone_over_what_is_heard_while_nobody_speaks() -> None:
    book = VoiceBook()
    heard = rows(0)
    heard.level_db[:] = -60.0
    heard.level_db[:300] = -30.0
    heard.level_db[200:300] = -10.0
    book.add(heard, [talker(voice(1), 0, 300), talker(voice(2), 200, 300)])
    first, second = book.tracks
    assert first.level_db == pytest.approx(-30.0)
    assert first.snr_db == pytest.approx(30.0, abs=0.1)
    assert second.level_db is None, "it never speaks alone"


def test_lost_audio_is_nobodys() -> None:
    book = VoiceBook()
    present = ~NOBODY
    present[100:] = False
    book.add(replace(rows(0), present=present), [talker(voice(1))])
    assert book.tracks[0].rows == 100


def test_the_voice_heard_while_the_far_end_speaks_is_never_the_patients() -> None:
    book = VoiceBook()
    for stretch in range(4):
        book.add(rows(stretch, far_end=stretch != 1), [talker(voice(2 if stretch != 1 else 1))])
    assert [(one.role, one.speech_s) for one in told_voices(book.tracks)] == [(Role.FAR_END, 15.0), (Role.PATIENT, 5.0)]


def test_the_patient_is_who_speaks_most_and_a_few_words_are_no_voice() -> None:
    book = VoiceBook()
    for stretch, number in enumerate((1, 2, 2)):
        book.add(rows(stretch), [talker(voice(number))])
    book.add(rows(3), [talker(voice(3), 0, 150)])
    told = told_voices(book.tracks)
    assert [(one.id, one.role) for one in told] == [("v1", Role.OTHER), ("v2", Role.PATIENT)]
    assert told[1].spans == ((5.0, 15.0),)


def test_memory_is_bounded_in_voices_and_spans() -> None:
    book = VoiceBook()
    for stretch in range(MOST_VOICES + 3):
        book.add(rows(stretch), [talker(voice(stretch))])
    assert len(book.tracks) == MOST_VOICES
    for turn in range(2 * MOST_SPANS):
        book.add(rows(MOST_VOICES + 3 + turn), [talker(voice(MOST_VOICES + 2), 200, 320)])
    assert max(len(track.spans) for track in book.tracks) == MOST_SPANS
    assert max(track.rows for track in book.tracks) == 500 + 2 * MOST_SPANS * 120


def test_a_voiceprint_is_in_no_representation() -> None:
    book = VoiceBook()
    book.add(rows(0), [talker(voice(1) * np.float32(0.123))])
    assert "0.123" not in repr(book)
    assert "array" not in repr(book)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 400)), min_size=2, max_size=12), st.data())
def test_a_book_that_was_carried_over_goes_on_alike(turns: list[tuple[int, int]], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(turns)))
    whole, part = VoiceBook(), VoiceBook()
    for stretch, (number, start) in enumerate(turns):
        if stretch == cut:
            part = VoiceBook.restore(part.snapshot())
        for book in (whole, part):
            book.add(rows(stretch), [talker(voice(number, like=6, by=0.3), start)])
    assert part.snapshot() == whole.snapshot()


def through_a_room(level: Float32Array, kept: float) -> Float32Array:
    """What a room gives back: the level falls by no more than ``kept`` dB in a row."""
    out = level.copy()
    for row in range(1, len(out)):
        out[row] = max(level[row], out[row - 1] - kept)
    return out


def conversation(
    doctor_falls: float, doctor_s: int, patient_s: int = 3, far_s: int = 0, under_db: float = 0.0
) -> VoiceBook:
    """A patient and a doctor in turns, in syllables of 0.2 s; ``doctor_falls``: dB a row; ``under_db``: by how much the
    doctor is fainter. ``far_s``: then somebody whom the call tells as the far end."""
    book, syllables = VoiceBook(), np.where(np.arange(ROWS) % 20 < 12, -30.0, -70.0).astype(np.float32)
    for stretch, (number, falls) in enumerate([(1, 20.0)] * patient_s + [(2, doctor_falls)] * doctor_s):
        level = through_a_room(syllables, falls) - np.float32(under_db if number == 2 else 0.0)
        heard = HeardRows(stretch * ROWS, level, level, ~NOBODY, NOBODY, NOBODY)
        book.add(heard, [talker(voice(number))])
    for stretch in range(doctor_s + patient_s, doctor_s + patient_s + far_s):
        heard = HeardRows(stretch * ROWS, syllables, syllables, ~NOBODY, ~NOBODY, NOBODY)
        book.add(heard, [talker(voice(3))])
    return book


def patients(book: VoiceBook, *, visit: bool, processed: bool = False) -> list[int]:
    told = told_voices(VoiceBook.restore(book.snapshot()).tracks, visit=visit, processed=processed)
    return [place for place, one in enumerate(told, 1) if one.role is Role.PATIENT]


def test_in_a_visit_who_comes_from_the_loudspeaker_is_not_the_patient_however_much_is_said() -> None:
    assert patients(conversation(1.5, doctor_s=5), visit=True) == [1]
    assert patients(conversation(1.5, doctor_s=5), visit=False) == [2]
    assert patients(conversation(18.0, doctor_s=5), visit=True) == [2], "both are in the room"


def test_in_a_visit_who_is_much_fainter_than_another_is_not_the_patient_however_much_is_said() -> None:
    far = conversation(18.0, doctor_s=5, under_db=FAR_UNDER_DB + 0.5)
    assert patients(far, visit=True) == [1]
    assert patients(far, visit=False) == [2]
    assert patients(far, visit=True, processed=True) == [2], "a gain of the microphone falsifies levels"
    assert patients(conversation(18.0, doctor_s=5, under_db=FAR_UNDER_DB - 0.5), visit=True) == [2]
    assert patients(conversation(18.0, doctor_s=20, under_db=FAR_UNDER_DB + 0.5), visit=True) == [2], (
        "all but a few words"
    )


def test_where_the_call_tells_the_far_end_who_sits_far_from_the_telephone_stays_the_patient() -> None:
    assert patients(conversation(1.5, doctor_s=5, far_s=2), visit=True) == [2]


def test_who_hardly_speaks_is_not_the_patient_for_sitting_nearer() -> None:
    assert patients(conversation(1.5, doctor_s=20), visit=True) == [2]
