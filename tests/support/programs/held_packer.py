"""`idc.ingest.packing_worker`, held at a gate before or after its first message.

python tests/support/programs/held_packer.py GATE (start|middle) NAME PATH...

The gate is a file: the process waits while the test holds its lock.
"""

import fcntl
import sys
from pathlib import Path


def wait_at(gate: str) -> None:
    with Path(gate).open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)


if __name__ == "__main__":
    gate, when = sys.argv[1:3]
    if when == "start":
        wait_at(gate)

    from idc.ingest import packing_worker

    write_message = packing_worker.write_message

    def write_and_wait(message):
        write_message(message)
        wait_at(gate)

    packing_worker.write_message = write_and_wait
    sys.exit(packing_worker.main(sys.argv[3:]))
