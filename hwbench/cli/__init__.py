"""The command line. Nothing heavy is imported until a command needs it."""

from __future__ import annotations

import errno
import sys

from hwbench.errors import HwbenchError

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


def _refuse(line: str) -> None:
    sys.stderr.write(f"hwbench: {line}\n")
    sys.exit(2)
