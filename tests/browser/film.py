"""Films a visit as patient and doctor see it, side by side, for docs/images: a room becomes noisy, the patient is
asked for one thing, does it, and is thanked.

Run from the repository's root: ``python -m tests.browser.film``. Needs what ``screenshots`` needs.
"""

import base64
import io
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.browser.asserting import PROMPT, attribute
from tests.browser.screenshots import CLEAN, IMAGES, VERY_NOISY, launch, mix
from tests.browser.serving import RATE, running_server

POLL_MS = 200
PICTURE_S = 0.05
"""From one picture of the film to the next, where something moved."""
PATIENT, DOCTOR = ViewportSize(width=440, height=760), ViewportSize(width=760, height=760)
SCALE = 0.7
QUALITY = 55
CLEAN_S, NOISY_S = 9.0, 7.0
LINGER_S, LONGEST_S = 2.0, 45.0
"""After both pages read "Clear" again; and of the whole film."""
LOCALES = {"visit": "en-GB", "visit-zh": "zh-CN"}


class Shot(NamedTuple):
    """A page as JPEG, from ``at_s`` on (seconds since 1970, as Chromium drew it)."""

    at_s: float
    picture: bytes


class Camera:
    """Keeps all that a page shows: Chromium sends a picture whenever it has drawn, once it knows that the last one
    came."""

    def __init__(self, page: Page) -> None:
        self.shots: list[Shot] = []
        self._session = page.context.new_cdp_session(page)
        self._session.on("Page.screencastFrame", self._keep)
        self._session.send("Page.startScreencast", {"format": "jpeg", "quality": 92})

    def _keep(self, frame: dict[str, Any]) -> None:
        self.shots.append(Shot(frame["metadata"]["timestamp"], base64.b64decode(frame["data"])))
        self._session.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})


class Picture(NamedTuple):
    """What stands for ``stands_ms``: the pages side by side."""

    stands_ms: int
    pages: tuple[bytes, ...]


def cut(reels: Sequence[Sequence[Shot]], ends_s: float) -> list[Picture]:
    """All pages on one clock, from the moment from which all were seen until ``ends_s``."""
    began_s = max(reel[0].at_s for reel in reels)
    pictures: list[Picture] = []
    for tick in range(round((ends_s - began_s) / PICTURE_S)):
        now = began_s + tick * PICTURE_S
        pages = tuple([shot.picture for shot in reel if shot.at_s <= now][-1] for reel in reels)
        if pictures and pictures[-1].pages == pages:
            pictures[-1] = Picture(pictures[-1].stands_ms + round(1000 * PICTURE_S), pages)
        else:
            pictures.append(Picture(round(1000 * PICTURE_S), pages))
    return pictures


def sound(path: Path) -> Path:
    """A room that is quiet, noisy for a while, and quiet again."""
    clean, noisy = (soundfile.read(mix(name), dtype="int16")[0] for name in (CLEAN, VERY_NOISY))
    parts = [clean[: round(CLEAN_S * RATE)], noisy[: round(NOISY_S * RATE)], *[clean] * 4]
    soundfile.write(path, np.concatenate(parts), RATE, subtype="PCM_16")
    return path


def filmed(browser: Browser, url: str, locale: str) -> list[Picture]:
    """From the first clear seconds until both pages read "Clear" again."""
    patient, doctor = (browser.new_context(locale=locale, viewport=size).new_page() for size in (PATIENT, DOCTOR))
    patient.goto(url)
    attribute(patient, "data-state", "idle")
    patient.click("[part=start]")
    attribute(patient, "data-state", "live")
    session = patient.locator("tingqing-patient").get_attribute("data-session")
    doctor.goto(f"{url}doctor?session={session}")
    attribute(doctor, "data-grade", "clear")
    cameras = [Camera(patient), Camera(doctor)]
    end = time.time() + LONGEST_S
    story = [("data-prompt", PROMPT), ("data-prompt", None), ("data-grade", "clear")]
    while story and time.time() < end:
        patient.wait_for_timeout(POLL_MS)
        name, value = story[0]
        pages = (patient, doctor) if name == "data-grade" else (patient,)
        if all(page.locator("tingqing-patient, tingqing-doctor").get_attribute(name) == value for page in pages):
            story.pop(0)
    assert not story, f"the film ends before {story[0]}"
    patient.wait_for_timeout(1000 * LINGER_S)
    end = time.time()
    for page in (patient, doctor):
        page.context.close()
    return cut([camera.shots for camera in cameras], end)


def side_by_side(pictures: tuple[bytes, ...]) -> Image.Image:
    opened = [Image.open(io.BytesIO(each)).convert("RGB") for each in pictures]
    whole = Image.new("RGB", (sum(each.width for each in opened), max(each.height for each in opened)))
    left = 0
    for each in opened:
        whole.paste(each, (left, 0))
        left += each.width
    return whole.resize((round(whole.width * SCALE), round(whole.height * SCALE)), Image.Resampling.LANCZOS)


def written(pictures: list[Picture], path: Path) -> None:
    first, *others = (side_by_side(each.pages) for each in pictures)
    stands = [each.stands_ms for each in pictures]
    first.save(path, save_all=True, append_images=others, duration=stands, loop=0, quality=QUALITY, method=4)
    length_s = sum(stands) / 1000
    print(f"{path}: {length_s:.1f} s, {len(stands) / length_s:.1f} pictures/s, {path.stat().st_size} bytes")  # noqa: T201


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running_server() as port, sync_playwright() as playwright:
        browser = launch(playwright, sound(Path(folder) / "visit.wav"))
        for name, locale in LOCALES.items():
            written(filmed(browser, f"http://127.0.0.1:{port}/", locale), IMAGES / f"{name}.webp")
        browser.close()


if __name__ == "__main__":
    main()
