"""Without the packages of the extra ``clap``."""

import sys
from pathlib import Path

import pytest

from server.errors import SettingsError
from server.model.clap.cache import CLAP_ID, ModelCache
from server.model.clap.extra import PACKAGES, missing_packages, need_extra
from server.model.clap.fetching import import_folder
from server.model.clap.finding import BASIC_MODE_HINT, basic_mode_hint, find_checkpoint, way_to_clap


@pytest.fixture
def cache(checkpoint: Path, tmp_path: Path) -> ModelCache:
    """With good weights of the model that ``auto`` takes."""
    import_folder(ModelCache(tmp_path), checkpoint)
    return ModelCache(tmp_path)


@pytest.fixture(params=PACKAGES)
def hidden(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, cache: ModelCache) -> str:
    """A package that cannot be imported while the test runs."""
    name: str = request.param
    monkeypatch.setitem(sys.modules, name, None)
    return name


def test_auto_is_basic_mode_whatever_weights_there_are(hidden: str, cache: ModelCache) -> None:
    assert missing_packages() == [hidden]
    assert find_checkpoint("auto", cache) is None


def test_the_hint_is_to_install_the_packages_before_the_weights(hidden: str) -> None:
    assert basic_mode_hint().index("pip install 'tingqing[clap]'") < basic_mode_hint().index("tingqing models download")
    assert "pip install 'tingqing[clap]'" in way_to_clap()


@pytest.mark.parametrize("by_folder", [False, True])
def test_a_checkpoint_that_was_named_is_refused_with_what_to_install(
    hidden: str, cache: ModelCache, checkpoint: Path, by_folder: bool
) -> None:
    named = str(checkpoint) if by_folder else CLAP_ID
    with pytest.raises(SettingsError, match=rf"^--clap .* \({hidden}\)\. Run: pip install 'tingqing\[clap\]'$"):
        find_checkpoint(named, cache)


def test_off_requires_no_packages(hidden: str, cache: ModelCache) -> None:
    assert find_checkpoint("off", cache) is None


def test_where_all_is_installed_the_hint_is_to_get_the_weights(cache: ModelCache) -> None:
    need_extra("a test")
    assert basic_mode_hint() == BASIC_MODE_HINT
    assert "tingqing models download" in way_to_clap()
    assert find_checkpoint("auto", cache) is not None
