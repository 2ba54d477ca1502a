"""What a search would choose after each epoch, and how good that truly is beside random ones.

Where a table holds true values, what a search found can be judged without training it; so can all
that it would have found if it had stopped earlier. Nothing here touches what is trained: nothing is
drawn from torch's generator, and the supernet is left as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.live.components import make_component
from hwbench.live.config import LiveConfig, RankingNode
from hwbench.live.search import Search
from hwbench.live.selections import SELECTIONS
from hwbench.live.selections.base import Selection
from hwbench.live.selections.policy import Policy
from hwbench.live.selections.strength import Strength
from hwbench.live.selections.top_k import TopK
from hwbench.live.supernets.supernet import Supernet
from hwbench.live.truth import (
    Truth,
    best_quantiles,
    could_be_found,
    kendall_tau,
    network_keys,
    percentiles,
)
from hwbench.progress import silent_stage
from hwbench.results.live import QUANTILES, TRUE_COLUMNS

ARCHITECTURE, TAU = "architecture", "kendall_tau"


def check_each_epoch(config: LiveConfig, truth: Truth) -> None:
    """Refuse rankings after each epoch that nothing could be said of.

    Raises
    ------
    HwbenchError
        Where no true values are known.
    """
    ranking = config.ranking
    if ranking is None or ranking.each_epoch is None or truth.accuracies is not None:
        return
    raise HwbenchError(
        f"[ranking]: each_epoch = {ranking.each_epoch} holds rankings against true values, and "
        f'none of {config.space.name} are known; name them, target = "TABLE:COLUMN" (hwbench '
        "tables list), or leave each_epoch out"
    )


class EpochTruth:
    """Follows a search from epoch to epoch.

    Parameters
    ----------
    search : as it was put together, before anything is trained: what it could find is what its
        supernet holds then.
    truth : of the search.
    """

    def __init__(self, search: Search, truth: Truth) -> None:
        self.search = search
        self.table = TrueTable(truth, search.supernet)
        self.derivation = _derivation(search)
        ranking = search.config.ranking
        each_epoch = None if ranking is None else ranking.each_epoch
        self.ranked = self.table.draw(each_epoch or 0, search.config.seed)
        self.ranking: RankingNode | None = ranking if each_epoch else None

    def after_epoch(self) -> dict[str, Any]:
        """What the search would choose now, and how well it ranks; empty where it says neither.

        Returns
        -------
        `architecture`, a string of the space or None where none can be derived, and `kendall_tau`
        of the ranked architectures, if the config has some ranked after each epoch.
        """
        found: dict[str, Any] = {}
        if self.derivation is not None:
            found[ARCHITECTURE] = self._derived(self.derivation)
        if self.ranking is not None:
            best, found[TAU] = self._rank(self.ranking)
            found.setdefault(ARCHITECTURE, best)
        return found

    def _derived(self, derivation: Selection) -> str | None:
        space = self.search.supernet.space
        try:
            return space.to_string(np.atleast_2d(derivation.select(self.search, silent_stage))[0])
        except HwbenchError:  # such as where no candidate may stay: training has no need of it
            return None

    def _rank(self, ranking: RankingNode) -> tuple[str | None, float]:
        """The best of the ranked, and Kendall's tau of all of them with their true values."""
        supernet = self.search.supernet
        held = self.ranked[supernet.holds(self.ranked)]
        if not len(held):
            return None, float("nan")
        said = self.search.judge().evaluate(held)
        scores = (said["accuracy"] if ranking.score == "accuracy" else -said["loss"]).to_numpy()
        tau = kendall_tau(scores, self.table.values_of(held))
        best = supernet.space.to_string(held[scores.argmax()])
        return best, float("nan") if tau is None else tau


class TrueTable:
    """The true values of all that a search could find, to hold architectures against.

    Parameters
    ----------
    truth : of the search; where it knows no values, nothing is said.
    supernet : of the search.

    Attributes
    ----------
    own : float64 of shape (n_archs,), values of what the search could find, in ascending order.
    """

    def __init__(self, truth: Truth, supernet: Supernet) -> None:
        self.accuracies = truth.accuracies
        self.own: Floats = np.empty(0)
        self._archs: IntArray = np.empty((0, supernet.space.n_positions), dtype=np.int64)
        if self.accuracies is not None:
            could = could_be_found(self.accuracies, supernet)
            self.own = np.sort(self.accuracies.values[could])
            self._archs = self.accuracies.archs[could]

    def draw(self, n_archs: int, seed: int) -> IntArray:
        """Different architectures that the search could find, int64 (n_archs, n_positions).

        All of them where there are no more than asked for.
        """
        count = min(n_archs, len(self._archs))
        rows = np.random.default_rng(seed).choice(len(self._archs), count, replace=False)
        return self._archs[np.sort(rows)]

    def values_of(self, archs: IntArray) -> Floats:
        """True values, float64 of shape (n_archs,), NaN where unknown."""
        if self.accuracies is None:
            return np.full(len(archs), np.nan)
        return self.accuracies.values_of(archs)

    def columns(self, architectures: Sequence[str | None]) -> pd.DataFrame | None:
        """How good what would have been chosen after each epoch truly is, beside random ones.

        Parameters
        ----------
        architectures : strings of the space, one an epoch; None where nothing was derived.

        Returns
        -------
        The columns of `hwbench.results.live.TRUE_COLUMNS`; None where no true values are known.
        """
        if self.accuracies is None or not len(self.own):
            return None
        space = self.accuracies.space
        values = np.full(len(architectures), np.nan)
        known = [place for place, text in enumerate(architectures) if text is not None]
        if known:
            archs = np.stack([space.from_string(str(architectures[place])) for place in known])
            values[known] = self.accuracies.values_of(archs)
        networks: list[Any] = [None] * len(architectures)
        if known:
            for place, key in zip(known, network_keys(space, archs), strict=True):
                networks[place] = key
        different = _different(networks, np.isfinite(values))
        one = best_quantiles(self.own, [1], QUANTILES)
        several = best_quantiles(self.own, different, QUANTILES)
        made = {
            "true_value": values,
            "true_percentile": percentiles(self.own, values),
            "best_true_value": np.fmax.accumulate(values),
            "different": different.astype(np.float64),
            **{f"random_{q}": np.full(len(values), one[0, i]) for i, q in enumerate(QUANTILES)},
            **{f"best_random_{q}": several[:, i] for i, q in enumerate(QUANTILES)},
        }
        return pd.DataFrame(made)[list(TRUE_COLUMNS)]


def with_true_values(epochs: pd.DataFrame, table: TrueTable) -> pd.DataFrame:
    """A frame of epochs held against true values; what it was held against before is dropped."""
    bare = epochs.drop(columns=[name for name in TRUE_COLUMNS if name in epochs])
    if ARCHITECTURE not in bare:
        return bare
    texts = [text if isinstance(text, str) else None for text in bare[ARCHITECTURE]]
    columns = table.columns(texts)
    return bare if columns is None else bare.join(columns.set_index(bare.index))


def _different(networks: Sequence[Any], known: np.ndarray) -> IntArray:
    """How many different networks of known value were chosen up to each epoch.

    Parameters
    ----------
    networks : what tells them apart, one an epoch, see `network_keys`.
    known : whether its value is, bool (n_epochs,).
    """
    seen: set[Any] = set()
    counts = []
    for network, there in zip(networks, known, strict=True):
        if there:
            seen.add(network)
        counts.append(len(seen))
    return np.array(counts, dtype=np.int64)


def _derivation(search: Search) -> Selection | None:
    """What derives an architecture at no cost, from strengths or what a policy has sampled.

    None where there is neither, or it cannot.
    """
    own: Selection = make_component(SELECTIONS, search.config.selection)
    if isinstance(own, Policy):
        return own
    if search.strategy.strengths() is None:
        return None
    if isinstance(own, Strength | TopK):
        return own
    return None if search.supernet.several_operations else Strength()
