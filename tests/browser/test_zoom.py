"""Every page at 200 %, of the browser's zoom and of the text alone (WCAG 2.2, 1.4.4): nothing to scroll sideways, and
nothing that can be pressed is cut off or lies under another."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.scenes import SCENES, Scene, Site, opened, site

WIDTH, HEIGHT = 640, 450
"""CSS pixels of a window of 1280 × 900 at 200 %."""

pytestmark = pytest.mark.timeout(400)

HINDERED = """() => {
  const found = [];
  const all = (root) =>
    [...root.querySelectorAll('*')].flatMap((at) => [at, ...(at.shadowRoot ? all(at.shadowRoot) : [])]);
  const pressed = 'a, button, select, summary, textarea, label, input:not([type=file])';
  const topmost = (x, y) => {
    let at = document.elementFromPoint(x, y);
    for (let inner; (inner = at?.shadowRoot?.elementFromPoint(x, y)) && inner !== at; ) at = inner;
    return at;
  };
  const holds = (outer, at) => {
    for (; at; at = at.parentNode ?? at.host) if (at === outer) return true;
    return false;
  };
  for (const at of all(document)) {
    if (!at.matches(pressed) || !at.checkVisibility()) continue;
    const name = at.textContent.trim() || at.name || at.id;
    const cut = at.clientWidth && at.scrollWidth > at.clientWidth + 1;
    if (cut && !at.matches('select, input')) found.push(`cut off: ${name}`);
    at.scrollIntoView({ block: 'center', behavior: 'instant' });
    const { left, right, top, bottom, width, height } = at.getBoundingClientRect();
    if (width < 2 || height < 2) continue; // for screen readers
    if (left < 0 || right > innerWidth) found.push(`outside: ${name}`);
    const top_ = topmost((left + right) / 2, (top + bottom) / 2);
    if (top_ && !holds(at, top_) && !holds(top_, at)) found.push(`covered: ${name} by ${top_.tagName}`);
  }
  scrollTo(0, 0);
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) found.push(`${wide} wide`);
  return found;
}"""
"""What cannot be read or pressed as it is."""


@pytest.fixture(scope="module")
def at(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_nothing_is_out_of_reach_at_200_percent(
    at: Site, launch: Callable[..., Browser], voice_wav: Path, scene: Scene, locale: str
) -> None:
    context = launch(voice_wav).new_context(
        locale=locale, viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=2, reduced_motion="reduce"
    )
    try:
        with opened(context, at, scene) as page:
            assert page.evaluate(HINDERED) == []
            page.set_viewport_size({"width": 2 * WIDTH, "height": 2 * HEIGHT})
            page.evaluate("document.documentElement.style.fontSize = '200%'")
            assert page.evaluate(HINDERED) == []
    finally:
        context.close()
