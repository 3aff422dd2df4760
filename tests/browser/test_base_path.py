"""The components load below a base path, from deep links and after page switches."""

import pytest
from playwright.sync_api import expect

from tests.support.app_server import running_app

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STACK = ".blocks button.layer"
LAMPS = ".lamp"


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    with running_app(tmp_path_factory.mktemp("home"), base_path="lab") as address:
        yield address


@pytest.mark.parametrize("path", ["/build", "/build/", "/build?network=fast"])
def test_component_loads_on_a_deep_link(app, page, path):
    page.goto(app + path)

    expect(page.locator(STACK).first).to_be_visible()
    assert page.complaints == []


@pytest.mark.parametrize("start", ["", "/"])
def test_components_load_after_page_switches(app, page, start):
    page.goto(app + start)
    page.get_by_role("link", name="How it works").first.click()
    expect(page.locator(LAMPS).first).to_be_visible()
    page.get_by_role("link", name="Build").first.click()
    expect(page.locator(STACK).first).to_be_visible()

    addresses = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    modules = {address for address in addresses if "/modules/" in address}
    assert modules
    assert all(address.startswith(f"{app}/modules/") for address in modules)
    assert page.complaints == []
