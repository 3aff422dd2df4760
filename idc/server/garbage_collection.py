"""Exclude imported modules from Python's garbage collection.

Streamlit collects all garbage after each script run and sends the response only afterwards. Most
objects that it scans are imported modules, which never become garbage, so freezing them removes a
large part of each click's latency.
"""

import gc
import sys

_frozen_module_count = 0


def freeze_imports() -> None:
    """Move all modules imported since the last call into the collector's permanent generation.

    Call it at the start of each script run. It does nothing unless modules were imported, which
    happens a few times in a server's life. Other objects that are alive then are frozen too; they
    are too few to matter.
    """
    global _frozen_module_count
    if len(sys.modules) == _frozen_module_count:
        return
    _frozen_module_count = len(sys.modules)
    gc.collect()  # frozen garbage would never be freed
    gc.freeze()
