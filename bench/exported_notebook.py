"""How long the exported notebook of a run takes: the recorded `fast` run on demo tissue.

    python bench/exported_notebook.py

Makes demo tissue in a temporary home, exports the recorded run and executes its notebook in a
kernel of its own. Prints the seconds and the notebook's own comparison with the run.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main() -> None:
    """Print the figures."""
    import nbformat
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory() as folder:
        os.environ["IDC_HOME"] = folder
        from idc.datasets.store import open_store
        from idc.export.notebook import notebook_bytes
        from idc.export.patches_file import write_patches
        from idc.runs.run import list_runs
        from idc.shipped.demo import pack_demo

        pack_demo()
        [run] = [run for run in list_runs() if run.config.preset == "fast"]
        write_patches(open_store("demo"), Path(folder) / "demo.npz")
        notebook = nbformat.reads(notebook_bytes(run).decode(), as_version=4)
        client = NotebookClient(notebook, timeout=900, resources={"metadata": {"path": folder}})
        began = time.monotonic()
        client.execute()
        seconds = time.monotonic() - began
    *_, last = notebook.cells
    print(f"{seconds:.0f} s on {os.cpu_count()} cores")
    print("".join(output.get("text", "") for output in last.outputs))


if __name__ == "__main__":
    main()
