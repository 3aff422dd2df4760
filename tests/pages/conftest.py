import pytest
import streamlit as st


@pytest.fixture(autouse=True)
def no_background_processes(monkeypatch):
    """Start no speed test and no standby trainer from a page."""
    monkeypatch.setattr("idc.ui.train.estimate.start_benchmark", lambda key: None)
    monkeypatch.setattr("idc.ui.train.estimate.ensure_standby", lambda: None)
    monkeypatch.setattr("idc.shipped.demo.ensure_standby", lambda: None)


@pytest.fixture(autouse=True)
def fresh_caches():
    """Clear Streamlit's caches after each test."""
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def started(monkeypatch):
    """Ids of the runs whose trainer the page started; the start is faked."""
    ids = []
    for module in ("idc.launch.start", "idc.launch.fork", "idc.ui.train.controls"):
        monkeypatch.setattr(f"{module}.start_trainer", lambda run: ids.append(run.id))
    return ids
