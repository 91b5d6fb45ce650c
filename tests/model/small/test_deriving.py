"""What is made of a model is kept beside it, under both hashes."""

import hashlib
from pathlib import Path

import pytest

from server.model.small.deriving import Derivation, derive, forget_derived
from server.model.small.store import SmallModels
from tests.model.small.toy import CONTENT, FIRST, TOYS, bring

MADE = CONTENT["toy_weights/first.onnx"][::-1]


class Reversing:
    """A derivation that counts how often it was made."""

    def __init__(self, name: str = "reversed-1") -> None:
        self.times = 0
        self.step = Derivation(name, self.convert)

    def convert(self, content: bytes) -> bytes:
        self.times += 1
        return content[::-1]


def made_of(store: SmallModels) -> list[Path]:
    return sorted(path for path in store.folder.iterdir() if len(path.stem) > 64)


@pytest.fixture
def original(store: SmallModels, wheel: Path) -> Path:
    return bring(store, wheel)


def test_it_is_made_once_and_kept_under_both_hashes(store: SmallModels, original: Path) -> None:
    reversing = Reversing()
    assert [derive(store, "first", reversing.step) for _ in range(3)] == [MADE] * 3
    assert reversing.times == 1
    (kept,) = made_of(store)
    assert kept.name == f"first-{FIRST.sha256[:16]}-reversed-1-{hashlib.sha256(MADE).hexdigest()}.onnx"
    assert kept.read_bytes() == MADE
    assert derive(SmallModels(store.cache, TOYS), "first", reversing.step) == MADE
    assert reversing.times == 1


def test_a_damaged_one_is_made_again(store: SmallModels, original: Path) -> None:
    reversing = Reversing()
    derive(store, "first", reversing.step)
    (kept,) = made_of(store)
    kept.write_bytes(b"x")
    assert derive(store, "first", reversing.step) == MADE
    assert reversing.times == 2
    assert kept.read_bytes() == MADE


def test_what_somebody_planted_beside_a_model_is_forgotten_with_all_that_was_made(
    store: SmallModels, original: Path, wheel: Path
) -> None:
    """A name that fits its content is all that a kept graph is known by; whoever can write there can choose one."""
    planted = b"another graph"
    name = f"first-{FIRST.sha256[:16]}-reversed-1-{hashlib.sha256(planted).hexdigest()}.onnx"
    (store.folder / name).write_bytes(planted)
    derive(store, "first", Reversing("reversed-0").step)
    derive(store, "second", Reversing().step)
    reversing = Reversing()
    assert derive(store, "first", reversing.step) == planted
    forget_derived(store, FIRST)
    assert [path.name.split("-")[0] for path in made_of(store)] == ["second"]
    assert original.exists()
    assert derive(store, "first", reversing.step) == MADE
    forget_derived(SmallModels(store.cache / "nowhere", TOYS), FIRST)


def test_another_step_is_another_file_even_where_its_name_begins_alike(store: SmallModels, original: Path) -> None:
    first, longer = Reversing("reversed"), Reversing("reversed-2")
    derive(store, "first", longer.step)
    derive(store, "first", first.step)
    derive(store, "first", longer.step)
    assert (first.times, longer.times) == (1, 1)


@pytest.mark.parametrize("there", [False, True], ids=["absent", "damaged"])
def test_nothing_is_made_of_a_model_that_is_not_intact(store: SmallModels, wheel: Path, there: bool) -> None:
    reversing = Reversing()
    if there:
        bring(store, wheel).write_bytes(b"x")
    assert derive(store, "first", reversing.step) is None
    assert reversing.times == 0


def test_where_nothing_can_be_kept_it_is_made_each_time(
    store: SmallModels, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("server.model.small.keeping.tempfile.mkdtemp", refuse)
    reversing = Reversing()
    assert [derive(store, "first", reversing.step) for _ in range(2)] == [MADE] * 2
    assert reversing.times == 2
    assert made_of(store) == []


def test_a_conversion_that_fails_leaves_nothing(store: SmallModels, original: Path) -> None:
    def fail(content: bytes) -> bytes:
        raise ValueError("not a graph")

    with pytest.raises(ValueError, match="not a graph"):
        derive(store, "first", Derivation("broken", fail))
    assert made_of(store) == []
