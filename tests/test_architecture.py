"""The structure of the code: who may import whom, at what price, and how large a file may be."""

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
DRAWN = [name for name in SOURCES if name.startswith(("streamlit_app", "pages.", "idc.ui"))]
FRAME = "idc.ui.main"  # calls Streamlit when it is imported

# Package -> the packages that it may import, inside functions too. Every module may import BOTTOM.
BOTTOM = {"errors", "patches", "progress", "wording"}
MAY_IMPORT: dict[str, set[str]] = {
    "files": set(),
    "processes": {"files"},
    "metrics": set(),
    "imaging": set(),
    "demo_tissue": {"processes"},
    "datasets": {"files", "processes", "imaging"},
    "networks": {"files"},
    "uploads": {"files", "processes", "imaging"},
    "ingest": {"files", "processes", "imaging", "datasets", "uploads"},
    "settings": {"datasets", "networks"},
    "runs": {"files", "metrics", "datasets", "networks", "settings"},
    "training": {"files", "processes", "metrics", "datasets", "networks", "settings", "runs"},
    "launch": {"files", "processes", "datasets", "networks", "settings", "runs"},
    "prediction": {
        "files",
        "processes",
        "metrics",
        "imaging",
        "datasets",
        "networks",
        "uploads",
        "runs",
    },
    "evaluation": {"metrics", "datasets", "settings", "runs", "prediction"},
    "large_images": {"files", "processes", "imaging", "datasets", "uploads", "runs", "prediction"},
    "report": {"files", "metrics", "datasets", "settings", "runs", "evaluation"},
    "export": {
        "files",
        "processes",
        "metrics",
        "datasets",
        "networks",
        "settings",
        "runs",
        "evaluation",
        "report",
    },
    "game": {"files", "datasets", "runs", "prediction"},
    "shipped": {
        "files",
        "processes",
        "metrics",
        "demo_tissue",
        "datasets",
        "ingest",
        "settings",
        "runs",
        "launch",
        "prediction",
    },
    "server": {"files", "processes", "imaging", "uploads", "runs", "prediction"},
}
MAY_IMPORT["ui"] = set(MAY_IMPORT)
MAY_IMPORT["cli"] = set(MAY_IMPORT) - {"server", "ui"}
MAY_IMPORT["__main__"] = {"cli", "processes"}

# Inside idc.ui a page's folder imports these two; of other pages' folders only this one exception.
SHARED_UI = {"shared": {"shared"}, "components": {"shared", "components"}}
UI_EXCEPTIONS = {("train", "leakage")}  # Train offers Leakage's pair of splits

# Importing a module of these packages loads no training library, so that browsing and evaluating
# never wait for TensorFlow. The exceptions run as processes of their own.
LIGHT = set(MAY_IMPORT) - {"networks", "training", "shipped", "export", "cli", "__main__"}
HEAVY_WORKERS = {"idc.prediction.keras_worker"}

MAX_FILES_IN_IDC, MAX_FILES_IN_A_FOLDER, MAX_LINES = 6, 20, 400


def statements(node: ast.AST, *, at_import: bool) -> Iterator[ast.AST]:
    """All statements below a node; with ``at_import`` only those that run on import."""
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


def importers_of(libraries: set[str], names: list[str], *, at_import: bool) -> list[str]:
    """The modules that import one of the libraries themselves."""
    return [
        name
        for name in names
        if libraries & {module.split(".")[0] for module in imported(name, at_import=at_import)}
    ]


def needed_by(names: list[str]) -> set[str]:
    """Our modules that an import of these modules loads, directly or through each other."""
    reached, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name in SOURCES and name not in reached:
            reached.add(name)
            waiting.extend(imported(name, at_import=True))
    return reached


def package_of(module: str) -> str:
    """``idc.runs.log`` -> ``runs``."""
    return module.split(".")[1]


def light_modules() -> list[str]:
    """The modules that must load no training library."""
    core = {name for name in SOURCES if name.startswith("idc.") and package_of(name) in LIGHT}
    return sorted((core | set(DRAWN)) - HEAVY_WORKERS)


def test_modules_of_these_rules_exist():
    assert {"streamlit_app", "pages.home", FRAME, "idc.datasets.store"} <= set(SOURCES)
    assert "idc.patches" in needed_by(["pages.home"])
    assert set(SOURCES) >= HEAVY_WORKERS


def test_every_package_is_in_the_table():
    packages = {name.split(".")[1] for name in SOURCES if name.startswith("idc.")}

    assert packages == set(MAY_IMPORT) | BOTTOM


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_package_imports_only_what_the_table_allows(package):
    allowed = MAY_IMPORT[package] | BOTTOM | {package}
    forbidden = {
        (name, module)
        for name in SOURCES
        if name.startswith("idc.") and package_of(name) == package
        for module in imported(name) & SOURCES.keys()
        if module.startswith("idc.") and package_of(module) not in allowed
    }

    assert forbidden == set()


def test_packages_import_each_other_without_a_cycle():
    graphlib.TopologicalSorter(MAY_IMPORT).prepare()  # raises CycleError, which names the cycle


def test_modules_import_each_other_without_a_cycle():
    ours = {name: imported(name, at_import=True) & SOURCES.keys() - {name} for name in SOURCES}

    graphlib.TopologicalSorter(ours).prepare()


@pytest.mark.parametrize("name", sorted(BOTTOM))
def test_bottom_module_imports_none_of_ours(name):
    assert {module for module in imported(f"idc.{name}") if module.startswith("idc")} == set()


def test_ui_folder_imports_shared_parts_and_no_other_page():
    forbidden = {
        (name, module)
        for name in SOURCES
        if name.startswith("idc.ui.") and name.count(".") > 2
        for module in imported(name) & SOURCES.keys()
        if module.startswith("idc.ui.")
        for own, other in [(name.split(".")[2], module.split(".")[2])]
        if other not in SHARED_UI.get(own, {"shared", "components", own})
        and (own, other) not in UI_EXCEPTIONS
    }

    assert forbidden == set()


def test_only_pages_ui_and_server_import_streamlit():
    core = [name for name in SOURCES if name not in DRAWN and not name.startswith("idc.server")]

    assert importers_of({"streamlit"}, core, at_import=False) == []


def test_nothing_imports_a_page():
    assert importers_of({"pages", "streamlit_app"}, list(SOURCES), at_import=False) == []


def test_one_module_imports_kaggle_and_only_when_it_is_used():
    # `import kaggle` signs in, and may end the process
    everything, theirs = list(SOURCES), {"kaggle", "kagglesdk", "kagglehub"}

    assert importers_of(theirs, everything, at_import=True) == []
    assert {package_of(name) for name in importers_of(theirs, everything, at_import=False)} == {
        "ingest"
    }


def test_light_module_imports_no_training_library():
    needed = sorted(needed_by(light_modules()))

    assert importers_of({"keras", "tensorflow", "jax"}, needed, at_import=True) == []


@pytest.mark.slow  # imports Streamlit in a fresh process
def test_importing_light_modules_loads_no_training_library():
    # Python's own import also finds a way through other libraries.
    modules = [name for name in light_modules() if name not in (FRAME, "streamlit_app")]
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


def test_git_ignores_every_folder_that_the_app_writes():
    sources = [path.read_text(encoding="utf-8") for path in CORE]
    folders = {name for text in sources for name in re.findall(r'home_dir\(\) / "(\w+)"', text)}
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()

    assert {f"/{name}/" for name in folders} - set(ignored) == set()
    assert {"data", "runs", "devices", "trash"} <= folders


def test_idc_holds_packages_and_few_modules():
    assert len(list((ROOT / "idc").glob("*.py"))) <= MAX_FILES_IN_IDC


@pytest.mark.parametrize("top", ["idc", "pages", "tests"])
def test_no_folder_holds_more_python_files_than_allowed(top):
    folders = [path for path in [ROOT / top, *(ROOT / top).rglob("*")] if path.is_dir()]
    crowded = {
        str(folder.relative_to(ROOT)): count
        for folder in folders
        if (count := len([p for p in folder.glob("*.py") if p.name != "__init__.py"]))
        > MAX_FILES_IN_A_FOLDER
    }

    assert crowded == {}


def test_no_source_file_is_longer_than_allowed():
    paths = [path for path in (ROOT / "idc").rglob("*") if path.suffix in (".py", ".js", ".css")]
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in paths}

    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_is_a_thin_script(page):
    assert len(page.read_text(encoding="utf-8").splitlines()) < 110
