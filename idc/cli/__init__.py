"""The shell's commands; `__main__` only dispatches."""
