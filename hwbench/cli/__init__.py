"""The command line. Nothing heavy is imported until a command needs it."""

from __future__ import annotations

import contextlib
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

    Errors of the user's, wrong usage, and disks that are full or gone, are one line on stderr and
    exit code 2.
    """
    import typer

    from hwbench.cli.app import app
    from hwbench.cli.signals import exit_code, stopped_as_by_interrupt, was_told
    from hwbench.cli.usage import UsageError, in_one_line, wants_help, with_command

    _write_any_text()
    code = 0
    try:
        with stopped_as_by_interrupt():
            code = app(prog_name="hwbench", standalone_mode=False) or 0
    except MissingExtraError as error:
        modules = error.owner.startswith("hwbench.")  # which say nothing to who runs commands
        _refuse(str(error.of(_command()) if modules else error))
    except HwbenchError as error:
        _refuse(with_command(str(error)))
    except UsageError as error:
        if wants_help(error):
            typer.echo(str(error), err=True)
            sys.exit(2)
        _refuse(str(HwbenchError(in_one_line(error))))
    except OSError as error:
        if error.errno not in _WRITE_ERRORS:
            raise
        _refuse(f"{error.filename or 'the output'}: {error.strerror}")
    except KeyboardInterrupt:  # before the command began
        sys.exit(exit_code())
    except SystemExit:
        if was_told():
            sys.exit(exit_code())
        raise
    sys.exit(exit_code() if was_told() else code)


def _write_any_text() -> None:
    """Let names that are no text, and terminals that lack a letter, be no error."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


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
