"""Takes a picture of every scene in both languages, both colours and three widths, into build/gallery, and puts them
beside each other on a sheet for each scene, to look at.

Run from the repository's root: ``python -m tests.browser.gallery [scene …]``. Needs chromium and a font with Chinese.
"""

import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.scenes import SCENES, Scene, Site, opened, site
from tests.browser.screenshots import launch
from tests.browser.serving import write_hum
from tests.conftest import ROOT

GALLERY = ROOT / "build" / "gallery"
LOCALES = {"zh": "zh-CN", "en": "en-GB"}
COLOURS = ("light", "dark")
WIDTHS = {360: 740, 768: 1024, 1280: 800}
COLUMN, GAP, TALLEST = 420, 12, 1100


def taken(page: Page, scene: Scene, kind: str) -> list[Path]:
    """One picture for each width; says which of them scrolls sideways."""
    paths = []
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            print(f"{scene.name} {kind} scrolls sideways at {width} px")  # noqa: T201
        paths.append(GALLERY / f"{scene.name}-{kind}-{width}.png")
        page.screenshot(path=paths[-1], full_page=True)
    return paths


def sheet(scene: Scene, rows: list[list[Path]]) -> None:
    """A column for each width, a row for each language and colour."""
    read = [[_small(path) for path in row] for row in rows]
    heights = [max(each.height for each in row) for row in read]
    columns = len(WIDTHS)
    whole = Image.new("RGB", (columns * (COLUMN + GAP), sum(heights) + GAP * len(rows)), "#888")
    top = 0
    for row, height in zip(read, heights, strict=True):
        for column, each in enumerate(row):
            whole.paste(each, (column * (COLUMN + GAP), top))
        top += height + GAP
    whole.save(GALLERY / f"sheet-{scene.name}.png")


def _small(path: Path) -> Image.Image:
    with Image.open(path) as opened_image:
        picture = opened_image.convert("RGB")
    width = min(COLUMN, picture.width)
    small = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
    return small.crop((0, 0, width, min(small.height, TALLEST)))


def show(browser: Browser, at: Site, scene: Scene) -> None:
    rows = []
    for lang, locale in LOCALES.items():
        for colour in COLOURS:
            context = browser.new_context(
                locale=locale, color_scheme="dark" if colour == "dark" else "light", reduced_motion="reduce"
            )
            with opened(context, at, scene) as page:
                rows.append(taken(page, scene, f"{lang}-{colour}"))
            context.close()
    sheet(scene, rows)
    print(GALLERY / f"sheet-{scene.name}.png")  # noqa: T201


def main(names: list[str]) -> None:
    GALLERY.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        wav = write_hum(folder / "voice.wav")
        with site(folder / "data") as at:
            browser = launch(playwright, wav)
            for scene in SCENES:
                if not names or scene.name in names:
                    show(browser, at, scene)
            browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
