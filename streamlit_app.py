"""The entry point: ``streamlit run streamlit_app.py``."""

import streamlit as st

from idc.server.app import lifespan, middleware, routes

app = st.App("idc/ui/main.py", lifespan=lifespan, middleware=middleware, routes=routes)
