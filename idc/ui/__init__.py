"""What the pages draw. Beside `idc.server` the only package that imports Streamlit."""
