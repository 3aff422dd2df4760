"""The house rules that no other test would notice: who may import whom, and at what price."""

import ast
import graphlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = sorted((ROOT / "idc").rglob("*.py"))
PAGES = sorted((ROOT / "pages").glob("*.py"))
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in [ROOT / "streamlit_app.py", *PAGES, *CORE]
}
DRAWN = [
    name for name in SOURCES if name.startswith(("streamlit_app", "pages.", "idc.server", "idc.ui"))
]

# What a page needs to draw, besides what it imports today: the parts that answer in milliseconds.
LIGHT = [
    "idc.metrics.scores",
    "idc.ui.shared.figures",
    "idc.evaluation.results",
    "idc.datasets.store",
    "idc.ingest.packing",
    "idc.datasets.splits",
    "idc.settings.training_config",
    "idc.runs.run",
    "idc.runs.status",
    "idc.launch.start",
    "idc.runs.control",
    "idc.runs.device_queue",
    "idc.training.hosts",
    "idc.networks.hardware",
    "idc.training.memory_errors",
    "idc.large_images.bulk_task",
    "idc.large_images.bulk",
    "idc.launch.fork",
    "idc.runs.notes",
    "idc.runs.trash",
    "idc.runs.log",
    "idc.prediction.predictor",
    "idc.uploads.gate",
    "idc.server.quotas",
    "idc.uploads.zip_archive",
    "idc.uploads.file_batch",
    "idc.prediction.file_job",
    "idc.prediction.file_predictions",
    "idc.demo_tissue.generate",
    "idc.imaging.outline",
    "idc.datasets.stitched_slide",
    "idc.datasets.stitched_exports",
    "idc.prediction.case_predictions",
    "idc.large_images.region",
    "idc.large_images.region_exports",
    "idc.large_images.region_pictures",
    "idc.large_images.whole_slide",
    "idc.large_images.slide_predictions",
    "idc.prediction.explain",
    "idc.prediction.training_features",
    "idc.prediction.image_warnings",
    "idc.prediction.appearance",
    "idc.runs.watched_slide",
    "idc.runs.snapshot",
    "idc.launch.training_speed",
    "idc.launch.benchmark_jobs",
    "idc.launch.estimates",
    "idc.settings.url_query",
    "idc.settings.json_file",
    "idc.evaluation.run_groups",
    "idc.evaluation.split_gap",
    "idc.networks.architecture",
    "idc.runs.first_filters",
    "idc.prediction.layer_views",
    "idc.networks.receptive_field",
    "idc.server.api_prediction",
    "idc.game.rules",
    "idc.game.rounds",
    "idc.game.scoreboard",
]
# Runs on import: the frame calls Streamlit at once. What it imports is looked at all the same.
FRAME = "idc.ui.main"


def statements(node: ast.AST, *, at_import: bool) -> Iterator[ast.AST]:
    """All statements below a node; with ``at_import`` those alone that run when it is imported."""
    for child in ast.iter_child_nodes(node):
        if at_import and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if at_import and isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from statements(child, at_import=at_import)


def imported(name: str, *, at_import: bool = False) -> set[str]:
    """The modules that a module imports; of ``from a import b`` both ``a`` and ``a.b``."""
    found = set()
    tree = ast.parse(SOURCES[name].read_text(encoding="utf-8"))
    for node in statements(tree, at_import=at_import):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relative to itself"
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def importers_of(packages: set[str], names: list[str], *, at_import: bool) -> list[str]:
    """Which of the modules import one of the packages themselves."""
    return [
        name
        for name in names
        if packages & {module.split(".")[0] for module in imported(name, at_import=at_import)}
    ]


def needed_by(names: list[str]) -> set[str]:
    """Our modules that are imported, at once or through each other, when these are."""
    reached, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name in SOURCES and name not in reached:
            reached.add(name)
            waiting.extend(imported(name, at_import=True))
    return reached


def test_the_modules_that_these_rules_are_about_are_found():
    assert {
        "streamlit_app",
        "pages.home",
        "idc.ui.main",
        "idc.datasets.store",
        "idc.demo_tissue",
    } <= set(SOURCES)
    assert not {name for name in imported("idc.errors") if name.startswith("idc")}
    assert "idc.patches" in needed_by(["pages.home"])
    assert set(LIGHT) <= set(SOURCES)


def test_git_ignores_all_that_the_app_writes_where_nobody_moved_its_home():
    sources = [path.read_text(encoding="utf-8") for path in CORE]
    folders = {name for text in sources for name in re.findall(r'home_dir\(\) / "(\w+)"', text)}
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()

    assert {f"/{name}/" for name in folders} - set(ignored) == set()
    assert {"data", "runs", "devices", "trash"} <= folders


def test_streamlit_stays_in_the_pages_and_the_ui():
    core = [name for name in SOURCES if name not in DRAWN]

    assert importers_of({"streamlit"}, core, at_import=False) == []


def test_core_never_imports_what_is_drawn_over_it():
    upward = {
        (name, module)
        for name in SOURCES
        if name not in DRAWN
        for module in imported(name)
        if module.startswith(("idc.ui", "pages", "streamlit_app"))
    }

    assert upward == set()


def test_nothing_imports_a_page():
    assert importers_of({"pages", "streamlit_app"}, list(SOURCES), at_import=False) == []


def test_imports_run_one_way():
    ours = {name: imported(name, at_import=True) & SOURCES.keys() - {name} for name in SOURCES}

    graphlib.TopologicalSorter(ours).prepare()  # raises CycleError, which names the circle


def test_lowest_parts_import_none_of_ours():
    for name in (
        "idc.errors",
        "idc.patches",
        "idc.files.home",
        "idc.files.atomic",
        "idc.processes.fair_semaphore",
    ):
        assert {module for module in imported(name) if module.startswith("idc")} == set(), name


def test_kaggle_is_imported_by_one_module_and_only_when_it_is_used():
    # `import kaggle` signs in, and may end the process
    everything, theirs = list(SOURCES), {"kaggle", "kagglesdk", "kagglehub"}

    assert importers_of(theirs, everything, at_import=True) == []
    assert importers_of(theirs, everything, at_import=False) == ["idc.ingest.kaggle_internals"]


def test_no_module_that_a_page_needs_imports_a_training_library():
    needed = sorted(needed_by([*DRAWN, *LIGHT]))

    assert importers_of({"keras", "tensorflow", "jax"}, needed, at_import=True) == []


@pytest.mark.slow  # imports Streamlit in a fresh process
def test_drawing_a_page_never_loads_tensorflow_or_keras():
    # as Python does it, so that a way round by another package is found too
    modules = sorted((needed_by([*DRAWN, *LIGHT]) | set(LIGHT)) - {FRAME, "streamlit_app"})
    modules = [name for name in modules if not name.startswith("pages.")]
    code = (
        "import importlib, json, sys\n"
        "for name in json.loads(sys.argv[1]): importlib.import_module(name)\n"
        "print(json.dumps([n for n in ('tensorflow', 'keras', 'jax') if n in sys.modules]))"
    )

    answer = subprocess.run(
        [sys.executable, "-c", code, json.dumps(modules)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )

    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout.splitlines()[-1]) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_is_a_thin_script(page):
    lines = page.read_text(encoding="utf-8").splitlines()

    assert len(lines) < 110
