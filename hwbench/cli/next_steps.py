"""What to type next after advice: whole commands, with the files it wrote."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hwbench.advise import Advice

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

PREDICTIONS, SUGGESTIONS, MODELS = "predictions.csv", "suggestions.csv", "onnx"


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
    space = advice.measurements.space
    asked = ["hwbench", *_without(words, DROPPED)]
    suggested, predicted = folder / SUGGESTIONS, folder / PREDICTIONS
    more = advice.promise.size
    suggest = [*asked, "--budget", str(more), "--suggest", "-o", str(folder)]
    predict = ["hwbench", "predict", str(files["model"])]
    everything = space.indexed and space.n_architectures <= MOST_PREDICTED
    predict += ["--all"] if everything else ["--architectures", str(suggested)]
    predict += ["-o", str(predicted)]
    steps = [
        (f"predict {'all architectures' if everything else 'what is suggested'}", predict),
        (f"suggest {more} architectures to measure next", suggest),
    ]
    if not everything:
        steps.reverse()
    if "picks" in files and advice.selection is not None:
        picks = advice.selection.picks
        export = ["hwbench", "export", *picks["arch"], "--space", space.name]
        export += ["--to", "onnx", "-o", str(folder / MODELS)]
        steps.append((f"export the {len(picks)} picks, to measure them", export))
        again = [*asked, "-o", str(folder.with_name(f"{folder.name}-verified"))]
        steps.append(("verify, with the measured picks added to the file", again))
    return [(what, shlex.join(command)) for what, command in steps]


def _without(words: Sequence[str], dropped: dict[str, int]) -> list[str]:
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
