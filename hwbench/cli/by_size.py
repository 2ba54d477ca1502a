"""Numbers by training size in a terminal: a line a predictor, as many sizes as have room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

HEADING = "predictor"
NUMBER = 7
"""Characters of a column of numbers at least, the gap before it included."""
GAP = 2
"""Characters between two numbers at least."""
FEWEST_SIZES = 4
"""Columns that a long name leaves room for: it is cut sooner than a number."""
SHORTEST_NAME = 12


def size_lines(
    rows: Sequence[tuple[str, Mapping[int, str]]], sizes: Sequence[int], width: int
) -> list[str]:
    """A line of training sizes, a line for each row under it, and one of sizes without room.

    Parameters
    ----------
    rows : a name and its numbers by training size as texts; "-" stands where there is none.
    sizes : in ascending order; where not all have room, the smallest and the largest stay.
    width : of the terminal, in characters.
    """
    longest = max(len(name) for name in (HEADING, *(name for name, _ in rows)))
    cells = [text for _, texts in rows for text in texts.values()]
    number = max([NUMBER, *(len(text) + GAP for text in cells)])
    first = min(longest, max(width - FEWEST_SIZES * number, SHORTEST_NAME))
    shown = _that_fit(sizes, (width - first) // number)
    lines = [(HEADING, [str(size) for size in shown])]
    lines += [(name, [texts.get(size, "-") for size in shown]) for name, texts in rows]
    left_out = [str(size) for size in sizes if size not in shown]
    return [
        *(
            f"{_cut(name, first):<{first}}" + "".join(f"{text:>{number}}" for text in texts)
            for name, texts in lines
        ),
        *([f"no room for {', '.join(left_out)}"] if left_out else []),
    ]


def _cut(name: str, length: int) -> str:
    return name if len(name) <= length else name[: length - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _that_fit(sizes: Sequence[int], room: int) -> list[int]:
    """As many sizes as there is room for, the smallest and the largest among them."""
    if len(sizes) <= room:
        return list(sizes)
    places = [round(k * (len(sizes) - 1) / max(room - 1, 1)) for k in range(max(room, 1))]
    return [sizes[place] for place in places]
