"""Where CI asks for everything, a skip is a failure."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).resolve().parent.parent / "conftest.py"
SKIPS = {
    "test_audio.py": "import pytest\ndef test_it(): pytest.skip('no real audio: here')",
    "test_browser.py": "import pytest\ndef test_it(): pytest.skip('no chromium')",
    "test_module.py": "import pytest\npytest.skip('no redis', allow_module_level=True)",
    "test_known.py": "import pytest\n@pytest.mark.xfail(reason='known')\ndef test_it(): raise ValueError",
}


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    for variable in ("TINGQING_REQUIRE_AUDIO", "TINGQING_REQUIRE_SYSTEM"):
        monkeypatch.delenv(variable, raising=False)
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    for name, text in SKIPS.items():
        pytester.path.joinpath(name).write_text(text, encoding="utf-8")
    return pytester


def test_skips_stay_skips_on_a_developers_machine(project: pytest.Pytester) -> None:
    project.runpytest_inprocess("-q").assert_outcomes(skipped=3, xfailed=1)


def test_a_missing_system_part_fails_where_it_is_required(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINGQING_REQUIRE_SYSTEM", "1")
    result = project.runpytest_inprocess("-q", "--continue-on-collection-errors")
    result.assert_outcomes(skipped=1, failed=1, errors=1, xfailed=1)
    result.stdout.fnmatch_lines(["*no chromium (TINGQING_REQUIRE_SYSTEM=1 makes a skip a failure)*"])


def test_absent_audio_fails_where_it_is_required(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINGQING_REQUIRE_AUDIO", "1")
    project.runpytest_inprocess("-q").assert_outcomes(skipped=2, failed=1, xfailed=1)
