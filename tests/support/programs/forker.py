"""Imports modules once, then forks a process for each ``python -m MODULE`` that it is asked for.

A process that has imported Keras, but has not computed anything, can be forked: the child is a real
process, started in tenths of a second instead of seconds. See `tests.support.forked_processes`.

python -m tests.support.programs.forker MODULE...
    Reads one request per line from standard input, as JSON, and answers each with one line:
    {"start": MODULE, "arguments": [...], "environ": {...}, "output": PATH} -> process id
    {"wait": PID} -> exit code, negative for a signal; {"poll": PID} -> the same, or "null"
    At the end of the input it kills the processes that are still running.
"""

import contextlib
import importlib
import json
import os
import runpy
import signal
import sys


def wait_status(pid, options=0):
    """The exit code; None while the process runs, with ``os.WNOHANG``."""
    if pid in exit_codes:
        return exit_codes[pid]
    found, status = os.waitpid(pid, options)
    if found == 0:
        return None
    exit_codes[pid] = os.waitstatus_to_exitcode(status)
    return exit_codes[pid]


def become(request):
    """Turn this forked process into ``python -m MODULE``."""
    os.environ.clear()
    os.environ.update(request["environ"])
    empty = os.open(os.devnull, os.O_RDONLY)
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor, target in ((empty, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, target)
    sys.argv = ["-m", *request["arguments"]]
    sys.orig_argv = [sys.executable, "-m", request["start"], *request["arguments"]]
    runpy.run_module(request["start"], run_name="__main__", alter_sys=True)


def next_request(pids):
    """Answer requests until one forks. Returns the request in the child, None at the end."""
    while line := sys.stdin.readline():
        request = json.loads(line)
        if "start" in request:
            if (pid := os.fork()) == 0:
                return request
            pids.append(pid)
            answer = pid
        elif "wait" in request:
            answer = wait_status(request["wait"])
        else:
            answer = wait_status(request["poll"], os.WNOHANG)
        print(json.dumps(answer), flush=True)
    return None


if __name__ == "__main__":
    exit_codes, started = {}, []
    for module in sys.argv[1:]:
        importlib.import_module(module)
    if (asked := next_request(started)) is not None:
        become(asked)
    else:
        for started_pid in started:
            if started_pid not in exit_codes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(started_pid, signal.SIGKILL)
