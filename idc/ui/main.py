"""The frame around every page: the menu, the app's name and the notice about diagnosis."""

from pathlib import Path

import streamlit as st

from idc.server.garbage_collection import freeze_imports
from idc.ui.shared import address
from idc.ui.shared.guard import guarded

ICON = str(Path(__file__).with_name("icon.svg"))
STYLE = Path(__file__).with_name("frame.css")

MENU = (
    ("home", "Home", ":material/home:"),
    ("dataset", "Dataset", ":material/grid_view:"),
    ("slides", "Slides", ":material/map:"),
    ("train", "Train", ":material/model_training:"),
    ("evaluate", "Evaluate", ":material/target:"),
    ("predict", "Predict", ":material/biotech:"),
    ("labels", "Labels", ":material/label:"),
    ("compare", "Compare", ":material/compare_arrows:"),
    ("leakage", "Leakage", ":material/water_drop:"),
    ("how_it_works", "How it works", ":material/lightbulb:"),
    ("build", "Build", ":material/construction:"),
    ("play", "You against the CNN", ":material/sports_esports:"),
)

freeze_imports()
st.set_page_config(page_title="IDC Lab", page_icon=ICON, layout="wide")
st.html(STYLE)

pages = {
    name: st.Page(f"../../pages/{name}.py", title=title, default=name == "home")
    for name, title, _ in MENU
}
# The built-in menu fetches its icons from the network, so the sidebar draws its own menu.
current = st.navigation(list(pages.values()), position="hidden")

with st.sidebar:
    st.markdown("### IDC Lab")
    for name, title, icon in MENU:
        st.page_link(pages[name], label=title, icon=icon, width="stretch")
    st.caption("For teaching and research, not for diagnosis.")

address.start_visit(current.url_path)
guarded(current.run)()
