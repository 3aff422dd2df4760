"""Own pictures become a data set: the files are checked, what is unclear is asked, then packed.

A process recognises and decodes (`idc.ingest.packing_job`); this module shows its answer.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from idc.datasets.store import check_store_name, list_stores
from idc.errors import DataError
from idc.files.sources import existing_path
from idc.ingest.layouts.plan import PackOptions
from idc.ingest.packing_job import PreviewJob, start_packing, start_preview
from idc.ingest.plan_packing import PackPreview
from idc.ui.home.pack_questions import ask
from idc.ui.shared.formatting import escape_markdown
from idc.ui.shared.guard import error_sentences, guarded_fragment, show_error

_CHECKED = "pack_checked"  # session state: `_Checked`

# Sentences of the shell name its options; here they are fields.
_FIELDS = {
    "--labels TABLE.csv": '"Table of labels"',
    "--labels": '"Table of labels"',
    "--positive": '"Positive class"',
    "--pattern": '"Pattern"',
    "--side": '"Side"',
    "--mpp": '"µm per pixel"',
}


@dataclass(frozen=True)
class _Checked:
    """The files that the visitor last had checked."""

    paths: tuple[Path, ...]
    name: str
    options: PackOptions
    job: PreviewJob


def own_data_form() -> None:
    """Ask for files on the server's machine, and check them."""
    st.markdown(
        "Two folders of pictures, one for each class, or the zip from Kaggle. "
        "Checking shows what is recognised; nothing is packed before you agree."
    )
    with st.form("pack", border=False):
        paths = st.text_area(
            "Zip or folder on this computer",
            placeholder="/home/you/pictures",
            help="The full path. Several paths, one per line, become one data set. Zips, folders, "
            "HDF5 pairs, .npz files, and a CSV of labels.",
            height=68,
            key="pack_paths",
        )
        name = st.text_input(
            "Name",
            value="idc",
            max_chars=64,
            key="pack_name",
            help="Name of the data set in IDC Lab: letters, digits, '-' and '_'.",
        )
        with st.expander("If the folders do not tell it"):
            positive = st.text_input(
                "Positive class",
                key="pack_positive",
                help="Its name in the files; several names separated by commas. All others "
                "become the negative class.",
            )
            pattern = st.text_input(
                "Pattern",
                key="pack_pattern",
                placeholder=r"(?P<case>[^_/]+)_[^/]*$",
                help="A regular expression with the named groups case, x, y or label, searched "
                "in each file's path.",
            )
            labels = st.text_input(
                "Table of labels",
                key="pack_labels",
                help="The full path of a CSV with the columns file and label, and perhaps case, "
                "x and y.",
            )
        pressed = st.form_submit_button(
            "Check the files", icon=":material/search:", width="stretch"
        )
    if pressed:
        st.session_state.pop(_CHECKED, None)
        options = PackOptions(
            labels=existing_path(_unquoted(labels)) if labels.strip() else None,
            positive=tuple(word.strip() for word in positive.split(",") if word.strip()),
            pattern=pattern.strip(),
        )
        _check(paths, name.strip(), options)


def _check(paths_text: str, name: str, options: PackOptions) -> None:
    lines = [_unquoted(line) for line in paths_text.splitlines() if line.strip()]
    if not lines:
        raise DataError("Enter the full path of a zip or folder.")
    _check_name(name)
    paths = tuple(existing_path(line) for line in lines)
    job = start_preview(paths, options)
    st.session_state[_CHECKED] = _Checked(paths, name, options, job)


def _unquoted(path: str) -> str:
    return path.strip().strip("'\"")


def _check_name(name: str) -> None:
    if check_store_name(name) in list_stores():
        raise DataError(f"A data set named '{name}' already exists. Choose another name.")


def own_data_preview() -> None:
    """What the checked files hold, the questions about them, and the button that packs."""
    checked: _Checked | None = st.session_state.get(_CHECKED)
    if checked is None:
        return
    with st.container(border=True), error_sentences():
        if checked.job.live:
            guarded_fragment(_wait, run_every=0.5, key="own_data")(checked)
        elif checked.job.preview is None:
            show_error(_page_words(checked.job.problem or "The check was cancelled."))
        else:
            _show(checked, checked.job.preview)


def _wait(checked: _Checked) -> None:
    if not checked.job.live:
        st.rerun()  # the whole page, which shows the result
    st.markdown(f"Checking the files for **{escape_markdown(checked.name)}** ...")
    if st.button("Cancel", key="cancel_check"):
        _forget()
        st.rerun()


def _show(checked: _Checked, preview: PackPreview) -> None:
    st.markdown(f"##### {escape_markdown(checked.name)}: what was recognised")
    facts, pictures = st.columns(2, gap="large")
    with facts:
        _facts(preview)
    with pictures:
        _pictures(checked.job.sheet)
    options = ask(preview, checked.options)
    pressed = st.button(
        "Pack",
        type="primary",
        icon=":material/inventory_2:",
        key="pack_now",
        disabled=options is None,
    )
    if pressed and options is not None:
        _check_name(checked.name)
        start_packing(checked.paths, checked.name, options)
        _forget()
        st.rerun()


def _forget() -> None:
    checked: _Checked | None = st.session_state.pop(_CHECKED, None)
    if checked is not None:
        checked.job.stop()


def _facts(preview: PackPreview) -> None:
    # The questions have fields of their own here, so the sentences of the shell are left out.
    shown = replace(preview, question="", notes=())
    lines = [*shown.lines(), *preview.notes]
    st.markdown("\n".join(f"- {escape_markdown(_page_words(line))}" for line in lines))


def _pictures(sheet: dict[str, str]) -> None:
    for name, png in sheet.items():
        st.caption(escape_markdown(name))
        # The address of the data: the server does not decode the picture.
        st.image(f"data:image/png;base64,{png}", alt=f"Some pictures of the class {name}")


def _page_words(sentence: str) -> str:
    for option, field in _FIELDS.items():
        sentence = sentence.replace(option, field)
    return sentence
