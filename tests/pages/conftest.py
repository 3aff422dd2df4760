import pytest
import streamlit as st


@pytest.fixture(autouse=True)
def no_processes_beside(monkeypatch):
    """Pages measure the device beside the server, and let a trainer load Keras ahead of its run.

    Their tests need no such processes.
    """
    monkeypatch.setattr("idc.ui.train.estimate.start_benchmark", lambda key: None)
    monkeypatch.setattr("idc.ui.train.estimate.ensure_standby", lambda: None)
    monkeypatch.setattr("idc.shipped.demo.ensure_standby", lambda: None)


@pytest.fixture(autouse=True)
def fresh_caches():
    """Clear Streamlit's caches after each test."""
    st.cache_data.clear()
    st.cache_resource.clear()
