"""What may be the doctor's voice from the loudspeaker is not believed of the patient before it outlasts a turn."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pytest

from server.judge.contrasts import ECHOES_FOR_S, FAINT_FOR_S, UNKNOWN_ROOM_S, VERY_FAINT_FOR_S
from server.judge.judgement import LatestSound, PromptRaised, WindowFacts
from server.judge.other_sound import OWN_SPEECH_S, SOUNDS_FOR_S
from server.judge.other_voice import OtherVoice
from server.judge.session import SessionJudge
from server.judge.sounds import Interference
from server.values.mode import Mode
from server.values.scores import LabelScore
from server.values.text import Text
from tests.judge.builders import TELEMEDICINE, facts, opinions

ROOM_DB, USUAL_DB = -65.0, -25.0
WELL = {"low_reverberation": 1.0, "close_enough": 1.0, "low_background": 1.0, "intelligible": 1.0}


@dataclass(frozen=True)
class Second:
    """One second of a visit. ``level``: of all that sounds in it, dBFS. ``scores``: recent ones that are not perfect,
    by label id."""

    speech: float
    level: float
    swing: float = 30.0
    scores: tuple[tuple[str, float], ...] = ()


SPEAKS, LISTENS = Second(1.0, USUAL_DB), Second(0.0, ROOM_DB, 3.0)


def echoing(speech: float = 1.0) -> Second:
    return Second(speech, USUAL_DB, scores=(("low_reverberation", 0.3),))


def faint(level: float, score: float = 0.4) -> Second:
    return Second(1.0, level, scores=(("close_enough", score),))


def sounding(swing: float, speech: float = 0.0, **others: float) -> Second:
    return Second(speech, -30.0, swing, (("low_background", 0.1), *others.items()))


def doubted_in(visit: Sequence[Second]) -> list[set[str]]:
    """Labels that are not believed, after each second."""
    return list(doubts(OtherVoice(), visit))


def doubts(voice: OtherVoice, visit: Sequence[Second], begins_s: int = 0) -> Iterator[set[str]]:
    for at, second in enumerate(visit, begins_s + 1):
        latest = {label_id: LabelScore(score, {}) for label_id, score in (WELL | dict(second.scores)).items()}
        latest = {label.id: latest.get(label.id, LabelScore(1.0, {})) for label in TELEMEDICINE.labels}
        yield voice.doubted(heard(at, second), TELEMEDICINE, latest)


def heard(at: int, second: Second) -> WindowFacts:
    speech_dbfs = second.level if second.speech >= 0.25 else None
    sound = LatestSound(second.level, speech_dbfs, min(ROOM_DB, second.level), second.swing)
    return replace(facts(at), speech_by_second=(round(100 * second.speech),), sound=sound)


def test_an_echo_after_a_dry_voice_is_believed_when_it_outlasts_a_turn() -> None:
    found = doubted_in([*[SPEAKS] * 10, *[echoing()] * 30])
    until = 10 + round(ECHOES_FOR_S) - 1
    assert all("low_reverberation" in one for one in found[10:until])
    assert not any(found[until:])


def test_turns_of_the_other_party_do_not_add_up() -> None:
    turns = [*[SPEAKS] * 6, *[echoing()] * 15] * 5
    assert all(
        "low_reverberation" in one for one, second in zip(doubted_in(turns), turns, strict=True) if second.scores
    )


def test_seconds_of_silence_do_not_make_an_echo_last() -> None:
    found = doubted_in([*[SPEAKS] * 10, *[echoing()] * 5, *[echoing(0.0)] * 60])
    assert "low_reverberation" in found[-1]


def test_a_room_that_echoes_from_the_start_is_told_sooner() -> None:
    found = doubted_in([echoing()] * 12)
    assert [bool(one) for one in found] == [at < UNKNOWN_ROOM_S for at in range(1, 13)]


def test_the_talkers_own_echo_is_believed_sooner_than_a_rooms() -> None:
    voice = OtherVoice()
    list(doubts(voice, [SPEAKS] * 10))
    latest = {label.id: LabelScore(1.0, {}) for label in TELEMEDICINE.labels}
    latest["low_reverberation"] = LabelScore(0.3, {}, cause="self_echo")
    found = [bool(voice.doubted(heard(at, echoing()), TELEMEDICINE, latest)) for at in range(11, 23)]
    assert found == [at < UNKNOWN_ROOM_S for at in range(1, 13)]


def test_a_voice_that_is_suddenly_faint_is_believed_when_it_outlasts_a_turn() -> None:
    found = doubted_in([*[SPEAKS] * 10, *[faint(-42, 0.6)] * 30])
    until = 10 + round(FAINT_FOR_S) - 1
    assert all("close_enough" in one for one in found[10:until])
    assert not any(found[until:])


def test_a_voice_that_is_suddenly_too_faint_for_words_is_believed_sooner() -> None:
    found = doubted_in([*[SPEAKS] * 10, *[faint(-50, 0.3)] * 20])
    assert [bool(one) for one in found[10:]] == [at < VERY_FAINT_FOR_S for at in range(1, 21)]


def test_who_walked_away_is_believed_for_as_long_as_the_voice_is_faint() -> None:
    fading = [faint(level, 1.0) for level in (-29, -33, -38, -43)]
    assert not any(doubted_in([*[SPEAKS] * 10, *fading, *[faint(-47), faint(-44)] * 8]))


def test_a_voice_that_sinks_slowly_after_a_sudden_fall_has_not_walked_away() -> None:
    other = [faint(level, 0.6) for level in (-38, -38.7, -39.2, -39.9, -39.6, -45)]
    assert doubted_in([*[SPEAKS] * 10, *other])[-1]


def test_who_walks_away_while_speaking_is_believed_at_once() -> None:
    fading = [faint(level, score) for level, score in ((-29, 1.0), (-33, 1.0), (-38, 0.8), (-43, 0.6), (-47, 0.4))]
    assert not any(doubted_in([*[SPEAKS] * 10, *fading, *[faint(-47)] * 5]))


def test_soft_ends_of_phrases_before_the_other_voice_are_not_walking_away() -> None:
    found = doubted_in([*[SPEAKS] * 10, faint(-34, 1.0), faint(-34.5, 1.0), *[faint(-45)] * 5])
    assert all("close_enough" in one for one in found[-5:])


def test_a_patient_who_was_faint_from_the_start_is_believed() -> None:
    assert not any(doubted_in([faint(-46)] * 10))


def test_a_sound_like_a_voice_where_the_patient_falls_silent_is_no_noise() -> None:
    found = doubted_in([LISTENS, *[SPEAKS] * 10, *[sounding(12.0)] * 30])
    assert all({"low_background", "intelligible"} <= one for one in found[11 : 11 + round(SOUNDS_FOR_S)])
    assert not any(found[12 + round(SOUNDS_FOR_S) :])


def test_a_steady_noise_is_believed_as_soon_as_it_is_heard_alone() -> None:
    found = doubted_in([LISTENS, *[SPEAKS] * 10, sounding(36.0), *[sounding(2.0)] * 5])
    assert not any(found[12:])


def test_a_noise_that_begins_while_the_patient_listens_is_believed() -> None:
    assert not any(doubted_in([LISTENS, *[SPEAKS] * 10, *[LISTENS] * 4, *[sounding(12.0)] * 10]))


def test_a_noise_that_was_there_while_the_patient_spoke_is_believed() -> None:
    noisy = Second(1.0, -25, scores=(("low_background", 0.1),))
    assert not any(doubted_in([LISTENS, *[SPEAKS] * 10, *[noisy] * 3, *[sounding(12.0)] * 10]))


def test_a_noise_beside_which_the_patient_speaks_again_is_believed() -> None:
    found = doubted_in([LISTENS, *[SPEAKS] * 10, *[sounding(12.0)] * 5, *[sounding(12.0, 1.0)] * 5])
    assert "low_background" in found[15]
    assert not any(found[15 + round(OWN_SPEECH_S + 0.5) :])


def test_speech_that_echoes_is_not_the_patient_speaking_beside_the_noise() -> None:
    found = doubted_in(
        [LISTENS, *[SPEAKS] * 10, *[sounding(12.0, 1.0 * (at > 2), low_reverberation=0.3) for at in range(9)]]
    )
    assert "low_background" in found[-1]


STORY = [
    LISTENS,
    *[SPEAKS] * 8,
    *[sounding(12.0)] * 4,
    *[SPEAKS] * 3,
    *[echoing()] * 6,
    *[SPEAKS] * 5,
    *[faint(-45)] * 9,
]


@pytest.mark.parametrize("cut", range(0, len(STORY), 3))
def test_restored_from_json_it_doubts_as_the_unbroken_one(cut: int) -> None:
    first = OtherVoice()
    before = list(doubts(first, STORY[:cut]))
    second = OtherVoice.restore(json.loads(json.dumps(first.snapshot())))
    assert [*before, *doubts(second, STORY[cut:], cut)] == doubted_in(STORY)


def raised(mode: Mode, visit: Sequence[Second]) -> list[str]:
    judge = SessionJudge(TELEMEDICINE, mode)
    told = []
    for at, second in enumerate(visit, 1):
        if at >= 3:
            scores = {label.id: 1.0 for label in TELEMEDICINE.labels if label.acoustic} | dict(second.scores)
            events = judge.add_window(heard(at, second), opinions(scores), opinions(scores)).prompts
            told += [event.id for event in events if isinstance(event, PromptRaised)]
    return told


def test_in_a_visit_the_doctors_turn_raises_no_prompt_and_no_span() -> None:
    turn = [*[SPEAKS] * 10, *[echoing()] * 12, *[SPEAKS] * 10]
    assert raised(Mode.VISIT, turn) == []
    assert raised(Mode.RECORDING, turn) == ["reduce_echo"]


def test_the_doctors_turn_is_no_stretch_to_ask_again() -> None:
    judge = SessionJudge(TELEMEDICINE, Mode.VISIT)
    for at, second in enumerate([*[SPEAKS] * 10, *[echoing()] * 12, *[SPEAKS] * 10], 1):
        scores = {label.id: 1.0 for label in TELEMEDICINE.labels if label.acoustic} | dict(second.scores)
        judge.add_window(heard(at, second), opinions(scores), opinions(scores))
    assert judge.conclude().unusable_spans == []


def test_a_visit_whose_sound_is_unknown_is_judged_as_it_is() -> None:
    """Windows without the sound of their last second, as after lost audio: nothing is doubted but the echo."""
    voice = OtherVoice()
    latest = {label.id: LabelScore(0.1, {}) for label in TELEMEDICINE.labels}
    assert voice.doubted(replace(facts(10), sound=None), TELEMEDICINE, latest) == {"low_reverberation"}


def test_a_room_that_echoes_is_told_although_noise_hides_it_now_and_then() -> None:
    """A window in noise reads no echo. One of them used to begin the count anew, for ever."""
    flickering = [*[echoing()] * 7, SPEAKS] * 5
    assert "low_reverberation" not in doubted_in([*[SPEAKS] * 20, *flickering])[20 + 25]


def test_a_patient_of_whom_little_is_heard_is_believed_in_the_end() -> None:
    """A fifth of a second of speech in each: too little for a level, and for ever doubted, and with it the noise."""
    scores = (("close_enough", 0.3), ("low_background", 0.2))
    found = doubted_in([*[SPEAKS] * 20, *[Second(0.2, -43.0, scores=scores)] * 100])
    assert "close_enough" in found[30]
    assert "close_enough" not in found[-1]


@pytest.mark.parametrize("second", [echoing(), faint(-42, 0.6)])
def test_windows_that_are_missing_do_not_prolong_a_doubt(second: Second) -> None:
    visit = [*[SPEAKS] * 21, *[second] * 40]
    every, third = believed_after(visit, 1), believed_after(visit, 3)
    assert abs(every - third) <= 3


def believed_after(visit: Sequence[Second], every: int) -> int:
    """The last second that was doubted, if only every so many windows are judged."""
    voice, last = OtherVoice(), 0
    for at, second in enumerate(visit, 1):
        if at % every == 0:
            latest = {label.id: LabelScore(dict(second.scores).get(label.id, 1.0), {}) for label in TELEMEDICINE.labels}
            speech = tuple(round(100 * one.speech) for one in visit[max(at - 10, 0) : at])
            if voice.doubted(replace(heard(at, second), speech_by_second=speech), TELEMEDICINE, latest):
                last = at
    return last


def test_a_label_that_was_out_of_the_set_is_not_judged_by_what_was_heard_before() -> None:
    voice = OtherVoice()
    list(doubts(voice, [LISTENS, *[SPEAKS] * 10]))
    others = replace(TELEMEDICINE, labels=tuple(label for label in TELEMEDICINE.labels if label.id != "low_background"))
    latest = {label.id: LabelScore(1.0, {}) for label in TELEMEDICINE.labels}
    for at in range(12, 100):
        voice.doubted(heard(at, LISTENS), others, latest)
    assert not any(doubts(voice, [sounding(12.0)] * 3, 100))


def test_the_doctors_turns_take_nothing_from_a_visit_that_passes() -> None:
    judge = SessionJudge(TELEMEDICINE, Mode.VISIT)
    other = Second(1.0, USUAL_DB - 18, scores=(("close_enough", 0.45), ("low_background", 0.2)))
    for at, second in enumerate([*[*[SPEAKS] * 15, *[other] * 10] * 6, *[SPEAKS] * 15], 1):
        scores = {label.id: 1.0 for label in TELEMEDICINE.labels if label.acoustic} | dict(second.scores)
        judge.add_window(heard(at, second), opinions(scores), opinions(scores))
    conclusion = judge.conclude()
    assert conclusion.overall.verdict == "accept", conclusion.advice.en


@pytest.mark.parametrize(("name", "told_s"), [("baby_cry", 2), ("tv", SOUNDS_FOR_S), (None, SOUNDS_FOR_S)])
def test_what_has_a_name_is_not_taken_for_the_doctor(name: str | None, told_s: float) -> None:
    judge = SessionJudge(TELEMEDICINE, Mode.VISIT)
    around = [] if name is None else [Interference(name, Text("", name), 0.9, Text("", f"I hear {name}"))]
    told = []
    for at, second in enumerate([LISTENS, *[SPEAKS] * 10, *[sounding(12.0)] * 30], 1):
        scores = {label.id: 1.0 for label in TELEMEDICINE.labels if label.acoustic} | dict(second.scores)
        judged = judge.add_window(heard(at, second), opinions(scores), opinions(scores), around)
        told += [at - 11 for event in judged.prompts if isinstance(event, PromptRaised)]
    assert told[0] == pytest.approx(told_s, abs=2)


def test_a_restored_visit_still_knows_how_the_patient_sounds() -> None:
    judge = SessionJudge(TELEMEDICINE, Mode.VISIT)
    told = []
    for at, second in enumerate([*[SPEAKS] * 10, *[echoing()] * 12], 1):
        if at == 12:
            judge = SessionJudge.restore(json.loads(json.dumps(judge.snapshot())), TELEMEDICINE, Mode.VISIT)
        scores = {label.id: 1.0 for label in TELEMEDICINE.labels if label.acoustic} | dict(second.scores)
        told += judge.add_window(heard(at, second), opinions(scores), opinions(scores)).prompts
    assert told == []


def windows_missing(visit: Sequence[Second], judged: Sequence[int]) -> list[bool]:
    """Whether the noise is doubted in each of the windows ``judged``, by the second in which they end."""
    voice, found = OtherVoice(), []
    for at in judged:
        second = visit[at - 1]
        latest = {label.id: LabelScore(dict(second.scores).get(label.id, 1.0), {}) for label in TELEMEDICINE.labels}
        speech = tuple(round(100 * one.speech) for one in visit[max(at - 10, 0) : at])
        window = replace(heard(at, second), speech_by_second=speech)
        found.append("low_background" in voice.doubted(window, TELEMEDICINE, latest))
    return found


BEGINS = [LISTENS, *[SPEAKS] * 10, sounding(12.0)]


def test_speech_of_windows_that_are_missing_is_the_patients_too() -> None:
    """Two of three windows are missing. Only the last second of each counted, which held none of the speech."""
    visit = [*BEGINS, *[sounding(12.0, 1.0), sounding(12.0, 1.0), sounding(12.0)] * 2]
    assert windows_missing(visit, [*range(1, 13), 15, 18]) == [*[False] * 11, True, True, False]


def test_who_spoke_in_a_window_that_is_missing_has_only_just_fallen_silent() -> None:
    """The patient spoke a second ago, while no window was judged."""
    visit = [LISTENS, *[SPEAKS] * 6, *[LISTENS] * 4, *[SPEAKS] * 2, *[sounding(12.0)] * 3]
    every = windows_missing(visit, range(1, 17))
    assert every[13:] == [True] * 3
    assert windows_missing(visit, [*range(1, 12), 14, 15, 16])[-3:] == [True] * 3
