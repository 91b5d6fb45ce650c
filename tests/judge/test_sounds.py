"""Which sound a window holds, from how near its texts lie."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.dictionaries.sounds import load_sounds
from server.judge.sounds import Sounds, disturbance, own_sound, softmax
from server.resources import labels_dir

SOUNDS = load_sounds(labels_dir())
INTERFERENCE = [
    *("babble", "tv", "music", "baby_cry", "fan_ac", "traffic", "electrical_hum", "typing", "dog_bark", "appliance"),
    *("wind", "siren_alarm", "second_talker"),
]
OWN = ["coughing", "sneezing", "crying", "laughing"]


def near(**ids: float) -> dict[str, float]:
    """Everything at 0 except the named ones."""
    return dict.fromkeys(SOUNDS.texts(), 0.0) | ids


def test_the_shipped_ids_are_those_of_the_design() -> None:
    assert [sound.id for sound in SOUNDS.interference] == INTERFERENCE
    assert [sound.id for sound in SOUNDS.events] == OWN


@pytest.mark.parametrize("sound_id", INTERFERENCE)
def test_a_disturbance_that_stands_out_is_named_with_its_share(sound_id: str) -> None:
    found = disturbance(near(**{sound_id: 4.0}), SOUNDS)
    assert found is not None
    assert found.id == sound_id
    assert found.score == pytest.approx(math.exp(4) / (math.exp(4) + 13))
    assert found.prompt.zh != found.title.zh


@pytest.mark.parametrize("sound_id", OWN)
def test_a_sound_of_the_patient_is_an_event_and_no_interference(sound_id: str) -> None:
    nearness = near(**{sound_id: 4.0, "dog_bark": 3.0, "baby_cry": 3.0, "babble": 3.0, "tv": 3.0})
    found = own_sound(nearness, SOUNDS)
    assert found is not None
    assert found.id == sound_id
    assert found.score == pytest.approx(math.exp(4) / (math.exp(4) + 4))
    assert disturbance(nearness, SOUNDS) is None


@pytest.mark.parametrize(
    "nearness",
    [near(), near(quiet=4.0, tv=2.0), near(tv=3.0, babble=2.9), near(tv=0.5)],
    ids=["nothing", "quiet", "two-alike", "hardly"],
)
def test_a_sound_within_the_margin_is_not_named(nearness: dict[str, float]) -> None:
    assert disturbance(nearness, SOUNDS) is None


def test_plain_speech_is_not_an_event() -> None:
    assert own_sound(near(speaking=4.0, coughing=3.0), SOUNDS) is None
    assert own_sound(near(), SOUNDS) is None


@pytest.mark.parametrize(("own", "rival"), [("coughing", "dog_bark"), ("crying", "baby_cry"), ("laughing", "babble")])
def test_an_event_gives_way_to_the_sound_it_is_taken_for(own: str, rival: str) -> None:
    assert own_sound(near(**{own: 4.0}), SOUNDS) is not None
    nearness = near(**{own: 4.0, rival: 4.5})
    assert own_sound(nearness, SOUNDS) is None
    found = disturbance(nearness, SOUNDS)
    assert found is not None
    assert found.id == rival


def test_a_cough_beside_the_television_is_told_and_the_television_too() -> None:
    nearness = near(tv=6.0, coughing=4.0)
    found, own = disturbance(nearness, SOUNDS), own_sound(nearness, SOUNDS)
    assert found is not None
    assert found.id == "tv"
    assert own is not None
    assert own.id == "coughing"


def test_a_sound_may_have_a_margin_of_its_own() -> None:
    careful = tuple(replace(sound, margin=0.9) if sound.id == "tv" else sound for sound in SOUNDS.interference)
    assert disturbance(near(tv=4.0), replace(SOUNDS, interference=careful)) is None
    assert disturbance(near(music=4.0), replace(SOUNDS, interference=careful)) is not None


def test_a_nan_similarity_names_nothing() -> None:
    assert disturbance(near(tv=math.nan), SOUNDS) is None
    assert own_sound(near(coughing=math.inf), SOUNDS) is None


def test_without_sounds_nothing_is_compared_and_nothing_named() -> None:
    assert Sounds().texts() == {}
    assert disturbance({}, Sounds()) is None
    assert own_sound({}, Sounds()) is None


@pytest.mark.parametrize("far", [1000.0, -1000.0])
def test_shares_depend_only_on_differences_however_large_the_values(far: float) -> None:
    assert softmax([far, far + math.log(3)]) == pytest.approx([0.25, 0.75])


COSINES = st.integers(-60_000, 60_000).map(lambda value: value / 1000)
"""Two that differ by less than a sum's last digit would change places where an offset is added."""


@given(st.lists(COSINES, min_size=19, max_size=19), st.floats(-5, 5))
def test_at_most_one_of_each_is_named_whatever_the_cosines_and_their_offset(values: list[float], offset: float) -> None:
    nearness = dict(zip(SOUNDS.texts(), values, strict=True))
    found = disturbance(nearness, SOUNDS)
    if found is not None:
        assert nearness[found.id] == max(nearness[one] for one in (*INTERFERENCE, "quiet"))
        assert nearness[found.id] > max(nearness[one] for one in OWN)
        assert 0.2 <= found.score <= 1
    shifted = disturbance({name: value + 8 for name, value in nearness.items()}, SOUNDS)
    assert (found and found.id) == (shifted and shifted.id)
    assert sum(softmax([value + offset for value in values])) == pytest.approx(1)
