"""Every page in every state, on the narrowest phone, in both languages: nothing lies beside the screen, and one heading
is the page's."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.asserting import headings
from tests.browser.scenes import SCENES, Scene, Site, opened, site

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def at(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
@pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])
def test_nothing_lies_beside_a_narrow_screen(
    launch: Callable[..., Browser], voice_wav: Path, at: Site, scene: Scene, locale: str
) -> None:
    context = launch(voice_wav).new_context(locale=locale, viewport={"width": 360, "height": 740})
    with opened(context, at, scene) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert headings(page).count(1) == 1
    context.close()
