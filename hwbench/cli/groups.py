"""What every command and group does alike: how its help reads, and what it refuses before work."""

from __future__ import annotations

import math
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from hwbench.cli import help_text, usage

LARGEST = 2**63 - 1
"""Of whole numbers: what numpy and files can hold."""

MAY_BE_EMPTY = frozenset({"--description", "--title", "--missing"})
"""Options for whose value an empty text means something."""


class Command(TyperCommand):
    """A command: its help in the house's form, and words that no command can use refused."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page."""
        formatter.write(help_text.page(self, ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command's words.

        Raises
        ------
        typer.BadParameter
            Where a value is empty, no number, or larger than any.
        """
        try:
            _check_words(args)
            rest = super().parse_args(ctx, args)
            for parameter in self.params:
                _check_numbers(ctx, parameter)
        except usage.UsageError as error:
            error.ctx = getattr(error, "ctx", None) or ctx  # type: ignore[attr-defined]
            raise
        return rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; where it is stopped and nothing is kept, say how to begin again."""
        from hwbench.cli.output import interruptible, same_command

        with interruptible(same_command(), kept=False):
            return super().invoke(ctx)


class Group(TyperGroup):
    """A group of commands: its help in the house's form, unknown commands as other errors are."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page."""
        formatter.write(help_text.page(self, ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the first word names.

        Raises
        ------
        HwbenchError
            Where there is none of that name.
        """
        if args and not args[0].startswith("-") and not ctx.resilient_parsing:
            shown = [name for name, each in self.commands.items() if not each.hidden]
            if args[0] not in self.commands:
                raise usage.unknown_command(ctx, args[0], shown)
        return super().resolve_command(ctx, args)


def with_manners(app: typer.Typer) -> typer.Typer:
    """Give every command and group below an app what all of them do alike."""
    app.info.cls = Group
    for command in app.registered_commands:
        command.cls = Command
    for group in app.registered_groups:
        group.cls = Group
        if group.typer_instance is not None:
            with_manners(group.typer_instance)
    return app


def _check_words(args: list[str]) -> None:
    """Refuse empty values: most are a variable of a script that was not set."""
    before = ""
    for word in args:
        name, equals, value = word.partition("=")
        if word == "--":
            return
        if equals and not value and name.startswith("--") and name not in MAY_BE_EMPTY:
            raise typer.BadParameter("is empty; give a value or leave it out", param_hint=name)
        if not word and before not in MAY_BE_EMPTY:
            if before.startswith("-") and "=" not in before:
                raise typer.BadParameter(
                    "is empty; give a value or leave it out", param_hint=before
                )
            raise typer.BadParameter("is empty; give a value or leave it out", param_hint="''")
        before = word


def _check_numbers(ctx: Any, parameter: Any) -> None:
    value = ctx.params.get(parameter.name)
    for each in value if isinstance(value, (list, tuple)) else (value,):
        if isinstance(each, float) and not math.isfinite(each):
            raise typer.BadParameter(
                f"must be a finite number, not {each}", ctx=ctx, param=parameter
            )
        if isinstance(each, int) and abs(each) > LARGEST:
            raise typer.BadParameter(
                f"must be at most {LARGEST}, not {each}", ctx=ctx, param=parameter
            )
