"""Spare Python's garbage collector what stays for good.

Streamlit collects all garbage after each run of a script, and until that is done the answer does
not leave the server. Most of what it looks through are imported modules, which never become
garbage, so a good part of every click went by for nothing.
"""

import gc
import sys

_frozen_module_count = 0


def freeze_imports() -> None:
    """Take the modules that were imported since the last call out of the collector's sight.

    Call it at the beginning of a run. It does nothing unless there are new ones, so it happens a
    few times in a server's life, and what else is alive in these moments is too little to matter.
    """
    global _frozen_module_count
    if len(sys.modules) == _frozen_module_count:
        return
    _frozen_module_count = len(sys.modules)
    gc.collect()  # what is garbage now would otherwise stay for ever
    gc.freeze()
