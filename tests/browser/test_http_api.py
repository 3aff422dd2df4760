"""The HTTP API on the running app: works beside the pages and never reveals its token."""

import urllib.request

import pytest
import requests

from idc.processes.environment import API_TOKEN_VARIABLE
from tests.support.app_server import running_app
from tests.support.made_patches import png

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TOKEN = "canary-7f3a9c51e2d8b604"


def test_api_answers_beside_the_pages(home, monkeypatch):
    monkeypatch.setenv(API_TOKEN_VARIABLE, TOKEN)
    with running_app(home) as address:
        endpoint, bearer = f"{address}/api/predict", {"Authorization": f"Bearer {TOKEN}"}
        picture = png((200, 100, 150))
        good = requests.post(endpoint, data=picture, headers=bearer, timeout=300)
        bad = requests.post(endpoint, data=picture, headers={"Authorization": TOKEN}, timeout=60)
        health = requests.get(f"{address}/healthz", timeout=60)
        with urllib.request.urlopen(f"{address}/predict") as page:
            shell = page.read()

    assert good.json()["model"]["run"] == "bundled"
    assert (bad.status_code, good.headers["X-Frame-Options"]) == (401, "DENY")
    assert health.json() == {"status": "ok", "version": "0.1.0", "worker": "alive"}
    assert b"<title>Streamlit</title>" in shell  # Streamlit's page
    output = good.text + bad.text + health.text + (home / "server.txt").read_text()
    assert TOKEN not in output
