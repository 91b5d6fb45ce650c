"""Films a visit as patient and doctor see it, side by side, for docs/images: a room becomes noisy, the patient is
asked for one thing, does it, and is thanked.

Run from the repository's root: ``python -m tests.browser.film``. Needs what ``screenshots`` needs.
"""

import base64
import io
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.browser.asserting import PROMPT, attribute
from tests.browser.screenshots import CLEAN, IMAGES, VERY_NOISY, launch, mix
from tests.browser.serving import RATE, running_server

FRAME_MS = 250
PATIENT, DOCTOR = ViewportSize(width=440, height=760), ViewportSize(width=760, height=760)
SCALE = 0.7
QUALITY = 55
CLEAN_S, NOISY_S = 9.0, 7.0
LINGER_S, SHORTEST_S, LONGEST_S = 3.0, 20.0, 45.0
"""After the patient was thanked; and of the whole film."""
LOCALES = {"visit": "en-GB", "visit-zh": "zh-CN"}


class Frame(NamedTuple):
    """What both pages showed, as JPEG, and when (``at_s`` of the monotonic clock)."""

    at_s: float
    pictures: tuple[bytes, ...]


class Camera:
    """Keeps the newest picture of a page, which Chromium sends when the page has changed and the last was taken."""

    def __init__(self, page: Page) -> None:
        self._newest = b""
        self._unanswered: list[int] = []
        self._session = page.context.new_cdp_session(page)
        self._session.on("Page.screencastFrame", self._keep)
        self._session.send("Page.startScreencast", {"format": "jpeg", "quality": 92})

    def _keep(self, frame: dict[str, Any]) -> None:
        self._newest = base64.b64decode(frame["data"])
        self._unanswered.append(frame["sessionId"])

    def take(self) -> bytes:
        while self._unanswered:
            self._session.send("Page.screencastFrameAck", {"sessionId": self._unanswered.pop()})
        return self._newest


def sound(path: Path) -> Path:
    """A room that is quiet, noisy for a while, and quiet again."""
    clean, noisy = (soundfile.read(mix(name), dtype="int16")[0] for name in (CLEAN, VERY_NOISY))
    parts = [clean[: round(CLEAN_S * RATE)], noisy[: round(NOISY_S * RATE)], *[clean] * 4]
    soundfile.write(path, np.concatenate(parts), RATE, subtype="PCM_16")
    return path


def filmed(browser: Browser, url: str, locale: str) -> list[Frame]:
    """From the first clear seconds until a moment after the thanks."""
    patient, doctor = (browser.new_context(locale=locale, viewport=size).new_page() for size in (PATIENT, DOCTOR))
    patient.goto(url)
    attribute(patient, "data-state", "idle")
    patient.click("[part=start]")
    attribute(patient, "data-state", "live")
    session = patient.locator("tingqing-patient").get_attribute("data-session")
    doctor.goto(f"{url}doctor?session={session}")
    attribute(doctor, "data-grade", "clear")
    cameras = [Camera(patient), Camera(doctor)]
    frames: list[Frame] = []
    began = time.monotonic()
    asked = thanked = False
    end = began + LONGEST_S
    while (now := time.monotonic()) < end:
        patient.wait_for_timeout(FRAME_MS)
        pictures = tuple(camera.take() for camera in cameras)
        if all(pictures) and (not frames or frames[-1].pictures != pictures):
            frames.append(Frame(time.monotonic(), pictures))
        shown = patient.locator("tingqing-patient").get_attribute("data-prompt")
        asked = asked or shown == PROMPT
        if asked and shown is None and not thanked:
            thanked = True
            end = max(now + LINGER_S, began + SHORTEST_S)
    assert thanked, "the patient was not asked, or the prompt did not go"
    frames.append(Frame(time.monotonic(), frames[-1].pictures))
    for page in (patient, doctor):
        page.context.close()
    return frames


def side_by_side(pictures: tuple[bytes, ...]) -> Image.Image:
    opened = [Image.open(io.BytesIO(each)).convert("RGB") for each in pictures]
    whole = Image.new("RGB", (sum(each.width for each in opened), max(each.height for each in opened)))
    left = 0
    for each in opened:
        whole.paste(each, (left, 0))
        left += each.width
    return whole.resize((round(whole.width * SCALE), round(whole.height * SCALE)), Image.Resampling.LANCZOS)


def written(frames: list[Frame], path: Path) -> None:
    """Each frame stands until the next one came; the last one says only when the film ended."""
    first, *others = (side_by_side(frame.pictures) for frame in frames[:-1])
    stands = [round(1000 * (after.at_s - before.at_s)) for before, after in pairwise(frames)]
    first.save(path, save_all=True, append_images=others, duration=stands, loop=0, quality=QUALITY, method=4)
    print(f"{path}: {sum(stands) / 1000:.1f} s, {len(stands)} pictures, {path.stat().st_size} bytes")  # noqa: T201


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running_server() as port, sync_playwright() as playwright:
        browser = launch(playwright, sound(Path(folder) / "visit.wav"))
        for name, locale in LOCALES.items():
            frames = filmed(browser, f"http://127.0.0.1:{port}/", locale)
            written(frames, IMAGES / f"{name}.webp")
        browser.close()


if __name__ == "__main__":
    main()
