"""What a notebook of a run has to state: its patches and parts, and what it reached."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from idc.datasets.splits import PARTS, PROTOCOLS, Split
from idc.datasets.store import PatchStore, open_store
from idc.errors import RunError
from idc.export.literals import packed_literal
from idc.patches import parse_patch_name
from idc.runs.lineage import read_lineage
from idc.runs.run import Run, check_same_data
from idc.runs.split import run_split

_BY_CASE = ("case-disjoint", "published")
_UNUSED = len(PARTS)  # part number of patches in no part
_SAMPLED_PATCHES = 500
_VERSIONS = ("keras", "tensorflow", "jax", "numpy")


@dataclass(frozen=True)
class Experiment:
    """A run with its data.

    Attributes:
        damaged: names (case, y, x, label) of pictures that could not be read when the data set was
            packed.
    """

    run: Run
    store: PatchStore
    split: Split
    damaged: tuple[tuple[int, int, int, int], ...]

    @property
    def from_kaggle(self) -> bool:
        """Whether the pictures of the public Kaggle set hold these patches."""
        report = self.store.report
        return (
            self.store.description.is_idc_set
            and not report.generated
            and not report.layout
            and len(self.damaged) == report.damaged
        )

    @property
    def patches_file(self) -> str:
        """The name of its file of patches (`idc.export.patches_file`)."""
        return f"{self.store.name}.npz"

    def template_values(self) -> dict[str, Any]:
        """What the templates show, without the network's code and the weights' digest."""
        run, config, status = self.run, self.run.config, self.run.status()
        ended = status.state in ("finished", "stopped")
        calibration = run.calibration()
        return {
            "config": config,
            "run_id": run.id,
            "file_name": self.patches_file,
            "kaggle": self.from_kaggle,
            "side": self.store.description.side_px,
            "class_names": self.store.description.class_names,
            "has_cases": self.store.description.has_cases,
            "calibration": calibration,
            "damaged": self.damaged,
            "epochs": status.epoch if status.state == "stopped" and status.epoch else status.epochs,
            "patience_from": status.patience_from,
            "scored_part": self.split.scored_part(),
            "left_out": self.split.left_out,
            "run_epochs": [
                {name: entry[name] for name in ("epoch", "val_loss", "val_roc_auc")}
                for entry in run.log().epochs
            ],
            "exactness": exactness(run, ended=ended),
            "versions": {
                name: value for name, value in run.environment().items() if name in _VERSIONS
            },
            **self._split_values(),
            **self._pixel_values(),
        }

    def _split_values(self) -> dict[str, Any]:
        part = np.full(len(self.store), _UNUSED, np.uint8)
        for number, name in enumerate(PARTS):
            part[self.split.rows(name)] = number
        values = {
            "counts": {
                name: [len(rows), int(self.store.labels[rows].sum())]
                for name, rows in ((name, self.split.rows(name)) for name in PARTS)
            },
            "cases": None,
            "split_text": f"{PROTOCOLS[self.split.protocol]}.",
        }
        if self.split.protocol not in _BY_CASE:
            known = self._names(part >= 0)
            return values | {"packed": True, "parts": packed_literal(part), "data_cases": known}
        cases = {name: self._names(part == number) for number, name in enumerate(PARTS)}
        listed = np.isin(self.store.cases, self.store.cases[part < _UNUSED])
        used = part[listed] < _UNUSED
        packed = None if used.all() else packed_literal(np.packbits(used))
        return values | {"packed": packed is not None, "cases": cases, "used": packed}

    def _names(self, chosen: np.ndarray) -> list[str]:
        """The names of the cases of some patches: bool, shape (n,)."""
        about = self.store.description
        return [about.case_name(int(case)) for case in np.unique(self.store.cases[chosen])]

    def _pixel_values(self) -> dict[str, Any]:
        rows = np.sort(np.concatenate([self.split.rows(name) for name in PARTS]))
        step = max(1, len(rows) // _SAMPLED_PATCHES)
        digest = hashlib.sha256(self.store.patches[rows[::step]].tobytes())
        return {"sample_step": step, "sample_sha256": digest.hexdigest()}


def open_experiment(run: Run) -> Experiment:
    """Open a run's data set and split it as the run did.

    Raises:
        IdcError: the run is damaged, or its data set is missing or was packed again.
    """
    if run.bundled:
        raise RunError(
            "The data set of the bundled model is not part of IDC Lab, so it cannot become a "
            "notebook; export one of your own runs."
        )
    store = open_store(run.config.data)
    check_same_data(run, store)
    names = [parse_patch_name(name.rsplit("/", 1)[-1]) for name in store.report.damaged_names]
    damaged = tuple((name.case, name.y, name.x, name.label) for name in names if name)
    return Experiment(run, store, run_split(run, store), damaged)


def exactness(run: Run, *, ended: bool) -> list[str]:
    """Whether the notebook reaches the run's weights exactly, or why not: sentences."""
    environment, reasons = run.environment(), []
    if read_lineage(run):
        reasons.append(
            "The run is a fork: it began with the weights of another run, this notebook begins "
            "with random ones."
        )
    if not ended:
        reasons.append("The run has not ended, so its weights are not final.")
    device = str(environment.get("device", ""))
    if device and not device.startswith("CPU"):
        reasons.append(f"The run trained on {device}, where sums are rounded differently.")
    if environment.get("backend", "tensorflow") != "tensorflow":
        reasons.append("The run trained with Keras on JAX, which rounds sums differently.")
    if not reasons:
        used = [f"{name} {environment[name]}" for name in _VERSIONS if name in environment]
        versions = f" ({', '.join(used)})" if used else ""
        return [
            f"On the CPU, with the versions of the run{versions}, it reaches the run's weights "
            "exactly; the last cell checks it."
        ]
    return [
        *reasons,
        "So the weights differ from the run's; the last cell prints how close the scores come.",
    ]
