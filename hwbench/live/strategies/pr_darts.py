"""PR-DARTS: pools of candidates that are pruned and replaced while they train (LAUBE 4.3, 4.4)."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Annotated, Any, Literal, NamedTuple, Self

import pandas as pd
import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import nn

from hwbench.errors import HwbenchError
from hwbench.live.origins import Origins
from hwbench.live.pools import draw_child, survivors
from hwbench.live.requirements import Requirements
from hwbench.live.strategies.base import INITIAL_DEVIATION, ParametricStrategy
from hwbench.live.supernets.structure import Parents, Structure
from hwbench.live.supernets.supernet import Supernet
from hwbench.results.pools import POOL_COLUMNS
from hwbench.spaces.darts.separable import LIMITS

LimitsName = Literal["darts_like", "depth_restricted", "unrestricted"]

_EPOCHS = (15, 15, 10, 10, 10, 10, 10, 10, 10)
_GRACE = (5, 5, 3, 3, 3, 3, 3, 3, 3)
_PRUNE = (1, 3, 3, 3, 3, 2, 1, 1, 1)
_REPLACE = (3, 3, 3, 3, 3, 0, 0, 0, 0)


class Life(NamedTuple):
    """How a candidate came into its pool: in which iteration, and what it was made of, and by."""

    born: int
    parent: str | None = None
    transformation: str | None = None


class PRDARTS(ParametricStrategy):
    """DARTS in iterations; between them every pool loses its weakest candidates and gets children.

    At the end of an iteration the weakest of each position go, and each survivor may have children
    with a probability proportional to its share: separable convolutions that differ in one
    transformation and start from its weights. At least one separable convolution stays. In the
    first epochs of each iteration, of grace, strengths stay as they are. The last pruning is the
    selection's: `strength` takes the strongest candidate of the two strongest inputs of a node.

    Pools that hold no separable convolutions of `hwbench.spaces.darts.separable` are only pruned.

    Parameters
    ----------
    epochs : of each iteration; those of the trainer in all.
    grace : epochs at the beginning of each iteration.
    prune, replace : how many candidates go and come at the end of each iteration (LAUBE Table 4.2).
        Where a pool has got fewer children than that, since no more were possible, fewer go the
        next time.
    limits : of kernels, dilation, depth and widths (LAUBE Table 4.3).
    inherit : whether children start from their parents' weights, and not afresh.
    redraw : whether strengths begin anew in each iteration, as in the published code; otherwise
        those of survivors stay.
    node_normalisation, square_root : see `ParametricStrategy`.

    Attributes
    ----------
    iteration : the present one, from 0.
    """

    requires = Requirements(without=("none",))

    def __init__(
        self,
        *,
        epochs: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = _EPOCHS,
        grace: tuple[NonNegativeInt, ...] = _GRACE,
        prune: tuple[NonNegativeInt, ...] = _PRUNE,
        replace: tuple[NonNegativeInt, ...] = _REPLACE,
        limits: LimitsName = "darts_like",
        inherit: bool = True,
        redraw: bool = True,
        node_normalisation: bool = False,
        square_root: bool = False,
    ) -> None:
        super().__init__(node_normalisation=node_normalisation, square_root=square_root)
        self.epochs = epochs
        self.grace = grace
        self.prune = prune
        self.replace = replace
        self.limits = LIMITS[limits]
        self.inherit = inherit
        self.redraw = redraw
        for name in ("grace", "prune", "replace"):
            given = getattr(self, name)
            if len(given) != len(self.epochs):
                raise HwbenchError(
                    f"strategy pr_darts: {name} has {len(given)} numbers; epochs has one for each "
                    f"of {len(self.epochs)} iterations"
                )
        if any(grace >= epochs for grace, epochs in zip(self.grace, self.epochs, strict=True)):
            raise HwbenchError(
                "strategy pr_darts: grace must be fewer than the epochs of each iteration"
            )
        self.iteration = 0
        self._ended: list[list[Any]] = []
        self._lives: list[dict[str, Life]] = []

    def check(self, epochs: int) -> None:
        if epochs != sum(self.epochs):
            raise HwbenchError(
                f"[strategy]: pr_darts has iterations of {sum(self.epochs)} epochs in all, and the "
                f"trainer has {epochs}; give both the same, epochs = {epochs} in [trainer] being "
                "the sum of epochs in [strategy]"
            )

    def attach(self, supernet: Supernet) -> Self:
        super().attach(supernet)
        self._names = tuple(position.name for position in supernet.positions)
        self._known = tuple(
            frozenset(position.operations)
            for position in type(supernet).all_positions(supernet.space)
        )
        self._lives = [{name: Life(0) for name in names} for names in self.operations]
        self._initial_sizes = self.sizes
        return self

    def before_epoch(self, epoch: int, epochs: int) -> Structure | None:
        """Prune and replace, where an iteration has ended with the epoch before."""
        del epochs
        starts = [0, *accumulate(self.epochs)]
        iteration = bisect_right(starts, epoch) - 1
        if epoch == 0 or epoch != starts[iteration] or iteration >= len(self.epochs):
            return None
        return self._prune_and_replace(iteration - 1)

    def learns_in(self, epoch: int) -> bool:
        starts = [0, *accumulate(self.epochs)]
        iteration = min(bisect_right(starts, epoch), len(self.epochs)) - 1
        return epoch - starts[iteration] >= self.grace[iteration]

    def follow(self, structure: Structure) -> Origins:
        # After a stop a structure comes before what is known of its candidates.
        self._lives = [
            {name: own.get(name, Life(self.iteration)) for name in names}
            for names, own in zip(structure.operations, self._lives, strict=True)
        ]
        if not self.redraw:
            return super().follow(structure)
        if structure.operations != self.operations:
            device = self.alpha.device
            self._take(structure, device)
            drawn = INITIAL_DEVIATION * torch.randn(len(self.sizes), max(self.sizes))
            self.alpha = nn.Parameter(drawn.to(device))
        return {}

    def pools(self) -> pd.DataFrame:
        rows = [*self._ended, *self._rows(self.iteration, kept=None)]
        made = pd.DataFrame(rows, columns=list(POOL_COLUMNS))
        numbers = {"strength": "float64", "survived": "float64"}
        return made.astype(
            {"iteration": "int64", "first_epoch": "int64", "born": "int64"} | numbers
        )

    def get_extra_state(self) -> dict[str, Any]:
        """The iteration, and what became of all candidates; plain data."""
        return {
            "iteration": self.iteration,
            "ended": self._ended,
            "lives": [[[name, *life] for name, life in lives.items()] for lives in self._lives],
        }

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take back what `get_extra_state` gave."""
        self.iteration = state["iteration"]
        self._ended = [list(row) for row in state["ended"]]
        self._lives = [{name: Life(*life) for name, *life in lives} for lives in state["lives"]]

    # ------------------------------------------------------------------ parts of it

    def _prune_and_replace(self, iteration: int) -> Structure:
        """What pools become at the end of an iteration."""
        dropped = self._dropped()
        shares = self._shares()
        kept = [
            survivors(names, own, len(names) - self._kept(size, iteration), keep_convolution=True)
            for names, own, size in zip(self.operations, shares, self._initial_sizes, strict=True)
        ]
        self._ended += self._rows(iteration, kept=kept)
        self.iteration = iteration + 1
        parents: dict[tuple[int, str], str] = {}
        pools = []
        for place, (names, own) in enumerate(zip(kept, shares, strict=True)):
            share_of = dict(zip(self.operations[place], own, strict=True))
            lives = {name: self._lives[place][name] for name in names}
            for _ in range(self.replace[iteration]):
                child = draw_child(
                    lives,
                    names,
                    [share_of[name] for name in names],
                    self.limits,
                    dropped=dropped[place] | (set(self.operations[place]) - set(names)),
                    known=self._known[place],
                )
                if child is not None:
                    lives[child.operation] = Life(
                        self.iteration, child.parent, child.transformation
                    )
                    parents[place, child.operation] = child.parent
            self._lives[place] = lives
            pools.append(tuple(lives))
        started: Parents = parents if self.inherit else {}
        return Structure(tuple(pools), parents=started)

    def _kept(self, size: int, iteration: int) -> int:
        """How many candidates of a pool of an initial size are to survive an iteration."""
        for prune, replace in zip(self.prune[:iteration], self.replace, strict=False):
            size = max(1, size - prune) + replace
        return max(1, size - self.prune[iteration])

    def _shares(self) -> list[list[float]]:
        rows = self.strengths().detach().double().cpu().tolist()
        return [row[:size] for row, size in zip(rows, self.sizes, strict=True)]

    def _dropped(self) -> list[set[str]]:
        """What each pool has held and dropped."""
        found: list[set[str]] = [set() for _ in self._names]
        places = {name: place for place, name in enumerate(self._names)}
        columns = list(POOL_COLUMNS)
        position, operation = columns.index("position"), columns.index("operation")
        for row in self._ended:
            found[places[row[position]]].add(row[operation])
        return [own - set(names) for own, names in zip(found, self.operations, strict=True)]

    def _rows(self, iteration: int, *, kept: list[list[str]] | None) -> list[list[Any]]:
        """The pools of an iteration in the columns of `POOL_COLUMNS`."""
        first = sum(self.epochs[:iteration])
        return [
            [
                iteration + 1,
                first,
                self._names[place],
                name,
                lives[name].parent,
                lives[name].transformation,
                lives[name].born + 1,
                share,
                None if kept is None else float(name in kept[place]),
            ]
            for place, (names, lives, shares) in enumerate(
                zip(self.operations, self._lives, self._shares(), strict=True)
            )
            for name, share in zip(names, shares, strict=True)
        ]
