"""What a peer's broken message is answered with: which field, why, and never the peer's own words."""

import json
from typing import Any

import pytest

from server.errors import MalformedMessageError, TingqingError, UnsupportedEncodingError, UnsupportedRateError
from server.wire.client import MAX_DEPTH, TYPES, SessionStart, parse_client_message
from server.wire.messages import CLIENT_MODELS, type_of

AUDIO = {"encoding": "pcm_s16le", "sample_rate": 16000}


def start(**fields: Any) -> str:
    return json.dumps({"type": "session.start", "audio": AUDIO} | fields)


def fault(text: str) -> TingqingError:
    with pytest.raises(TingqingError) as raised:
        parse_client_message(text)
    return raised.value


@pytest.mark.parametrize("number", ["NaN", "1e999", '[1, {"deeper": -Infinity}]', '[NaN, {"y": 1}]', "[NaN, [1]]"])
def test_metadata_that_no_result_could_repeat_is_refused(number: str) -> None:
    error = fault(start(metadata={"visit": "NUMBER"}).replace('"NUMBER"', number))
    assert isinstance(error, MalformedMessageError)
    assert error.param == "metadata.visit"


def test_metadata_of_any_json_is_taken() -> None:
    metadata = {"visit": [1, 2.5, None, {"deep": {"er": "好"}}], "n": 10**30}
    assert parse_client_message(start(metadata=metadata)).metadata == metadata  # type: ignore[union-attr]  # a start


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_metadata_that_nests_deeper_than_a_result_can_is_refused_at_the_start(opening: str, closing: str) -> None:
    def nested(depth: int) -> str:
        return start(metadata={"visit": "DEEP"}).replace('"DEEP"', opening * depth + "1" + closing * depth)

    assert isinstance(parse_client_message(nested(MAX_DEPTH - 1)), SessionStart)
    for depth in (MAX_DEPTH, 150, 199):
        error = fault(nested(depth))
        assert isinstance(error, MalformedMessageError)
        assert "levels" in error.message or depth > 190


def test_the_field_at_fault_is_named_as_it_was_sent() -> None:
    assert fault('{"type": "session.start", "audio": {"encoding": "pcm_s16le"}}').param == "audio.sample_rate"
    assert fault('{"type": "audio.gap", "samples": 0}').param == "samples"


@pytest.mark.parametrize("rate", [7_999, 96_001, 10**400])
def test_a_rate_out_of_range_has_its_own_code(rate: int) -> None:
    error = fault(start(audio=AUDIO | {"sample_rate": rate}))
    assert isinstance(error, UnsupportedRateError)
    assert error.param == "audio.sample_rate"


def test_an_unknown_encoding_has_its_own_code() -> None:
    assert isinstance(fault(start(audio=AUDIO | {"encoding": "opus"})), UnsupportedEncodingError)


@pytest.mark.parametrize(
    "text", ['{"type": "SECRET"}', start(pace="SECRET"), start(audio=AUDIO | {"encoding": "SECRET"})]
)
def test_the_peers_words_are_not_repeated(text: str) -> None:
    error = fault(text)
    assert "SECRET" not in error.message
    assert "SECRET" not in str(error.param)


FORM = "write a dictionary's name, labels separated by commas, or an array of {label, threshold?, weight?}"
SEE = " Every text message is one JSON object with a known 'type'; see docs/protocol.md."


@pytest.mark.parametrize(
    ("text", "param", "message"),
    [
        ("[]", None, "message: Input should be an object." + SEE),
        ('{"type": "x"}', None, f"message: 'type' must be one of {', '.join(TYPES)}." + SEE),
        (start(extra=1), "extra", "extra: Extra inputs are not permitted." + SEE),
        ('{"type": "labels.update"}', "labels", "labels: Field required." + SEE),
        (start(resume={"session_id": "a"}), "resume.resume_token", "resume.resume_token: Field required." + SEE),
        (start(labels=3), "labels", f"labels: {FORM}; at most 20000 characters."),
        (start(labels="x" * 20_001), "labels", f"labels: {FORM}; at most 20000 characters."),
        (start(labels=[{"label": "a"}, 3]), "labels.1", f"labels.1: Input should be an object; {FORM}."),
        (start(labels=[{}]), "labels.0.label", "labels.0.label: Field required." + SEE),
        (
            start(audio=AUDIO | {"encoding": "opus"}),
            "audio.encoding",
            "audio.encoding: Input should be 'pcm_s16le', 'pcm_f32le', 'mulaw' or 'alaw'.",
        ),
        (
            start(audio=AUDIO | {"sample_rate": 7_999}),
            "audio.sample_rate",
            "audio.sample_rate: Input should be greater than or equal to 8000.",
        ),
    ],
)
def test_a_fault_tells_its_field_and_what_was_expected(text: str, param: str | None, message: str) -> None:
    error = fault(text)
    assert (error.param, error.message) == (param, message)


@pytest.mark.parametrize("audio", [{"encoding": "pcm_s16le"}, AUDIO | {"sample_rate": "fast"}, AUDIO | {"channels": 2}])
def test_audio_that_is_not_described_at_all_is_a_malformed_message(audio: dict[str, Any]) -> None:
    assert isinstance(fault(start(audio=audio)), MalformedMessageError)


def test_a_field_that_the_peer_named_at_length_is_not_repeated_at_length() -> None:
    error = fault(start(**{"x" * 60_000: 1}))
    assert len(error.message) < 400
    assert len(str(error.param)) <= 100


def test_the_types_named_are_all_there_are() -> None:
    assert [type_of(model) for model in CLIENT_MODELS] == list(TYPES)
