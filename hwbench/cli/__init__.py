"""The command line. Nothing heavy is imported until a command needs it."""

from __future__ import annotations

import sys

from hwbench.errors import HwbenchError


def main() -> None:
    """Run the command line; errors of the user's are one line on stderr and exit code 2."""
    from hwbench.cli.app import app

    try:
        app(prog_name="hwbench")
    except HwbenchError as error:
        sys.stderr.write(f"hwbench: {error}\n")
        sys.exit(2)
