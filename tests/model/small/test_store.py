"""Which models are there: found by content, checked once."""

import hashlib
import os
from importlib.metadata import version
from pathlib import Path

import pytest

from server.errors import SettingsError
from server.model.small.catalogue import DNSMOS, MODELS, SILERO, InDependency, InWheel
from server.model.small.store import SmallModels
from server.values.models import ModelState
from tests.model.small.toy import CONTENT, FIRST, TOYS, bring
from tests.repo.markdown import ROOT, read


def test_an_absent_model_is_none_and_an_unknown_one_an_error(store: SmallModels) -> None:
    assert store.find("first") is None
    assert store.state(FIRST) is ModelState.ABSENT
    with pytest.raises(SettingsError, match="first, second"):
        store.find("third")


@pytest.mark.parametrize("damage", [b"", b"x" * FIRST.bytes], ids=["cut-short", "changed"])
def test_a_damaged_model_is_not_used_and_logged_once(
    store: SmallModels, wheel: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    kept = bring(store, wheel)
    assert store.find("first") == kept
    kept.write_bytes(damage)
    assert store.find("first") is None
    assert store.state(FIRST) is ModelState.DAMAGED
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "tingqing models download first" in caplog.text


def test_a_file_is_read_once_as_long_as_it_is_the_same(store: SmallModels, wheel: Path) -> None:
    """What is changed behind the file's time is not seen: the price of not reading 6 MB for every session."""
    kept = bring(store, wheel)
    assert store.find("first") == kept
    before = kept.stat()
    kept.write_bytes(b"x" * FIRST.bytes)
    os.utime(kept, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.find("first") == kept
    fault = store.fault(FIRST)
    assert fault is not None
    assert (fault.zh, fault.en) == (f"{kept} 被改动过：SHA-256 不符", f"{kept} was changed: its SHA-256 differs")
    os.utime(kept, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert store.find("first") is None


def test_a_file_that_was_replaced_is_read_again(store: SmallModels, wheel: Path) -> None:
    kept = bring(store, wheel)
    kept.write_bytes(b"x" * FIRST.bytes)
    assert store.find("first") is None
    bring(store, wheel)
    assert store.find("first") == kept


def test_only_a_used_model_is_missed(store: SmallModels) -> None:
    first, second = store.optional()
    assert (first.missed, second.missed) == (True, False)
    assert first.state is second.state is ModelState.ABSENT


def test_the_log_says_what_is_missed_and_how_to_get_it(store: SmallModels, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    store.optional()
    assert "Less is heard without first." in caplog.text
    assert "tingqing models download first" in caplog.text
    assert "second" not in caplog.text


def test_what_tingqing_brings_and_requires_is_the_catalogued_file(tmp_path: Path) -> None:
    store = SmallModels(tmp_path)
    assert store.fault(SILERO) is None
    assert store.fault(DNSMOS) is None
    assert isinstance(DNSMOS.source, InDependency)
    assert version(DNSMOS.source.package.name) == DNSMOS.source.package.version


def test_a_dependency_that_is_not_installed_is_absent(tmp_path: Path) -> None:
    from dataclasses import replace

    from server.model.small.catalogue import Package

    gone = replace(DNSMOS, source=InDependency(Package("no-such-package", "1"), "a.onnx"))
    store = SmallModels(tmp_path, (gone,))
    assert store.state(gone) is ModelState.ABSENT
    assert store.find("dnsmos") is None


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_every_model_is_pinned_licensed_and_named_in_notice_and_document(model: object) -> None:
    from server.model.small.catalogue import SmallModel

    assert isinstance(model, SmallModel)
    assert len(model.sha256) == 64
    assert int(model.sha256, 16)
    assert model.licence in {"MIT", "Apache-2.0"}, "no GPL, nothing non-commercial"
    notice, document = read("NOTICE"), read("docs/models.md")
    for text in (notice, document):
        assert model.source.package.name in text
        assert model.licence in text
        assert model.source.package.version in text
    row = next(line for line in document.splitlines() if line.startswith(f"| `{model.id}` | "))
    assert row.endswith("| yes |" if model.used else "| not yet |")
    assert model.sha256 in document
    assert model.purpose.zh
    assert model.without.zh


def test_no_weights_of_these_are_in_the_repository() -> None:
    hashes = {model.sha256 for model in MODELS if isinstance(model.source, InWheel)}
    sizes = {model.bytes for model in MODELS}
    for path in (ROOT / "server").rglob("*"):
        if path.is_file() and path.stat().st_size in sizes:
            assert hashlib.sha256(path.read_bytes()).hexdigest() not in hashes
    assert len(CONTENT) == len(TOYS)
