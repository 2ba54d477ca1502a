"""Of what the architectures are made that searches chose: at their end, and after each epoch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.pages.architectures import short_name
from hwbench.pages.plotting import Entry, Figure, Json, base_layout, line_trace, plain_text
from hwbench.results.live_runs import Frames
from hwbench.spaces.edges import architecture_edges

KINDS = {
    "skip connections": ("skip", "identity"),
    "zeros": ("none", "zero"),
    "poolings": ("pool",),
    "convolutions": ("conv", "ir_"),
}
"""What operations are counted as, by parts of their names."""


def operations_chosen(space: str, architectures: Iterable[str]) -> str:
    """How many of each operation architectures have on average, the most frequent first.

    Parameters
    ----------
    space : of the architectures.
    architectures : their strings.

    Returns
    -------
    Such as "4 skip, 1.5 conv 3x3"; "" where the space is not known here.
    """
    counted = [counts for text in architectures if (counts := _operations(space, text))]
    total = sum(counted, Counter[str]())
    return ", ".join(
        f"{round(count / len(counted), 1):g} {short_name(name)}"
        for name, count in total.most_common()
    )


def choices_figures(name: str, frames: Frames, entries: dict[str, Entry]) -> list[Figure]:
    """How many operations of each kind would be chosen after each epoch, a line a method.

    Parameters
    ----------
    name : that the figures' begin with.
    frames : of runs and epochs, of one space.
    entries : the look of each method.
    """
    _, epochs = frames
    known = epochs.dropna(subset="architecture")
    counts = {
        text: counted
        for space, text in set(zip(known["space"], known["architecture"], strict=True))
        if (counted := _kinds(_operations(space, text)))
    }
    known = known[known["architecture"].isin(list(counts))]
    figures = []
    for place, kind in enumerate(KINDS):
        numbers = known.assign(count=[counts[text][kind] for text in known["architecture"]])
        if not numbers["count"].any():
            continue
        means = numbers.groupby(["method", "epoch"], sort=False)["count"].mean().reset_index()
        data = [
            _line(entry, means[means["method"] == method], kind)
            for method, entry in entries.items()
            if (means["method"] == method).any()
        ]
        layout = base_layout("epoch", kind)
        layout["yaxis"] |= {"rangemode": "tozero"}
        figures.append(
            Figure(
                name=f"{name}-{place}",
                title=f"{kind} of what would be chosen",
                description=f"Line plot of the number of {kind} against epochs, a line a method",
                data=data,
                layout=layout,
                height=230,
            )
        )
    return figures


def _line(entry: Entry, own: pd.DataFrame, kind: str) -> Json:
    text = [
        f"<b>{plain_text(entry.title)}</b><br>epoch {epoch + 1}<br>{count:.3g} {kind}"
        for epoch, count in zip(own["epoch"], own["count"], strict=True)
    ]
    line = line_trace(entry, own["epoch"] + 1, own["count"], text)
    line["marker"] |= {"size": 4}
    return line


def _operations(space: str, architecture: str) -> Counter[str]:
    """How often an architecture has each operation; empty where its space is not known here."""
    try:
        return Counter(architecture_edges(space, architecture)["operation"])
    except HwbenchError:
        return Counter()


def _kinds(operations: Counter[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for operation, count in operations.items():
        for kind, parts in KINDS.items():
            if any(part in operation for part in parts):
                found[kind] += count
                break
    return found
