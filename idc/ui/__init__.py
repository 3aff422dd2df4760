"""What the pages share on screen. The only part of ``idc`` that knows Streamlit."""
