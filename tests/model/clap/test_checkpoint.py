"""Which checkpoint is meant, what makes it usable, and that loading it needs no network."""

import json
import shutil
import socket
from pathlib import Path

import pytest
import torch
from transformers import ClapModel

from server.errors import SettingsError
from server.model.clap.cache import CLAP_ID, CLAP_REVISION, FILES, Checkpoint, ModelCache, faults
from server.model.clap.checkpoint import load_clap
from server.model.clap.finding import find_checkpoint
from tests.model.clap.test_tower import mels
from tests.model.clap.tiny import TEXTS, embedding_of


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def cache(checkpoint: Path, tmp_path: Path) -> ModelCache:
    """A cache that holds the tiny checkpoint under the id of the real one."""
    cache = ModelCache(tmp_path / "cache")
    with cache.putting(CLAP_ID, CLAP_REVISION) as folder:
        for path in checkpoint.iterdir():
            if path.name in FILES:
                shutil.copy(path, folder)
    return cache


def test_auto_without_weights_is_basic_mode(tmp_path: Path) -> None:
    assert find_checkpoint("auto", ModelCache(tmp_path / "none")) is None


def test_off_never_looks(cache: ModelCache) -> None:
    assert find_checkpoint("off", cache) is None


def test_auto_takes_the_pinned_model_from_the_cache(cache: ModelCache) -> None:
    found = find_checkpoint("auto", cache)
    assert found is not None
    assert found.name == f"{CLAP_ID}@{CLAP_REVISION}"


@pytest.mark.parametrize("damage", ["changed", "cut", "missing"])
def test_auto_never_uses_damaged_weights_and_an_explicit_id_says_what_is_wrong(cache: ModelCache, damage: str) -> None:
    weights = cache.checkpoints()[0].folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content if damage == "changed" else content[:-9])
    if damage == "missing":
        weights.unlink()
    assert faults(cache.checkpoints()[0])
    assert find_checkpoint("auto", cache) is None
    with pytest.raises(SettingsError, match=r"damaged.*tingqing models download"):
        find_checkpoint(CLAP_ID, cache)


def test_an_interrupted_installation_leaves_nothing(cache: ModelCache) -> None:
    def put_half() -> None:
        with cache.putting("some/other", "1") as folder:
            (folder / "config.json").write_text("{}")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        put_half()
    assert [checkpoint.id for checkpoint in cache.checkpoints()] == [CLAP_ID]
    assert not list(cache.folder.glob("**/.partial-*"))


@pytest.mark.parametrize("name", ["../../etc", "a/../b", "", "a/b/.."])
def test_a_model_id_cannot_leave_the_cache(cache: ModelCache, name: str) -> None:
    with pytest.raises(SettingsError):
        cache.place(name, "1")


def test_an_unknown_id_is_an_error_with_the_command(cache: ModelCache) -> None:
    with pytest.raises(SettingsError, match="tingqing models download some/model"):
        find_checkpoint("some/model", cache)


def test_a_folder_is_named_by_what_it_holds(checkpoint: Path, cache: ModelCache) -> None:
    found = find_checkpoint(str(checkpoint), cache)
    assert found is not None
    assert (found.id, len(found.revision)) == ("tiny-clap", 12)
    assert str(checkpoint.parent) not in found.name


def test_loaded_clap_equals_transformers(checkpoint: Path, no_network: None) -> None:
    loaded = load_clap(Checkpoint("tiny", "1", checkpoint), device="cpu", dtype="fp32")
    model = ClapModel.from_pretrained(checkpoint, local_files_only=True).eval()
    mel = mels(2)
    assert torch.from_numpy(loaded.audio.embed(mel.numpy())).sub(embedding_of(model, mel)).abs().max() < 1e-5
    assert loaded.scale == pytest.approx(float(model.logit_scale_a.detach().exp()))


def test_texts_are_embedded_as_transformers_does_and_only_once(checkpoint: Path) -> None:
    from transformers import AutoTokenizer

    loaded = load_clap(Checkpoint("tiny", "1", checkpoint), device="cpu", dtype="fp32")
    model = ClapModel.from_pretrained(checkpoint, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(checkpoint, local_files_only=True)
    together = loaded.texts.embed(TEXTS)
    for text, got in zip(TEXTS, together, strict=True):
        with torch.inference_mode():
            expected = model.get_text_features(**tokenizer(text, return_tensors="pt")).pooler_output[0]
        assert torch.from_numpy(got.copy()).sub(expected).abs().max() < 1e-5
    assert all(again is first for again, first in zip(loaded.texts.embed(TEXTS), together, strict=True))


def test_weights_that_lack_a_tensor_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    broken = shutil.copytree(checkpoint, tmp_path / "broken")
    weights = load_file(broken / "model.safetensors")
    del weights["audio_projection.linear1.weight"]
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SettingsError, match="lack 1 tensors"):
        load_clap(Checkpoint("broken", "1", broken))


def test_other_spectrograms_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    other = shutil.copytree(checkpoint, tmp_path / "other")
    (other / "preprocessor_config.json").write_text(json.dumps({"sampling_rate": 48_000, "truncation": "rand_trunc"}))
    with pytest.raises(SettingsError, match=r"other spectrograms.*rand_trunc"):
        load_clap(Checkpoint("other", "1", other))


def test_garbage_weights_are_an_error_with_a_name(checkpoint: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(checkpoint, tmp_path / "garbage")
    (broken / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(SettingsError, match="CLAP garbage cannot be loaded"):
        load_clap(Checkpoint("garbage", "1", broken))


def test_a_device_that_is_not_there_is_an_error(checkpoint: Path) -> None:
    with pytest.raises(SettingsError, match="cuda:97"):
        load_clap(Checkpoint("tiny", "1", checkpoint), device="cuda:97")
