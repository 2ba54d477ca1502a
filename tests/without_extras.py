"""Run as `python without_extras.py ...`: hwbench where no library of an extra is installed.

The arguments are code to run, which finds `hb`, and `command(...)` for the command line.
"""

import contextlib
import io
import json
import sys
from importlib.machinery import PathFinder

import hwbench as hb
from hwbench.extras import EXTRAS

ABSENT = {module for modules in EXTRAS.values() for module in modules}
# What these libraries are made of, and what only tests use.
ABSENT |= {"linear_operator", "torch_geometric", "snntorch"}


class WithoutExtras:
    """Finds what `PathFinder` does, but for what is to be absent."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        return (
            None if name.partition(".")[0] in ABSENT else PathFinder.find_spec(name, path, target)
        )


def command(*words):
    """Exit code, and what a command line prints, of which the last line alone on stderr."""
    from hwbench.cli import main

    sys.argv, code = ["hwbench", *map(str, words)], 0
    printed, said = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
    return [code, printed.getvalue(), said.getvalue()]


def told(call):
    """What an error of hwbench says; None where there is none."""
    try:
        call()
    except hb.HwbenchError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.meta_path[:] = [WithoutExtras if each is PathFinder else each for each in sys.meta_path]
    assert not ABSENT & set(sys.modules)
    found = {}
    exec(sys.argv[1])  # noqa: S102  of tests
    sys.stdout.write("found:" + json.dumps(found) + "\n")
