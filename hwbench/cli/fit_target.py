"""What `hwbench fit` learns from: a column of a table, or a file of measurements."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwbench.cli.measurement_files import complete_commands, reading_of
from hwbench.cli.output import say
from hwbench.errors import HwbenchError
from hwbench.target_text import parse_target

if TYPE_CHECKING:
    from hwbench.advise.measurements import Measurements
    from hwbench.predictors.model_card import ModelCard
    from hwbench.tables import Target


def fit_source(
    text: str,
    space: str | None,
    *,
    reading: Mapping[str, Any],
    arch_format: str | None,
    arch_column: str | None,
    **options: str | None,
) -> Target | Measurements:
    """The measurements that TABLE:COLUMN, FILE or FILE:COLUMN names.

    Parameters
    ----------
    text : the option --target.
    space : of the measurements in a file.
    reading, options : how a file is to be read: the options of `reading_of` and of
        `hwbench.advise.measurements.read_measurements`, None or empty where they were not given.
    arch_format, arch_column : of the architectures in a file; a table's has its own, so that they
        may be those of another file.

    Raises
    ------
    HwbenchError
        Where there is nothing of that name, a space is missing or of no use, or options of files
        are given for a table.
    """
    from hwbench.tables import load_target

    own = _own_file(text)
    given = {key: value for key, value in options.items() if value is not None}
    if own is None:
        flags = [*given, *(key for key, value in reading.items() if value)]
        if space is not None:
            raise HwbenchError(
                f"fit: {text}: no such file of measurements; the space of a table (hwbench tables "
                "list) is known: leave out --space"
            )
        if flags:
            raise HwbenchError(
                f"fit: --{flags[0].replace('_', '-')} is for files of measurements, and {text} is "
                "a table's column; leave it out"
            )
        return load_target(text)
    path, column = own
    if space is None:
        again = shlex.join(["hwbench", *sys.argv[1:]])
        raise HwbenchError(
            f"fit: {path} is a file of measurements, no table; say of which search space (hwbench "
            f"spaces list): {again} --space SPACE"
        )
    if column is not None:
        given.setdefault("metric", column)
    if "bad_rows" in given:
        given["on_bad_rows"] = given.pop("bad_rows")
    return _measured(path, space, arch_column, {"arch_format": arch_format, **reading}, given)


def better_fit(words: list[str], card: ModelCard, target: str, samples: int | None) -> str:
    """What to type in place of a fit that is weak: a whole command.

    Parameters
    ----------
    words : of the command line, without "hwbench".
    card : what was found.
    target : the option --target.
    samples : the option --samples.
    """
    from hwbench.predictors import predictor_card
    from hwbench.predictors.fit_quality import COUNTED, COUNTS, SIMPLE

    if predictor_card(card.predictor).own_training_set:
        own = without(words, {"--samples": 1, "--architectures": 1})
        if own != words:
            return f"let it choose its own: {shlex.join(['hwbench', *own])}"
    path = _own_file(target)
    if path is not None:
        reading = without(words[1:], {"--predictor": 1, "--target": 1, "-o": 1, "--output": 1})
        kept = shlex.join(["hwbench", "advise", str(path[0]), *reading])
        return f"see which predictor suits: {kept}"
    other = without(words, {"--predictor": 1, "--encoding": 1, "--target-transform": 1})
    if next(iter(card.baselines), "") == COUNTED:
        chosen = [*other, "--predictor", SIMPLE, "--encoding", COUNTS]
        return f"use that model: {shlex.join(['hwbench', *chosen])}"
    if samples is not None:
        more = [*without(words, {"--samples": 1}), "--samples", str(4 * samples)]
        return f"measure more: {shlex.join(['hwbench', *more])}"
    return f"try another predictor: {shlex.join(['hwbench', *other, '--predictor', SIMPLE])}"


def without(words: Sequence[str], dropped: Mapping[str, int]) -> list[str]:
    """Words of a command line without some of its options.

    Parameters
    ----------
    words : of the command line.
    dropped : options, and how many values each takes.
    """
    kept, skip = [], 0
    for word in words:
        name, equals, _ = word.partition("=")
        if skip:
            skip -= 1
        elif name in dropped:
            skip = 0 if equals else dropped[name]
        else:
            kept.append(word)
    return kept


def _own_file(text: str) -> tuple[Path, str | None] | None:
    """The file that FILE or FILE:COLUMN names, and the column; None where it names a table."""
    file, column = parse_target(text) or (text, None)
    for path, metric in ((Path(text), None), (Path(file), column)):
        if path.suffix not in ("", ".parquet") and path.is_file():
            return path, metric
    return None


def _measured(
    path: Path,
    space: str,
    arch_column: str | None,
    reading: Mapping[str, Any],
    options: Mapping[str, Any],
) -> Measurements:
    """The metric of a file of measurements; what was taken for granted is said."""
    from hwbench.advise.measurements import read_measurements
    from hwbench.spaces import get_space

    with complete_commands():
        found = read_measurements(
            path,
            get_space(space),
            arch_column=arch_column,
            reading=reading_of(**reading),
            **options,
        )
    for note in found.notes:
        say(f"Note: {note}.")
    return found
