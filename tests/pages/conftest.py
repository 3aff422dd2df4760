import pytest
import streamlit as st


@pytest.fixture(autouse=True)
def no_processes_beside(monkeypatch):
    """Pages measure the device beside the server, and let a trainer load Keras ahead of its run.

    Their tests need no such processes.
    """
    monkeypatch.setattr("idc.ui.train.estimate.start_speed_test", lambda key: None)
    monkeypatch.setattr("idc.ui.train.estimate.keep_ready", lambda: None)
    monkeypatch.setattr("idc.shipped.demo.keep_ready", lambda: None)


@pytest.fixture(autouse=True)
def fresh_caches():
    """What one test cached must not reach the next."""
    st.cache_data.clear()
    st.cache_resource.clear()
