import pytest
import streamlit as st


@pytest.fixture(autouse=True)
def no_speed_tests(monkeypatch):
    """The Train page measures the device beside the server; its tests need no second process."""
    monkeypatch.setattr("idc.ui.train_estimate.start_speed_test", lambda key: None)


@pytest.fixture(autouse=True)
def fresh_caches():
    """What one test cached must not reach the next."""
    st.cache_data.clear()
    st.cache_resource.clear()
