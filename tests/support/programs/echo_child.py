"""A child for `test_child`: answers, or fails in the way that the header requests."""

import json
import os
import signal
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

from idc.processes.child import serve


def answer(header: Mapping[str, Any], block: bytes) -> tuple[Mapping[str, Any], bytes]:
    if "exit" in header:
        os._exit(header["exit"])
    if "stop" in header:
        os.kill(os.getpid(), signal.SIGSTOP)
    if "raw" in header:  # an answer that breaks the protocol, then silence
        pipe = Connection(int(sys.argv[-1]))
        pipe.send_bytes(header["raw"].encode())
        if header.get("hang_up"):
            os._exit(0)
        signal.pause()
    if "sees" in header:
        return {"value": os.environ.get(header["sees"])}, b""
    if "large" in header:
        return {}, bytes(header["large"])
    return {"echo": json.loads(json.dumps(header)), "pid": os.getpid()}, block[::-1]


if __name__ == "__main__":
    serve(answer)
