"""The form with the settings of a run. The URL holds its values, so a copied link restores them.

Widgets whose defaults depend on the preset have one key per preset, so that choosing another preset
shows its own defaults.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from idc.datasets.label_marks import rows_marked_wrong
from idc.datasets.splits import PROTOCOL_HELP, PROTOCOLS, protocols_for
from idc.datasets.store import PatchStore
from idc.networks.architecture import CUSTOM_PRESET
from idc.networks.hardware import gpu_description
from idc.settings.help_texts import SETTING_HELP
from idc.settings.training_config import (
    AUGMENTATIONS,
    BALANCINGS,
    OPTIMIZERS,
    PRECISIONS,
    PRESETS,
    SCHEDULES,
    TrainingConfig,
    preset_config,
    suggested_learning_rate,
)
from idc.settings.url_query import (
    DEFAULT_PRESET,
    NOT_ON_FORM,
    URL_SETTINGS,
    all_settings_to_query,
    form_defaults,
    settings_from_query,
    settings_to_query,
)
from idc.ui.shared import address
from idc.ui.shared.formatting import escape_markdown

_URL_PART = "settings"  # the part of the address
_FILLED_IN, _PROBLEMS = "settings-filled-in", "settings-problems"
_OFF_THE_FORM, _JUST_LOADED = "settings-off-the-form", "settings-taken"
_PROPOSED = "settings-proposed-rate"
_OWN_KEYS = {"seed": "train_seed", "name": "run_name"}
_PRESET_INDEPENDENT = (
    "preset",
    "architecture",
    "protocol",
    "unlisted",
    "leave_out_marked",
    "seed",
    "name",
)


def link_has_settings() -> bool:
    """Whether the URL fills in the form."""
    return any(name in st.query_params for name in URL_SETTINGS)


def settings_form(store: PatchStore, wanted_data: str | None) -> TrainingConfig:
    """Draw the form. Returns its settings, which are then in the URL too.

    Args:
        wanted_data: the data set that the URL named.
    """
    _load_from_url(store, wanted_data)
    warning_slot = st.empty()
    config = _Form(store).config()
    _write_to_url(config, len(store))
    if problems := st.session_state.get(_PROBLEMS):
        ignored = "; ".join(escape_markdown(problem.rstrip(".")) for problem in problems)
        warning_slot.warning(f"Not applied: {ignored}.", icon=":material/link_off:")
    return config


def fill_in(config: TrainingConfig) -> None:
    """Fill in the form with these settings in the next script run."""
    st.session_state[_FILLED_IN] = True
    plain_config = TrainingConfig(data=config.data)
    st.session_state[_OFF_THE_FORM] = [
        name for name in NOT_ON_FORM if getattr(config, name) != getattr(plain_config, name)
    ]
    _set_url({"data": config.data, **all_settings_to_query(config)})


def show_form_problem(problem: str) -> None:
    """Show a sentence above the form until a setting changes."""
    st.session_state[_PROBLEMS] = (problem,)


class _Form:
    """The widgets, one method per group; each starts with the value that the preset proposes."""

    def __init__(self, store: PatchStore) -> None:
        self._store = store
        self._settings: dict[str, Any] = {}
        preset = st.session_state.setdefault("preset", DEFAULT_PRESET)
        self._protocols = protocols_for(store.description)
        defaults = form_defaults(preset, store.name, len(store))
        self._defaults = replace(defaults, protocol=self._protocols[0])

    def config(self) -> TrainingConfig:
        """Draw all widgets and return their settings."""
        preset = self._preset()
        self._split()
        self._data(*st.columns(2))
        st.markdown("**Learning**")
        self._learning(*st.columns(3))
        self._classes(*st.columns(2))
        st.markdown("**Duration**")
        self._stopping(*st.columns(3, vertical_alignment="bottom"))
        with st.popover("More settings", icon=":material/tune:"):
            self._more()
        self._run_name()
        return preset_config(preset, self._store.name, **self._settings)

    def _preset(self) -> str:
        preset = st.selectbox(
            "Preset",
            list(PRESETS),
            format_func=lambda name: PRESETS[name].title,
            key="preset",
            help=SETTING_HELP["preset"],
        )
        st.caption(PRESETS[preset].summary)
        if preset == CUSTOM_PRESET:
            self._architecture()
        return preset

    def _architecture(self) -> None:
        key = self._prepare_widget("architecture")
        text = st.text_input(
            "Network", max_chars=60, key=key, help=SETTING_HELP["architecture"]
        ).strip()
        st.page_link("../../pages/build.py", label="Build another", icon=":material/construction:")
        self._settings["architecture"] = text

    def _split(self) -> None:
        titles = {name: PROTOCOLS[name] for name in self._protocols}
        protocol = self._choice(st, "Split", "protocol", titles)
        st.caption(PROTOCOL_HELP[protocol])
        if protocol == "published" and self._toggle(
            st, "Cases in no published list join training", "unlisted"
        ):
            self._settings["unlisted"] = "train"
        else:
            self._settings["unlisted"] = "ignore"

    def _data(self, first: DeltaGenerator, second: DeltaGenerator) -> None:
        maximum = max(2, len(self._store))
        patches = self._number(first, "Patches to use", "patches", 2, maximum, 1_000)
        self._settings["patches"] = None if patches >= maximum else patches
        self._number(second, "Seed", "seed", 0, 2**31 - 1)
        marked = len(rows_marked_wrong(self._store.name, self._store.index))
        if marked:
            label = f"Leave out patches marked wrong ({marked:,})"
            self._toggle(st, label, "leave_out_marked")

    def _learning(
        self, first: DeltaGenerator, second: DeltaGenerator, third: DeltaGenerator
    ) -> None:
        self._scale_learning_rate(self._number(first, "Batch size", "batch_size", 1, 8_192))
        self._number(second, "Learning rate", "learning_rate", 1e-8, 10.0, 1e-4, "%.6g")
        self._choice(third, "Schedule", "schedule", SCHEDULES)

    def _scale_learning_rate(self, batch_size: int) -> None:
        """Scale the proposed learning rate with the batch size, unless the visitor changed it."""
        preset = self._defaults.preset
        rate, proposed = (
            suggested_learning_rate(preset, batch_size),
            st.session_state.get(_PROPOSED),
        )
        key = _key("learning_rate", preset, self._store.name)
        if proposed == (preset, st.session_state.get(key)):
            st.session_state[key] = rate
        st.session_state[_PROPOSED] = (preset, rate)
        self._defaults = replace(self._defaults, learning_rate=rate)

    def _classes(self, first: DeltaGenerator, second: DeltaGenerator) -> None:
        self._choice(first, "Augmentation", "augmentation", AUGMENTATIONS)
        self._choice(second, "Class balance", "balancing", BALANCINGS)

    def _stopping(
        self, first: DeltaGenerator, second: DeltaGenerator, third: DeltaGenerator
    ) -> None:
        self._number(first, "Epochs", "epochs", 1, 10_000)
        early = self._toggle(second, "Stop early", "early_stopping")
        self._number(third, "Patience", "patience", 1, 1_000, disabled=not early)

    def _more(self) -> None:
        optimizers = dict.fromkeys(OPTIMIZERS, "")
        names = {"adam": "Adam", "adamw": "AdamW"}
        optimizer = self._choice(st, "Optimizer", "optimizer", {**optimizers, **names})
        plain_adam = optimizer == "adam"
        self._number(
            st, "Weight decay", "weight_decay", 0.0, 10.0, 0.01, "%.6g", disabled=plain_adam
        )
        self._number(st, "Label smoothing", "label_smoothing", 0.0, 0.499, 0.05, "%.3g")
        if gpu_description():
            self._choice(st, "Precision", "precision", PRECISIONS)
        else:
            st.caption(
                "Precision: float32. Mixed precision requires a GPU, and this machine has none."
            )

    def _run_name(self) -> None:
        key = self._prepare_widget("name")
        name = st.text_input(
            "Name", max_chars=80, key=key, placeholder="optional", help=SETTING_HELP["name"]
        )
        self._settings["name"] = name.strip()

    def _choice(self, column: Any, label: str, name: str, options: Mapping[str, str]) -> str:
        key = self._prepare_widget(name)
        if st.session_state[key] not in options:  # chosen for another data set, or by a link
            st.session_state[key] = getattr(self._defaults, name)
        value = column.selectbox(
            label,
            list(options),
            format_func=lambda option: options[option],
            key=key,
            help=SETTING_HELP[name],
        )
        self._settings[name] = value
        return str(value)

    def _number(
        self,
        column: Any,
        label: str,
        name: str,
        minimum: float,
        maximum: float,
        step: float = 1,
        form: str | None = None,
        disabled: bool = False,
    ) -> Any:
        value = column.number_input(
            label,
            minimum,
            maximum,
            step=step,
            format=form,
            key=self._prepare_widget(name),
            help=SETTING_HELP[name],
            disabled=disabled,
        )
        self._settings[name] = value
        return value

    def _toggle(self, column: Any, label: str, name: str) -> bool:
        value = column.toggle(label, key=self._prepare_widget(name), help=SETTING_HELP[name])
        self._settings[name] = value
        return bool(value)

    def _prepare_widget(self, name: str) -> str:
        """Set the widget's value if it has none yet, and return its key."""
        key = _key(name, self._defaults.preset, self._store.name)
        value = _widget_value(name, getattr(self._defaults, name), len(self._store))
        st.session_state.setdefault(key, value)
        return key


def _key(name: str, preset: str, store_name: str) -> str:
    if name == "patches":
        return f"patches_{store_name}"
    return _OWN_KEYS.get(name, name) if name in _PRESET_INDEPENDENT else f"{name}_{preset}"


def _widget_value(name: str, value: Any, size: int) -> Any:
    """The widget's value for a setting."""
    if name == "patches":
        return size if value is None else min(value, size)
    return value == "train" if name == "unlisted" else value


def _load_from_url(store: PatchStore, wanted_data: str | None) -> None:
    params = _url_params()
    if not st.session_state.pop(_FILLED_IN, False) and _written_by_form(params):
        return
    parsed = settings_from_query({name: st.query_params.get_all(name) for name in params})
    problems = list(parsed.problems)
    if wanted_data is not None and wanted_data != store.name:
        problems.insert(0, f"there is no data set '{wanted_data[:100]}'; choose another one.")
    settings = dict(parsed.settings)
    if settings.get("precision") == "mixed" and not gpu_description():
        del settings["precision"]
        problems.append("mixed precision requires a GPU, and this machine has none.")
    if names := st.session_state.pop(_OFF_THE_FORM, ()):
        problems.append(f"{', '.join(names)}: not on the form, only in the shell.")
    _set_widgets(settings, store)
    st.session_state[_PROBLEMS] = tuple(problems)
    st.session_state[_JUST_LOADED] = True


def _written_by_form(params: dict[str, str]) -> bool:
    """Whether the form itself wrote these parameters to the URL, now or recently."""
    items, latest = _sorted_items(params), address.latest(_URL_PART)
    if latest is None or "preset" not in st.session_state:  # the form was not drawn
        return not params and not latest
    return items == latest or address.is_outdated(_URL_PART, items)


def _set_widgets(settings: Mapping[str, Any], store: PatchStore) -> None:
    st.session_state.pop(_PROPOSED, None)
    preset = settings.get("preset", DEFAULT_PRESET)
    for name in URL_SETTINGS:
        key = _key(name, preset, store.name)
        st.session_state.pop(key, None)
        if name in settings:
            st.session_state[key] = _widget_value(name, settings[name], len(store))


def _write_to_url(config: TrainingConfig, size: int) -> None:
    params, present = settings_to_query(config, size), _url_params()
    # Right after loading, a difference is not a change by the visitor.
    loaded = st.session_state.pop(_JUST_LOADED, False)
    if not loaded and _sorted_items(params) != address.latest(_URL_PART):
        st.session_state.pop(_PROBLEMS, None)
    if address.latest(_URL_PART) is None:
        # The browser may send the current parameters again before it receives the new ones.
        address.remember(_URL_PART, _sorted_items(present))
    address.remember(_URL_PART, _sorted_items(params))
    if params != present:
        _set_url(params)


def _sorted_items(params: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(params.items()))


def _url_params() -> dict[str, str]:
    return {name: st.query_params[name] for name in URL_SETTINGS if name in st.query_params}


def _set_url(params: Mapping[str, str]) -> None:
    """Replace the settings in the URL in one step and keep all other parameters."""
    others = {
        name: st.query_params.get_all(name) for name in st.query_params if name not in URL_SETTINGS
    }
    st.query_params.from_dict({**others, **params})
