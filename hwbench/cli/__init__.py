"""The command line. Nothing heavy is imported until a command needs it."""

from __future__ import annotations

import errno
import sys

from hwbench.errors import HwbenchError
from hwbench.extras import MissingExtraError

_WRITE_ERRORS = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM,
    errno.ENAMETOOLONG, errno.ESTALE,
)  # fmt: skip


def main() -> None:
    """Run the command line.

    Errors of the user's, and disks that are full or gone, are one line on stderr and exit code 2.
    """
    from hwbench.cli.app import app
    from hwbench.cli.signals import exit_code, stopped_as_by_interrupt, was_told

    try:
        with stopped_as_by_interrupt():
            app(prog_name="hwbench")
    except MissingExtraError as error:
        modules = error.owner.startswith("hwbench.")  # which say nothing to who runs commands
        _refuse(str(error.of(_command()) if modules else error))
    except HwbenchError as error:
        _refuse(str(error))
    except OSError as error:
        if error.errno not in _WRITE_ERRORS:
            raise
        _refuse(f"{error.filename or 'the output'}: {error.strerror}")
    except SystemExit:
        if was_told():
            sys.exit(exit_code())
        raise


def _command() -> str:
    """The command that runs, without its arguments: "hwbench live run"."""
    from typer.main import get_command

    from hwbench.cli.app import app

    words, commands = ["hwbench"], getattr(get_command(app), "commands", {})
    for word in sys.argv[1:]:
        if word not in commands:
            break
        words.append(word)
        commands = getattr(commands[word], "commands", {})
    return " ".join(words)


def _refuse(line: str) -> None:
    sys.stderr.write(f"hwbench: {line}\n")
    sys.exit(2)
