"""The report as a browser shows and prints it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from server.rendering.page.document import Document
from server.wire.result import ResultModel, StretchModel
from tests.browser import messages
from tests.browser.asserting import AXE, findings


def written(folder: Path, language: str) -> Path:
    result = ResultModel.model_validate(messages.result())
    noisy = result.labels["low_background"].model_copy(update={"failed": [StretchModel(start_s=2, end_s=6)]})
    told = result.model_copy(update={"labels": result.labels | {"low_background": noisy}})
    with (folder / "r.html").open("w", encoding="utf-8") as file:
        document = Document(language, file.write)
        document.add(told, tuple(range(-60, 0)))
        document.finish()
    return folder / "r.html"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_report_fits_a_phone_and_prints_on_a_sheet_of_a4_in_black_and_white(
    launch: Callable[..., Browser], tmp_path: Path, language: str
) -> None:
    report = written(tmp_path, language)
    # Its policy forbids scripts, those of a test too.
    context = launch().new_context(viewport={"width": 360, "height": 700}, bypass_csp=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    assert not AXE.exists() or findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert asked == [report.as_uri()]
    printed = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert [(round(float(width)), round(float(height))) for width, height in boxes] == [(595, 842)]
    page.emulate_media(media="print")
    bad = page.locator("svg .bad")
    assert bad.count() == 2, "in the waveform, and in the label's row"
    assert bad.first.evaluate("one => getComputedStyle(one).fill").startswith('url("#hatch")')
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--bad').trim()") == "#000"
    context.close()
