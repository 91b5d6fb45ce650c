"""A real Chromium, a real nginx with TLS and a prefix, and the server behind it: pages, modules, worklet, sockets."""

from collections.abc import Iterator

import pytest

from tests.api.conftest import start as serve
from tests.browser.asserting import attribute
from tests.browser.conftest import OpenPage
from tests.ports import free_port
from tests.proxies.running import WAYS, proxy

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def clock_stands() -> bool:
    return False


@pytest.fixture(scope="module")
def base(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port, folder = free_port(), tmp_path_factory.mktemp("nginx")
    base = f"https://127.0.0.1:{port}/tingqing"
    served = serve(drain_s=1.0, public_url=base, trust_proxy=["127.0.0.1"])
    try:
        with proxy(WAYS["nginx, prefix cut off"], port, free_port(), served, folder):
            yield base
    finally:
        served.stop()


def test_patient_and_doctor_meet_over_tls_under_a_prefix(base: str, open_page: OpenPage) -> None:
    page = open_page(f"{base}/?lang=en", ignore_https_errors=True)
    page.click("[part=start]")
    attribute(page, "data-state", "live", within_s=60)
    link = page.locator("[part=doctor-link]").get_attribute("href")
    assert link is not None
    doctor = page.context.new_page()
    doctor.goto(page.evaluate("link => new URL(link, document.baseURI).href", link))
    assert doctor.url.startswith(f"{base}/doctor?session=")
    attribute(doctor, "data-state", "live", within_s=60)
