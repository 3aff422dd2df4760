"""Make a write, fsync or rename of `idc.files.atomic` fail: a kill, a full or a broken disk.

A fault names the operation, counted from its installation: "kill 7" kills the process during the
7th operation, "ENOSPC 7" fails it as a full disk does, "EIO 7+" fails it and all later ones. A
failing write leaves half of its bytes.
"""

import errno
import itertools
import os
import signal

from idc.files import atomic


def install_fault(fault: str, replace=setattr) -> None:
    """Install a fault for the rest of this process, or of a test.

    Args:
        replace: ``setattr``, or ``monkeypatch.setattr`` to undo it after the test.
    """
    kind, number = fault.split()
    first, lasting = int(number.rstrip("+")), number.endswith("+")
    operations = itertools.count(1)
    write, sync, rename, sync_file = atomic._write, atomic._sync, atomic._rename, atomic.sync_file

    def is_due() -> bool:
        now = next(operations)
        return now == first or (lasting and now > first)

    def failing_write(file, content):
        if is_due():
            file.write(content[: len(content) // 2])
            file.flush()
            _fail(kind)
        write(file, content)

    def failing_sync(descriptor):
        if is_due():
            _fail(kind)
        sync(descriptor)

    def failing_rename(temp_path, path):
        if is_due():
            _fail(kind)
        rename(temp_path, path)

    def failing_sync_file(path):
        # A file of `atomic.replacement_path` is written by its name: count this as its write.
        if path.name.startswith(".new.") and is_due():
            os.truncate(path, path.stat().st_size // 2)
            _fail(kind)
        sync_file(path)

    replace(atomic, "_write", failing_write)
    replace(atomic, "_sync", failing_sync)
    replace(atomic, "_rename", failing_rename)
    replace(atomic, "sync_file", failing_sync_file)


def _fail(kind: str) -> None:
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    code = getattr(errno, kind)
    raise OSError(code, os.strerror(code))
