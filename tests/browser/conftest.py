"""A real Chromium whose microphone plays a file. Without it these tests are skipped, or fail if it is required."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright

from tests.browser.asserting import hold_clock
from tests.browser.serving import RATE, chromium, write_hum, write_wav
from tests.browser.stub import StubServer

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Two browsers on this machine find each other whatever network it has.
    "--allow-loopback-in-peer-connection",
    # As after a person has allowed the microphone: addresses instead of names that only one browser can resolve.
    "--disable-features=WebRtcHideLocalIpsWithMdns",
]

OpenPage = Callable[..., Page]


def require(found: str | None, what: str) -> str:
    """``found``, or a skip that says what is missing; a failure if TINGQING_REQUIRE_SYSTEM=1."""
    if found:
        return found
    if os.environ.get("TINGQING_REQUIRE_SYSTEM") == "1":
        pytest.fail(f"{what} is missing, and TINGQING_REQUIRE_SYSTEM=1 says it must be here")
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def chromium_path() -> str:
    return require(chromium(), "chromium (apt-get install chromium-headless-shell)")


@pytest.fixture(scope="module")
def playwright(chromium_path: str) -> Iterator[Playwright]:
    """No longer than a module: while it lives its event loop runs in this thread, and no async test could."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def voice_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Any sound at all: a seeded hum with noise, for tests in which the words do not matter."""
    return write_hum(tmp_path_factory.mktemp("wav") / "voice.wav")


@pytest.fixture(scope="session")
def silence_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exact zeros: what a switched-off microphone gives."""
    path = tmp_path_factory.mktemp("wav") / "silence.wav"
    soundfile.write(path, np.zeros(RATE * 20, np.float32), RATE, subtype="PCM_16")
    return path


@pytest.fixture(scope="session")
def mix_wav(mixes: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A labelled mix, by the beginning of its name, as a WAV of a minute: Chromium plays nothing else."""
    folder = tmp_path_factory.mktemp("mixes")

    def made(prefix: str) -> Path:
        (source,) = mixes.glob(f"{prefix}*.flac")
        path = folder / f"{source.stem}.wav"
        return path if path.exists() else write_wav(path, [source])

    return made


@pytest.fixture(scope="module")
def launch(playwright: Playwright, chromium_path: str) -> Iterator[Callable[..., Browser]]:
    """One browser per kind of microphone: ``wav`` played in a loop, ``denied``, or none at all."""
    with ExitStack() as stack:
        launched: dict[tuple[Any, ...], Browser] = {}

        def browser(wav: Path | None = None, *, denied: bool = False) -> Browser:
            key = (wav, denied)
            if key not in launched:
                flags = [*FLAGS, f"--use-fake-ui-for-media-stream{'=deny' if denied else ''}"]
                if wav is not None:
                    flags += ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={wav}"]
                launched[key] = playwright.chromium.launch(executable_path=chromium_path, args=flags)
                stack.callback(launched[key].close)
            return launched[key]

        yield browser


@pytest.fixture
def clock_stands() -> bool:
    """Whether the page's own clock moves only when the test moves it (``asserting.passes``). A page of the real server
    needs the real time: its file says False."""
    return True


@pytest.fixture
def open_page(launch: Callable[..., Browser], voice_wav: Path, clock_stands: bool) -> Iterator[OpenPage]:
    """Open a URL. Whatever the page complains of in its console fails the test, refused resources included;
    ``expecting``: part of a complaint that the test provokes."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []
    # A socket that a test cuts is reported by the browser itself.
    expected_complaints = ["WebSocket connection to"]

    def heard(message: ConsoleMessage) -> None:
        expected = any(part in message.text for part in expected_complaints)
        if message.type in ("error", "warning") and not expected:
            complaints.append(message.text)

    def opened(
        url: str, *, wav: Path | None = voice_wav, denied: bool = False, expecting: str = "", **options: Any
    ) -> Page:
        expected_complaints.extend([expecting] if expecting else [])
        context = launch(wav, denied=denied).new_context(**({"locale": "en-GB"} | options))
        contexts.append(context)
        if clock_stands:
            hold_clock(context)
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with StubServer() as server:
        yield server
