"""The report's section on pools of candidates that are pruned and replaced while they train."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from hwbench.pages.architectures import short_name
from hwbench.pages.blocks import Block, Code, Group, Lines, Section, Text
from hwbench.pages.plotting import Figure, base_layout, line_trace, nth_entry, plain_text
from hwbench.results.live import LiveRun
from hwbench.results.names import POOLS
from hwbench.spaces.darts.similarity import pool_similarity

KINDS = {"identity": "skip", "pooling": "pool", "convolution": "conv"}
"""What candidates are counted as, by a part of their names (LAUBE Fig. 4.7d)."""


def pools_section(runs: Sequence[LiveRun], titles: Sequence[str]) -> list[Section]:
    """How pools changed, and who came from whom; no section where no candidate came or went.

    Parameters
    ----------
    runs : live searches.
    titles : of them.
    """
    blocks: list[Block] = []
    for place, (run, title) in enumerate(zip(runs, titles, strict=True)):
        if len(run.pools):
            blocks.append(_group(run, title, f"pools-{place}"))
    if not blocks:
        return []
    text = (
        "Between iterations the weakest candidates of every position go, and survivors have "
        "children that differ in one transformation and begin with their weights. Each tree shows "
        "a position's candidates with the iterations that they were in the pool, children beneath "
        "the candidate that they were made of; numbers are the shares at their last iteration's "
        "end."
    )
    return [Section("pools", "Pools of candidates", [Text(text), *blocks], (POOLS,))]


def _group(run: LiveRun, title: str, name: str) -> Group:
    pools = run.pools
    trees = [
        Code(f"{cell or 'all positions'}: who came from whom", "\n\n".join(_trees(own)))
        for cell, own in pools.groupby(pools["position"].map(_cell_of), sort=False)
    ]
    return Group(title, [*_figures(pools, name), Lines(tuple(_sentences(pools))), *trees])


def _sentences(pools: pd.DataFrame) -> Iterator[str]:
    """What the history comes to (LAUBE 4.4.4)."""
    last = pools[pools["iteration"] == pools["iteration"].max()]
    born = pools[pools["born"] == pools["iteration"]]
    children = born[born["parent"].notna()]
    positions = pools["position"].nunique()
    yield (
        f"{last['iteration'].iloc[0]} iterations: {len(born)} candidates, {len(children)} of them "
        f"children; at the {positions} position{'s' * (positions != 1)} {len(last)} are left."
    )
    yield f"{pools['operation'].nunique()} different operations were tried."
    firsts = last[last["born"] == 1]
    yield f"{len(firsts)} of those that are left have been there from the first iteration."
    if len(children):
        lived = pools.merge(
            children[["position", "operation", "born"]], on=["position", "operation", "born"]
        )
        kept = lived[lived["iteration"] == lived["born"]]["survived"]
        if kept.notna().any():
            yield f"{100 * kept.mean():.0f} % of the children outlived their first iteration."
        ways = children["transformation"].value_counts()
        yield (
            "Children by transformation: "
            + ", ".join(f"{count} {str(way).replace('_', ' ')}" for way, count in ways.items())
            + "."
        )


def _figures(pools: pd.DataFrame, name: str) -> list[Figure]:
    """Mean similarity of the pools, and what they are made of, iteration by iteration."""
    cells = pools.assign(cell=pools["position"].map(_cell_of))
    similar = (
        cells.groupby(["cell", "iteration", "position"], sort=False)["operation"]
        .agg(lambda names: pool_similarity(list(names)))
        .groupby(["cell", "iteration"], sort=False)
        .mean()
    )
    found = {str(cell) or "all": own.droplevel("cell") for cell, own in similar.groupby("cell")}
    shares = {
        kind: pools["operation"].str.contains(part).groupby(pools["iteration"]).mean()
        for kind, part in KINDS.items()
    }
    return [
        _figure(f"{name}-similarity", "Similarity of a pool's candidates", "similarity", found),
        _figure(f"{name}-kinds", "What pools are made of", "share of the candidates", shares),
    ]


def _figure(name: str, title: str, axis: str, lines: dict[str, pd.Series]) -> Figure:
    entries = [nth_entry(place, f"{name}:{words}", words) for place, words in enumerate(lines)]
    data = [
        line_trace(
            entry,
            values.index,
            values,
            [
                f"<b>{plain_text(words)}</b><br>iteration {iteration}<br>{value:.3g}"
                for iteration, value in values.items()
            ],
        )
        for entry, (words, values) in zip(entries, lines.items(), strict=True)
    ]
    layout = base_layout("iteration", axis)
    layout["yaxis"] |= {"rangemode": "tozero"}
    return Figure(
        name=name,
        title=title,
        description=f"Line plot of {axis} against iterations",
        data=data,
        layout=layout,
        height=260,
        legend=tuple(entries),
    )


class _Life(NamedTuple):
    """A candidate's time in a pool; one that was dropped may come back for another."""

    operation: str
    born: int
    until: int
    parent: str | None
    transformation: str | None
    strength: float


def _lives(own: pd.DataFrame) -> list[_Life]:
    """What was in the pool of a position, in the order in which it came."""
    found = []
    for (operation, born), rows in own.groupby(["operation", "born"], sort=False):
        first, last = rows.iloc[0], rows.iloc[-1]
        made = isinstance(first["parent"], str)
        found.append(
            _Life(
                str(operation),
                int(born),
                int(last["iteration"]),
                first["parent"] if made else None,
                first["transformation"] if made else None,
                float(last["strength"]),
            )
        )
    return found


def _trees(pools: pd.DataFrame) -> Iterator[str]:
    """The tree of each position, as lines of text."""
    for position, own in pools.groupby("position", sort=False):
        lives = _lives(own)
        roots = [life for life in lives if life.parent is None]
        branches = [_branch(lives, life, "  ", "  ") for life in roots]
        yield "\n".join([str(position), *(line for branch in branches for line in branch)])


def _branch(lives: Sequence[_Life], life: _Life, line: str, indent: str) -> list[str]:
    """A candidate and those that came of it.

    Parameters
    ----------
    lives : of the position.
    life : of the candidate.
    line : what stands before it.
    indent : what stands before those beneath it.
    """
    there = f"{life.born}" if life.until == life.born else f"{life.born}-{life.until}"
    how = f"{life.transformation.replace('_', ' ')}: " if life.transformation else ""
    lines = [f"{line}{how}{short_name(life.operation)}  [{there}]  {life.strength:.2f}"]
    # Of a candidate that has been there twice, children belong to the life that they were born in.
    children = [
        other
        for other in lives
        if other.parent == life.operation and life.born < other.born <= life.until + 1
    ]
    for child in children:
        last = child == children[-1]
        corner, further = ("\u2514\u2500 ", "   ") if last else ("\u251c\u2500 ", "\u2502  ")
        lines += _branch(lives, child, f"{indent}{corner}", f"{indent}{further}")
    return lines


def _cell_of(position: str) -> str:
    """The cell of a position such as "normal 0->2"; "" where it names none."""
    return position.rpartition(" ")[0]
