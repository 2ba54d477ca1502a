"""What to type next after advice: whole commands, with the files it wrote."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hwbench.cli.fit_target import without
from hwbench.errors import HwbenchError

if TYPE_CHECKING:
    from hwbench.advise import Advice
    from hwbench.spaces import Space

DROPPED = {
    "--json": 0,
    "--suggest": 0,
    "--work": 1,
    "--minutes": 1,
    "--predictors": 1,
    "--accuracy": 1,
    "--output": 1,
    "-o": 1,
    "--workers": 1,
    "-w": 1,
    "--budget": 1,
}
"""Options that do not say how a file is read, and the values that each takes."""

MOST_PREDICTED = 10**6
"""Architectures of a space that are predicted all at once."""

PREDICTIONS, SUGGESTIONS = "predictions.csv", "suggestions.csv"
BOARD, VERIFY = "board", "verify"


def next_commands(
    advice: Advice, folder: Path, words: Sequence[str], files: dict[str, Path]
) -> list[tuple[str, str]]:
    """What each of the next steps is for, and its command.

    Parameters
    ----------
    advice : what was found.
    folder : where it was written.
    words : of the command line that asked for it, without "hwbench".
    files : that were written, by name: of these "model" and "picks".
    """
    space, more = advice.measurements.space, advice.promise.size
    asked = ["hwbench", *without(words, DROPPED)]
    suggested, boards = str(folder / SUGGESTIONS), has_networks(space)
    everything = space.indexed and space.n_architectures <= MOST_PREDICTED
    which = ["--all"] if everything else ["--architectures", suggested]
    steps = [
        (
            f"predict {'all architectures' if everything else 'what is suggested'}",
            ["hwbench", "predict", str(files["model"]), *which, "-o", str(folder / PREDICTIONS)],
        ),
        (
            f"suggest {more} architectures to measure next",
            [*asked, "--budget", str(more), "--suggest", "-o", str(folder)],
        ),
    ]
    if not advice.verdict.has_model:
        del steps[0]
    elif not everything:
        steps.reverse()
    if boards:
        steps.append(
            ("export what is suggested, to measure it", _export(space, suggested, folder / BOARD))
        )
    if advice.selection is not None and advice.verdict.has_model and boards:
        steps.append(
            (
                f"verify: export the {len(advice.selection.picks)} picks, to measure them",
                _export(space, str(files["picks"]), folder / VERIFY),
            )
        )
    steps.append(
        (
            "then, with what was measured added to the file, advise again",
            [*asked, "-o", str(folder.with_name(f"{folder.name}-again"))],
        )
    )
    return [(what, shlex.join(command)) for what, command in steps]


def has_networks(space: Space) -> bool:
    """Whether architectures of a space can be built, and so be exported."""
    try:
        space.skeleton()
    except HwbenchError:
        return False
    return True


def _export(space: Space, architectures: str, folder: Path) -> list[str]:
    command = ["hwbench", "export", "--space", space.name, "--architectures", architectures]
    return [*command, "--to", "onnx", "-o", str(folder)]
