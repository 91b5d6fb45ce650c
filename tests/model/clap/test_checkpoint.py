"""Which checkpoint is meant, what makes it usable, and that loading it needs no network."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import ClapModel

from server.dictionaries.adhoc import MAX_CONTRASTS
from server.dictionaries.resolve import MAX_LABELS
from server.errors import SettingsError
from server.model.clap.cache import CLAP_ID, CLAP_REVISION, FILES, Checkpoint, ModelCache, faults
from server.model.clap.checkpoint import load_clap
from server.model.clap.devices import automatic_dtype, choose_device, choose_dtype
from server.model.clap.finding import find_checkpoint
from server.model.clap.opening import open_clap
from server.model.clap.texts import CAPACITY
from server.settings import Settings
from tests.cli.conftest import environment, tingqing
from tests.model.clap.test_tower import mels
from tools.material.clap.tiny import TEXTS, embedding_of


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


def test_off_never_looks_for_weights(cache: ModelCache) -> None:
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


@pytest.mark.parametrize("files", [{"config.json": 3}, {"config.json": {"bytes": 1}}, ["config.json"]])
def test_an_invalid_manifest_is_not_a_checkpoint(cache: ModelCache, files: object) -> None:
    path = cache.checkpoints()[0].folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"files": files}))
    assert find_checkpoint("auto", cache) is None


def test_auto_goes_on_without_weights_that_cannot_be_read(cache: ModelCache, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("server.model.clap.cache.sha256", refuse)
    assert find_checkpoint("auto", cache) is None
    with pytest.raises(SettingsError, match="cannot be read: Permission denied"):
        find_checkpoint(CLAP_ID, cache)


def test_an_interrupted_import_leaves_nothing_behind(cache: ModelCache) -> None:
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
    model = ClapModel.from_pretrained(checkpoint, local_files_only=True)
    mel = mels(2)
    assert torch.from_numpy(loaded.audio.embed(mel.numpy())).sub(embedding_of(model, mel)).abs().max() < 1e-5
    assert loaded.scale == pytest.approx(float(model.logit_scale_a.detach().exp()))


def test_texts_are_embedded_as_transformers_does_and_only_once(checkpoint: Path) -> None:
    from transformers import AutoTokenizer

    loaded = load_clap(Checkpoint("tiny", "1", checkpoint), device="cpu", dtype="fp32")
    model = ClapModel.from_pretrained(checkpoint, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint, local_files_only=True)
    together = loaded.texts.embed(TEXTS)
    for text, got in zip(TEXTS, together, strict=True):
        with torch.inference_mode():
            expected = model.get_text_features(**tokenizer(text, return_tensors="pt")).pooler_output[0]
        assert torch.from_numpy(got.copy()).sub(expected).abs().max() < 1e-5
    assert all(again is first for again, first in zip(loaded.texts.embed(TEXTS), together, strict=True))


def test_sixty_four_sessions_of_the_most_texts_do_not_displace_each_others() -> None:
    """What is displaced is embedded again on the thread that scores windows, or for ever before them."""
    assert Settings().max_sessions * MAX_LABELS * (1 + MAX_CONTRASTS) <= CAPACITY


def test_weights_that_lack_a_tensor_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(checkpoint, tmp_path / "broken")
    weights = load_file(broken / "model.safetensors")
    del weights["audio_projection.linear1.weight"]
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SettingsError, match="lack 1 tensors"):
        load_clap(Checkpoint("broken", "1", broken))


def without_scale(weights: dict[str, torch.Tensor]) -> None:
    weights["logit_scale_a"].fill_(1_000)


def without_a_variance(weights: dict[str, torch.Tensor]) -> None:
    weights["audio_model.audio_encoder.batch_norm.running_var"].fill_(torch.nan)


def with_a_variance_under_zero(weights: dict[str, torch.Tensor]) -> None:
    weights["audio_model.audio_encoder.batch_norm.running_var"].fill_(-5)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(without_scale, "finite"), (without_a_variance, "finite"), (with_a_variance_under_zero, "variance")],
)
def test_weights_that_would_make_every_score_null_are_refused(
    checkpoint: Path, tmp_path: Path, spoil: Callable[[dict[str, torch.Tensor]], None], said: str
) -> None:
    spoilt = shutil.copytree(checkpoint, tmp_path / "spoilt")
    weights = load_file(spoilt / "model.safetensors")
    spoil(weights)
    save_file(weights, spoilt / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SettingsError, match=said):
        load_clap(Checkpoint("spoilt", "1", spoilt))


@pytest.mark.parametrize(("part", "key", "value"), [("text", "num_hidden_layers", 500), ("audio", "depths", [500, 2])])
def test_a_config_of_more_layers_than_there_are_weights_is_refused_before_any_is_built(
    checkpoint: Path, tmp_path: Path, part: str, key: str, value: object
) -> None:
    """With a hundred thousand layers the start would never end."""
    huge = shutil.copytree(checkpoint, tmp_path / "huge")
    config = json.loads((huge / "config.json").read_text())
    config[f"{part}_config"][key] = value
    (huge / "config.json").write_text(json.dumps(config))
    with pytest.raises(SettingsError, match=r"50[24] layers"):
        load_clap(Checkpoint("huge", "1", huge))


def test_a_text_embedded_with_others_has_the_same_embedding_within_a_millionth(checkpoint: Path) -> None:
    first, second = (load_clap(Checkpoint("tiny", "1", checkpoint), device="cpu", dtype="fp32").texts for _ in range(2))
    longer = [f"speech drowned out by loud background noise, and number {number} beside it" for number in range(20)]
    for alone, among in zip(first.embed(TEXTS), second.embed([*TEXTS, *longer]), strict=False):
        assert np.abs(alone - among).max() < 1e-6


def test_a_text_of_more_tokens_than_the_text_tower_takes_is_cut(checkpoint: Path) -> None:
    """It would fail in the window's batch, and with it the windows of other sessions."""
    texts = load_clap(Checkpoint("tiny", "1", checkpoint), device="cpu", dtype="fp32").texts
    cut, longer = (texts.embed(["a dog " + "\N{DOG}" * dogs])[0] for dogs in (100, 190))
    assert np.array_equal(cut, longer)


def test_other_spectrograms_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    other = shutil.copytree(checkpoint, tmp_path / "other")
    (other / "preprocessor_config.json").write_text(json.dumps({"sampling_rate": 48_000, "truncation": "rand_trunc"}))
    with pytest.raises(SettingsError, match=r"other spectrograms.*rand_trunc"):
        load_clap(Checkpoint("other", "1", other))


def rewritten(folder: Path, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """Change every tensor of numbers."""
    weights = load_file(folder / "model.safetensors")
    changed = {name: change(one) if one.is_floating_point() else one for name, one in weights.items()}
    save_file(changed, folder / "model.safetensors", metadata={"format": "pt"})


def cut(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


def without(*names: str) -> Callable[[Path], None]:
    def remove(folder: Path) -> None:
        for name in names:
            (folder / name).unlink(missing_ok=True)

    return remove


def other_model(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "bert"}))


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "garbage": (lambda folder: (folder / "model.safetensors").write_bytes(b"no weights"), "models download"),
    "cut": (cut, "models download"),
    "no config": (without("config.json"), r"config\.json is missing.*models download"),
    "no tokenizer": (without("tokenizer.json"), r"tokenizer.*is missing.*models download"),
    "no preprocessor": (without("preprocessor_config.json", "processor_config.json"), "preprocessor is missing"),
    "no weights": (without("model.safetensors"), "no weights in"),
    "broken config": (lambda folder: (folder / "config.json").write_text('{"a":'), "models download"),
    "another model": (other_model, "not a CLAP.*bert"),
    "quantised": (lambda folder: rewritten(folder, lambda one: one.to(torch.int8)), "quantised weights.*F32"),
    "not numbers": (lambda folder: rewritten(folder, lambda one: one * float("nan")), "finite"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_folder_that_cannot_be_loaded_says_what_is_wrong(checkpoint: Path, tmp_path: Path, fault: str) -> None:
    broken = shutil.copytree(checkpoint, tmp_path / "broken")
    spoil, message = FAULTS[fault]
    spoil(broken)
    with pytest.raises(SettingsError, match=message) as raised:
        open_clap(str(broken), cache=tmp_path / "none", device="cpu", dtype="fp32")
    assert "broken" in raised.value.message


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_weights_kept_in_half_precision_are_loaded(checkpoint: Path, tmp_path: Path, dtype: torch.dtype) -> None:
    half = shutil.copytree(checkpoint, tmp_path / "half")
    rewritten(half, lambda one: one.to(dtype))
    exact, rounded = (
        load_clap(Checkpoint("tiny", "1", folder), device="cpu", dtype="fp32").audio.embed(mels(2).numpy())
        for folder in (checkpoint, half)
    )
    assert 0 < abs(exact - rounded).max() < 0.02


def test_old_weights_in_a_folder_are_not_read_and_the_way_out_is_named(checkpoint: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "was-here"),)

    folder = shutil.copytree(checkpoint, tmp_path / "old")
    (folder / "model.safetensors").unlink()
    torch.save({"weight": Evil()}, folder / "pytorch_model.bin")
    with pytest.raises(SettingsError, match=r"could run code.*tingqing models import"):
        open_clap(str(folder), cache=tmp_path / "none", device="cpu")
    assert not (tmp_path / "was-here").exists()


def test_code_beside_the_weights_is_not_run(checkpoint: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint, tmp_path / "own-code")
    config = json.loads((folder / "config.json").read_text()) | {"auto_map": {"AutoModel": "evil.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text(f"import os; os.mkdir({str(tmp_path / 'was-here')!r})")
    assert open_clap(str(folder), cache=tmp_path / "none", device="cpu", dtype="fp32") is not None
    assert not (tmp_path / "was-here").exists()


def test_serving_a_model_that_cannot_be_loaded_ends_with_2_and_one_sentence(checkpoint: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(checkpoint, tmp_path / "broken")
    cut(broken)
    done = tingqing("serve", "--port", "0", "--clap", str(broken))
    assert done.code == 2
    (told,) = (line for line in done.err.splitlines() if line.startswith("tingqing: "))
    assert told.startswith("tingqing: CLAP broken cannot be loaded")
    assert "Traceback" not in done.err
    assert not done.out


def test_auto_needs_no_network_with_weights_or_without(cache: ModelCache, tmp_path: Path) -> None:
    """In a process of its own, because what reads HF_ENDPOINT reads it once. 192.0.2.0/24 answers nowhere."""
    code = (
        "import socket, sys\n"
        "def refuse(*_, **__): sys.exit('the network was touched')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from pathlib import Path\n"
        "from server.model.clap.opening import open_clap\n"
        f"assert open_clap('auto', cache=Path({str(tmp_path / 'none')!r})) is None\n"
        f"print(open_clap('auto', cache=Path({str(cache.folder)!r}), device='cpu').model)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(HF_ENDPOINT="http://192.0.2.1:9", HF_HUB_OFFLINE="0"),
        capture_output=True,
        check=False,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{CLAP_ID}@{CLAP_REVISION}"


@pytest.mark.parametrize(
    ("capability", "cpu_bf16", "dtype"),
    [
        ((9, 0), False, "bf16"),
        ((8, 0), False, "bf16"),
        ((7, 5), True, "fp16"),
        ((6, 1), True, "fp16"),
        (None, True, "bf16"),
        (None, False, "fp32"),
    ],
    ids=["H100", "A100", "T4", "P40", "CPU with bf16", "CPU without"],
)
def test_auto_takes_the_dtype_that_the_processor_calculates_with(
    capability: tuple[int, int] | None, cpu_bf16: bool, dtype: str
) -> None:
    assert automatic_dtype(capability, cpu_bf16=cpu_bf16) == dtype


@pytest.mark.parametrize("dtype", ["fp32", "bf16", "fp16"])
def test_a_dtype_that_is_named_is_taken(dtype: str) -> None:
    assert choose_dtype(dtype, torch.device("cpu")) == dtype


@pytest.mark.parametrize("clap", ["on", "/no/such/folder"])
def test_an_invalid_model_id_is_not_downloaded(cache: ModelCache, clap: str) -> None:
    with pytest.raises(SettingsError, match="auto, off, OWNER/NAME or a folder"):
        find_checkpoint(clap, cache)


def test_a_device_of_an_absurd_number_is_not_there() -> None:
    with pytest.raises(SettingsError, match="cuda:99999999999 does not exist"):
        choose_device("cuda:99999999999")


def test_a_device_that_is_not_there_is_an_error(checkpoint: Path) -> None:
    with pytest.raises(SettingsError, match="cuda:97"):
        load_clap(Checkpoint("tiny", "1", checkpoint), device="cuda:97")
