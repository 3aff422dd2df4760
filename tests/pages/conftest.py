import pytest
import streamlit as st


@pytest.fixture(autouse=True)
def no_processes_beside(monkeypatch):
    """The Train page measures the device beside the server and lets a trainer load Keras ahead.

    Its tests need no such processes.
    """
    monkeypatch.setattr("idc.ui.train_estimate.start_speed_test", lambda key: None)
    monkeypatch.setattr("idc.ui.train_estimate.keep_ready", lambda: None)


@pytest.fixture(autouse=True)
def fresh_caches():
    """What one test cached must not reach the next."""
    st.cache_data.clear()
    st.cache_resource.clear()
