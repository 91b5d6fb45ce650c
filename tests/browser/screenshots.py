"""Takes the pictures of docs/images from the real server, with real recordings as the microphone.

Run from the repository's root: ``python -m tests.browser.screenshots``. Needs chromium, a font with Chinese
(fonts-wqy-microhei) and the recordings that TINGQING_SHARED (default ../shared) points to.
"""

import tempfile
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, Playwright, ViewportSize, expect, sync_playwright

from tests.browser.asserting import PROMPT, attribute
from tests.browser.conftest import FLAGS
from tests.browser.serving import chromium, running_server, write_wav
from tests.conftest import ROOT, shared_folder

IMAGES = ROOT / "docs" / "images"
PHONE = ViewportSize(width=480, height=780)
DOCTORS = {"doctor": "en-GB", "doctor-zh": "zh-CN"}
DESK = ViewportSize(width=1120, height=800)
NOISY, CLEAN, NOISY_ZH, CLEAN_ZH, VERY_NOISY = "030", "000", "015", "001", "036"


class Shot(NamedTuple):
    """One patient's picture. ``mixes``: what the microphone plays; ``until``: the host's attribute to wait for."""

    name: str
    mixes: list[str]
    locale: str
    until: tuple[str, str]


SHOTS = [
    Shot("patient-clean", [CLEAN], "en-GB", ("data-grade", "clear")),
    Shot("patient-noisy", [NOISY], "en-GB", ("data-prompt", PROMPT)),
    Shot("patient-zh", [NOISY_ZH], "zh-CN", ("data-prompt", PROMPT)),
    Shot("patient-zh-clean", [CLEAN_ZH], "zh-CN", ("data-grade", "clear")),
]


def mix(prefix: str) -> Path:
    """The labelled mix whose name begins so."""
    shared = shared_folder()
    assert shared is not None, "no recordings: set TINGQING_SHARED"
    return next((shared / "audio" / "mixes").glob(f"{prefix}*.flac"))


def launch(playwright: Playwright, wav: Path) -> Browser:
    return playwright.chromium.launch(
        executable_path=chromium(),
        args=[
            *FLAGS,
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={wav}",
        ],
    )


def speak(browser: Browser, url: str, locale: str) -> Page:
    page = browser.new_context(locale=locale, viewport=PHONE, device_scale_factor=2).new_page()
    page.goto(url)
    page.click("[part=start]")
    attribute(page, "data-state", "live")
    return page


def take_patient(playwright: Playwright, url: str, shot: Shot, wav: Path) -> None:
    browser = launch(playwright, wav)
    page = speak(browser, url, shot.locale)
    attribute(page, *shot.until, within_s=30)
    page.wait_for_timeout(1000)
    page.screenshot(path=IMAGES / f"{shot.name}.png", full_page=True)
    browser.close()


def take_doctor(playwright: Playwright, url: str, wav: Path) -> None:
    """After a clear beginning the noise sets in: the trend shows it."""
    browser = launch(playwright, wav)
    page = speak(browser, url, "en-GB")
    session = page.locator("tingqing-patient").get_attribute("data-session")
    pages = {}
    for name, locale in DOCTORS.items():
        pages[name] = browser.new_context(locale=locale, viewport=DESK, device_scale_factor=2).new_page()
        pages[name].goto(f"{url}doctor?session={session}")
    doctor = pages["doctor"]
    attribute(doctor, "data-grade", "clear", within_s=20)
    attribute(doctor, "data-prompt", PROMPT, within_s=60)
    expect(doctor.locator("[part=ask-again]")).to_contain_text("0:", timeout=20_000)
    doctor.wait_for_timeout(5000)
    attribute(doctor, "data-grade", "poor", within_s=20)
    for name, each in pages.items():
        each.screenshot(path=IMAGES / f"{name}.png", full_page=True)
    browser.close()


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running_server() as port, sync_playwright() as playwright:
        url = f"http://127.0.0.1:{port}/"
        for shot in SHOTS:
            wav = write_wav(Path(folder) / f"{shot.name}.wav", [mix(prefix) for prefix in shot.mixes])
            take_patient(playwright, url, shot, wav)
        wav = write_wav(Path(folder) / "doctor.wav", [mix(CLEAN), mix(CLEAN), mix(VERY_NOISY)])
        take_doctor(playwright, url, wav)


if __name__ == "__main__":
    main()
