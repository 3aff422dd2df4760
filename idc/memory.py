"""How a process that runs networks gets its memory from the system."""

from collections.abc import Mapping

# glibc gives freed blocks back to the system at once, and the next training step asks for them
# again: some 35,000 page faults a step of the fast network, more than half of its CPU time
# (bench/page_faults.py). It reads these variables when a process starts; other systems' C
# libraries do not know them.
KEEP_FREED_MEMORY: Mapping[str, str] = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**34),
}
