"""The documents: they name files and modules that exist, and every bench is quoted somewhere."""

import re

import pytest

from tests.support import PROJECT

DOCUMENTS = [
    PROJECT / "README.md",
    PROJECT / "CONTRIBUTING.md",
    *sorted((PROJECT / "docs").glob("*.md")),
    *sorted((PROJECT / "idc/shipped_runs").rglob("*.md")),
]
PLACEHOLDERS = ("NAME", "ID", "PACKAGE")


def module_exists(dotted: str) -> bool:
    """Whether ``idc.runs.log`` or ``idc.runs.log.read_log`` leads to a module."""
    parts = dotted.split(".")
    paths = [PROJECT.joinpath(*parts[:length]) for length in range(2, len(parts) + 1)]
    return any(path.is_dir() or path.with_suffix(".py").exists() for path in paths)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_document_names_files_that_exist(document):
    text = document.read_text(encoding="utf-8")
    paths = re.findall(r"\b(?:idc|pages|tests|bench|docs)/[\w./-]*\w", text)
    missing = {
        path
        for path in paths
        if not any(word in path for word in PLACEHOLDERS) and not (PROJECT / path).exists()
    }

    assert missing == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_document_names_modules_that_exist(document):
    names = re.findall(r"`(idc(?:\.\w+)+)`", document.read_text(encoding="utf-8"))

    assert {name for name in names if not module_exists(name)} == set()


def test_every_bench_is_quoted():
    """By a document, a docstring or a test; an unquoted bench is deleted."""
    benches = sorted((PROJECT / "bench").glob("*.py"))
    sources = [*DOCUMENTS, *(PROJECT / "idc").rglob("*.py"), *(PROJECT / "tests").rglob("*.py")]
    quoted = {
        name
        for path in sources
        for name in re.findall(r"bench/(\w+)\.py", path.read_text(encoding="utf-8"))
    }
    benches = {path.stem for path in (PROJECT / "bench").glob("*.py")}
    imported = {
        name
        for path in (PROJECT / "bench").glob("*.py")
        for name in re.findall(
            r"^from (\w+) import", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    }

    assert benches - quoted - imported == set()
