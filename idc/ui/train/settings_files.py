"""Save the form's settings to a file or a command line, and load them from a file."""

import streamlit as st

from idc.errors import IdcError
from idc.settings.json_file import MAX_BYTES, read_settings_file, train_command, write_settings_file
from idc.settings.training_config import TrainingConfig
from idc.ui.shared.guard import guarded
from idc.ui.train.form import fill_in, show_form_problem

_UPLOADED = "settings_uploaded"


def settings_files(config: TrainingConfig) -> None:
    """The command line, the download and the upload of the settings."""
    st.markdown("**The same run from the shell**")
    st.code(train_command(config, " \\\n  "), language="bash", wrap_lines=True)
    st.download_button(
        "Save config.json",
        write_settings_file(config),
        file_name="config.json",
        mime="application/json",
        icon=":material/download:",
        key="save_settings",
        on_click="ignore",
        help="Use it in the shell: python -m idc train --config config.json",
    )
    st.file_uploader(
        "Fill in the form from a config.json",
        type="json",
        key=_UPLOADED,
        on_change=guarded(_load),
        max_upload_size=1,
    )
    st.caption("The address of this page contains these settings: a copied link fills in the form.")


def _load() -> None:
    uploaded = st.session_state.get(_UPLOADED)
    if uploaded is None:
        return
    try:
        config = read_settings_file(uploaded.read(MAX_BYTES + 1))
    except IdcError as error:
        show_form_problem(str(error))
        return
    fill_in(config)
