import pytest
import streamlit as st


@pytest.fixture(autouse=True)
def fresh_caches():
    """What one test cached must not reach the next."""
    st.cache_data.clear()
    st.cache_resource.clear()
