"""Supernets of ExtCells: those of DARTS cells, from which any operations are derived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from hwbench.errors import HwbenchError
from hwbench.live.supernets.darts import DARTSSupernet
from hwbench.live.supernets.supernet import Supernet
from hwbench.spaces.darts.skeleton import EDGES
from hwbench.spaces.darts.space import CELLS, OPERATIONS
from hwbench.spaces.ext_cell.space import SHAPE, ExtCell


class ExtCellSupernet(DARTSSupernet):
    """The supernet of DARTS without `none`, of which an architecture may hold any candidates.

    Selections by strength take the strongest candidate of each edge; for the k strongest of all
    there is `top_k`. No architecture holds `none` or noise.
    """

    chooses_positions = False
    several_operations = True
    subsets: ClassVar[Mapping[str, Any]] = {
        "all": OPERATIONS,
        **{name: DARTSSupernet.subsets[name] for name in ("s1", "s2", "s4")},
    }

    @property
    def _ext_cells(self) -> ExtCell:
        return cast("ExtCell", self.space)

    def choices_of(self, arch: ArrayLike) -> list[tuple[int, ...]]:
        on = self._ext_cells.operations_of(self._row(arch)[None, :])[0].reshape(-1, len(OPERATIONS))
        return [
            tuple(
                self.candidate_index(place, OPERATIONS[operation])
                for operation in np.flatnonzero(row).tolist()
            )
            for place, row in enumerate(on)
        ]

    def architecture_of(self, choices: Sequence[Sequence[int]]) -> NDArray[np.int64]:
        on = np.zeros((len(self.positions), len(OPERATIONS)), dtype=np.int64)
        for row, position, indices in zip(on, self.positions, choices, strict=True):
            for index in indices:
                name = position.operations[index]
                if name not in OPERATIONS:
                    raise HwbenchError(
                        f"supernet of {self.space.name}: no architecture has {name} at "
                        f"{position.name}"
                    )
                row[OPERATIONS.index(name)] = 1
        return self._row(on.ravel())

    @property
    def holds_everything(self) -> bool:
        return bool(self._held().all())

    def holds(self, archs: ArrayLike) -> NDArray[np.bool_]:
        on = self._ext_cells.operations_of(archs).reshape(-1, len(self.positions), len(OPERATIONS))
        return np.asarray((~on | self._held()).all(axis=(1, 2)))

    def _held(self) -> NDArray[np.bool_]:
        """Which operations are candidates of each position, bool (28, 7)."""
        return np.array(
            [[name in position.operations for name in OPERATIONS] for position in self.positions]
        )

    def derive(self, strengths: Tensor, threshold: float = 0.0) -> NDArray[np.int64]:
        choices: list[list[int]] = []
        for place, row in enumerate(strengths.detach().cpu().tolist()):
            known = [(-row[index], index) for index in self.choosable(place)]
            strength, best = min(known, default=(0.0, 0))
            choices.append([best] if known and -strength >= threshold else [])
        return self.architecture_of(choices)

    def sample(self, n_archs: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Draw architectures with as many operations as the space draws them with."""
        held = np.flatnonzero(self._held().ravel())
        sizes = self.space.sample(n_archs, generator, replace=True).sum(axis=1)
        archs = np.zeros((n_archs, self.space.n_positions), dtype=np.int64)
        for row, size in zip(archs, np.minimum(sizes, len(held)).tolist(), strict=True):
            row[generator.choice(held, size, replace=False)] = 1
        return np.unique(archs, axis=0)

    def dead_positions(self, archs: ArrayLike) -> NDArray[np.bool_]:
        _, nodes = self._ext_cells.effective(archs)
        sources = np.array([source for source, _ in EDGES])
        reached = np.concatenate([np.ones((*nodes.shape[:2], 2), dtype=np.bool_), nodes], axis=2)
        dead: NDArray[np.bool_] = ~reached[:, :, sources].reshape(-1, len(self.positions))
        return dead

    def passes_of(self, archs: ArrayLike) -> NDArray[np.int64]:
        valid = self.space.check(archs)
        dead = self.dead_positions(valid).reshape(-1, len(CELLS), len(EDGES), 1)
        return np.where(dead, -1, valid.reshape(-1, *SHAPE)).reshape(valid.shape)

    def finalised(self, arch: ArrayLike) -> Supernet:
        """As of every supernet, without operations that start from nothing."""
        live, _ = self._ext_cells.effective(self._row(arch)[None, :])
        return super().finalised(live.reshape(-1).astype(np.int64) if live.any() else arch)

    def expected_encoding(self) -> nn.Module:
        raise HwbenchError(
            f"cost: of the space {self.space.name} no source says how likely an operation is in an "
            "architecture, since how many it has is chosen after the search; a limit or a metric "
            "of the selection goes with it"
        )
