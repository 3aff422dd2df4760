"""Actions on a run: edit name and notes, fork, delete and undo."""

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from idc.launch.fork import can_fork, fork_run
from idc.runs.lock import is_locked
from idc.runs.notes import MAX_NAME_LENGTH, MAX_NOTES_LENGTH, RunNotes, write_notes
from idc.runs.run import Run, RunStatus
from idc.runs.trash import delete_run, deleted_runs, restore_run
from idc.settings.help_texts import SETTING_HELP
from idc.settings.training_config import AUGMENTATIONS, BALANCINGS, TrainingConfig
from idc.ui.shared.formatting import escape_markdown
from idc.ui.shared.guard import error_sentences
from idc.ui.shared.pickers import reset_picker, select_in_picker
from idc.ui.shared.run_export import run_export


def run_actions(run: Run) -> None:
    """A row of actions on the chosen run."""
    if run.bundled:
        return
    status = run.status()
    with st.container(horizontal=True, gap="xsmall"):
        _notes_form(run)
        if not run.shipped() and can_fork(run):
            _fork_form(run)
        with st.popover("Export", icon=":material/output:"):
            run_export(run)
        _delete_button(run, status)


def run_notes(run: Run) -> None:
    """The visitors' notes on the run, line by line."""
    notes = run.notes()
    if notes.problem:
        st.warning(escape_markdown(notes.problem), icon=":material/warning:")
    if text := notes.notes:
        st.markdown(escape_markdown(text).replace("\n", "  \n"))


def undo_notice() -> None:
    """After a deletion: the name of the run and an undo button."""
    run_id = st.session_state.get("deleted_run")
    if run_id is None or run_id not in deleted_runs():
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        title = st.session_state["deleted_title"]
        st.markdown(f":material/delete: Deleted **{escape_markdown(title)}**. It is in the trash.")
        if st.button("Undo", icon=":material/undo:", key="undo_delete"):
            _restore(run_id)


def deleted_list() -> None:
    """All deleted runs, with a button to restore one."""
    if not (deleted := deleted_runs()):
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        run_id = st.selectbox("Deleted runs", deleted, key="deleted_runs", width=380)
        if st.button("Restore", icon=":material/restore_from_trash:", key="bring_back"):
            _restore(run_id)


def _restore(run_id: str) -> None:
    with error_sentences():
        restore_run(run_id)
        st.session_state.pop("deleted_run", None)
        select_in_picker("run", run_id)
        st.rerun()


def _notes_form(run: Run) -> None:
    notes = run.notes()
    with (
        st.popover("Name and notes", icon=":material/edit:"),
        st.form(f"notes_{run.id}", border=False),
    ):
        name = st.text_input("Name", notes.name, max_chars=MAX_NAME_LENGTH, key=f"name_{run.id}")
        text = st.text_area("Notes", notes.notes, max_chars=MAX_NOTES_LENGTH, key=f"text_{run.id}")
        if st.form_submit_button("Save", icon=":material/check:"):
            with error_sentences():
                write_notes(run.folder, RunNotes(name.strip(), text.strip()))
                st.rerun()


def _delete_button(run: Run, status: RunStatus) -> None:
    busy = status.live or (status.state == "paused" and is_locked(run.folder))
    pressed = st.button(
        "Delete",
        icon=":material/delete:",
        key=f"delete_{run.id}",  # one key per run, so that a click never applies to another one
        disabled=busy or run.shipped(),
        help="Stop the run first." if busy else "Moves its folder to the trash; can be undone.",
    )
    if pressed:
        with error_sentences():
            title = run.title
            delete_run(run)
            st.session_state["deleted_run"] = run.id
            st.session_state["deleted_title"] = title
            reset_picker("run")
            st.rerun()


def _fork_form(run: Run) -> None:
    with (
        st.popover("Fork", icon=":material/fork_right:", help="Continue from here in a new run."),
        st.form(f"fork_{run.id}", border=False),
    ):
        st.markdown(
            "A new run that starts from the last checkpoint of this one, with the same data and "
            "the same held-out parts. Another seed draws new training patches from the training "
            "cases."
        )
        config = _fork_settings(run)
        pressed = st.form_submit_button(
            "Start the fork", type="primary", icon=":material/play_arrow:"
        )
    if pressed:
        with error_sentences():
            select_in_picker("run", fork_run(run, config).id)
            st.rerun()


def _fork_settings(run: Run) -> TrainingConfig:
    parent = run.config
    left, right = st.columns(2)
    seed = left.number_input(
        "Seed",
        0,
        2**31 - 1,
        parent.seed + 1,
        key=f"fork_seed_{run.id}",
        help="Another seed draws other training patches.",
    )
    epochs = _fork_number(right, run, "Epochs", "epochs", 10_000)
    rate = left.number_input(
        "Learning rate",
        1e-8,
        10.0,
        parent.learning_rate,
        format="%.6g",
        step=1e-4,
        key=f"fork_rate_{run.id}",
        help=SETTING_HELP["learning_rate"],
    )
    batch_size = _fork_number(right, run, "Batch size", "batch_size", 8_192)
    augmentation = _fork_choice(left, run, "Augmentation", "augmentation", AUGMENTATIONS)
    balancing = _fork_choice(right, run, "Class balance", "balancing", BALANCINGS)
    return replace(
        parent,
        seed=int(seed),
        epochs=epochs,
        learning_rate=float(rate),
        batch_size=batch_size,
        augmentation=augmentation,
        balancing=balancing,
        name=f"{run.title[: MAX_NAME_LENGTH - 6]}, fork",
    )


def _fork_number(column: DeltaGenerator, run: Run, label: str, name: str, maximum: int) -> int:
    value = column.number_input(
        label,
        1,
        maximum,
        getattr(run.config, name),
        key=f"fork_{name}_{run.id}",
        help=SETTING_HELP[name],
    )
    return int(value)


def _fork_choice(
    column: DeltaGenerator, run: Run, label: str, name: str, options: Mapping[str, str]
) -> str:
    return column.selectbox(
        label,
        list(options),
        index=list(options).index(getattr(run.config, name)),
        format_func=options.__getitem__,
        key=f"fork_{name}_{run.id}",
        help=SETTING_HELP[name],
    )
