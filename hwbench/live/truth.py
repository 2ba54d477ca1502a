"""How good what a search found truly is: held against a table of trained architectures.

True values are those of the ranking's target, else those of the public benchmark of the space that
comes with hwbench. Accuracies of very short trainings are a stand-in: good to try a pipeline with,
they are never called true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln
from scipy.stats import kendalltau

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.files import file_digest
from hwbench.images.sets import base_of
from hwbench.live.config import LiveConfig
from hwbench.live.supernets.supernet import Supernet
from hwbench.results.true_value import BestOf, Drawn, Largest, StandIn, TrueValue
from hwbench.spaces import Space, get_space
from hwbench.tables import Target, load_table, load_target
from hwbench.tables.library import table_files, table_path
from hwbench.tables.own.column_words import normal_unit
from hwbench.tables.pairs import FRACTION, PERCENT, Accuracies, accuracies_of, load_accuracies
from hwbench.tables.public.catalogue import benchmark_cards

FEWEST_EPOCHS = 10
"""Accuracies of trainings of fewer epochs than this are a stand-in."""

N_QUANTILES = 101
LARGEST = ("parameters", "flops")
ROUNDING = 1e-9
"""What logarithms of factorials may be wrong by."""

_SAID = {"flops": "FLOPs"}


@dataclass(frozen=True, eq=False)
class Truth:
    """What a search is held against.

    Attributes
    ----------
    target : the column of true values.
    accuracies : its values, larger is better; None of both where none are known.
    stand_in : the ranking's target where it is one.
    """

    target: Target | None
    accuracies: Accuracies | None
    stand_in: StandIn | None


def find_truth(config: LiveConfig, target: str | None = None) -> Truth:
    """The true values for a search, before it begins.

    Parameters
    ----------
    config : of the search.
    target : "table:column"; by default the ranking's target, and where that is a stand-in, or there
        is none, the public benchmark of the space.

    Raises
    ------
    HwbenchError
        Where a target is unknown, of another space, or better the smaller it is.
    """
    space = get_space(config.space.name).name
    ranked = None if config.ranking is None else config.ranking.target
    short = None if ranked is None else stand_in(load_target(ranked, missing="keep"))
    name = target
    if name is None and ranked is not None and short is None:
        name = ranked
    if name is None:
        folder = config.data.folder
        images = base_of(config.data.name, None if folder is None else Path(folder))
        name = published_accuracy(space, images)
    if name is None:
        return Truth(None, None, short)
    column = load_target(name, missing="keep").check_space(space, "truth")
    accuracies = accuracies_of(column)
    if (own := stand_in(column)) is not None:
        raise HwbenchError(
            f"truth: {name} is of trainings of {own.epochs} epochs on {own.images}; name "
            "accuracies of complete trainings"
        )
    if short is not None and ranked is not None:
        short = short.model_copy(update={"kendall_tau": _agreement(ranked, space, accuracies)})
    return Truth(column, accuracies, short)


def published_accuracy(space: str, images: str = "") -> str | None:
    """The test accuracies of a space's public benchmark that comes with hwbench, "table:column".

    That of the space, or of the one that it is a part of. Those on the given images, in upper or
    lower case, else those that stand first; None where no table of the space comes with hwbench.
    """
    there, spaces = table_files(), (space, get_space(space).larger_space)
    for card in benchmark_cards().values():
        if card.space not in spaces or card.comes_as not in there:
            continue
        column = accuracy_column(card.comes_as, images)
        if column is not None:
            return f"{card.comes_as}:{column}"
    return None


def accuracy_column(table: str, images: str = "") -> str | None:
    """A table's column of test accuracies in % on some images, else the first of any.

    Parameters
    ----------
    table : its name, or the path of its file.
    images : the name of the image set.
    """
    columns = {
        name: column.dataset or ""
        for name, column in load_table(table).card.columns.items()
        if column.direction == "maximize" and column.split == "test" and column.unit == "%"
    }
    alike = [name for name, dataset in columns.items() if same_images(dataset, images)]
    return next(iter(alike or columns), None)


def same_images(dataset: str, images: str) -> bool:
    """Whether a table's dataset is an image set: published tables write ImageNet16-120."""
    return dataset.casefold() == images.casefold()


def true_value(
    truth: Truth, supernet: Supernet, found: str, ranking: pd.DataFrame | None
) -> TrueValue | None:
    """How good an architecture truly is, beside what costs no search; None where nothing is known.

    Parameters
    ----------
    truth : of the search.
    supernet : that chose.
    found : the string of what it chose.
    ranking : of the search, with the columns `architecture` and `score`; None where it ranked none.
    """
    if truth.target is None or truth.accuracies is None:
        return None
    return _held_against(truth.target, truth.accuracies, supernet, found, ranking)


def expected_best(values: Floats, drawn: int) -> float:
    """The mean of the best of several values drawn without replacement.

    Parameters
    ----------
    values : of shape (n,).
    drawn : how many are drawn; no more than there are.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    count = min(drawn, len(ordered))
    # The best is the k-th smallest in C(k - 1, count - 1) of C(n, count) draws.
    place = np.arange(count, len(ordered) + 1, dtype=np.float64)
    log_share = _log_choose(place - 1, count - 1) - _log_choose(float(len(ordered)), count)
    return float(np.exp(log_share) @ ordered[count - 1 :])


def best_quantiles(values: Floats, drawn: ArrayLike, shares: Sequence[float]) -> Floats:
    """Quantiles of the best of several values drawn without replacement, exactly.

    The best of k is no more than the j-th smallest in C(j, k) of C(n, k) draws; a quantile is the
    least value that it exceeds in no larger share of draws than the rest.

    Parameters
    ----------
    values : of shape (n,), at least one.
    drawn : integers of shape (n_draws,): how many are drawn; no more than there are. For 0 there is
        no best, NaN.
    shares : in %, of shape (n_shares,).

    Returns
    -------
    float64 of shape (n_draws, n_shares).
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    counts = np.minimum(np.asarray(drawn, dtype=np.int64), len(ordered))
    found = np.full((len(counts), len(shares)), np.nan)
    place = np.arange(1, len(ordered) + 1, dtype=np.float64)
    for count in np.unique(counts[counts > 0]):
        below = np.zeros(len(ordered))  # the share of draws whose best is no more than each value
        below[count - 1 :] = np.exp(
            _log_choose(place[count - 1 :], count) - _log_choose(float(len(ordered)), count)
        )
        rows = np.searchsorted(below, np.asarray(shares) / 100 - ROUNDING)
        found[counts == count] = ordered[np.minimum(rows, len(ordered) - 1)]
    return found


def percentiles(values: Floats, own: ArrayLike) -> Floats:
    """The share of values that are smaller than each of one's own, equal ones counted half, in %.

    Parameters
    ----------
    values : in ascending order, of shape (n,), at least one.
    own : of shape (n_own,).

    Returns
    -------
    float64 of shape (n_own,), NaN where one's own is.
    """
    asked = np.asarray(own, dtype=np.float64)
    below = np.searchsorted(values, asked, side="left")
    up_to = np.searchsorted(values, asked, side="right")
    return np.where(np.isfinite(asked), 100 * (below + up_to) / (2 * len(values)), np.nan)


def _log_choose(n: Any, k: float) -> Any:
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


def _held_against(
    target: Target,
    accuracies: Accuracies,
    supernet: Supernet,
    found: str,
    ranking: pd.DataFrame | None,
) -> TrueValue:
    values, space = network_values(accuracies), accuracies.space
    value = float(accuracies.values_of(space.from_string(found)[None, :])[0])
    known = bool(np.isfinite(value))
    could = could_be_found(accuracies, supernet)
    own = accuracies.values[could]
    ranked = 0 if ranking is None else len(ranking)
    return TrueValue(
        target=target.key,
        title=target.title,
        dataset=target.card.dataset or "",
        unit=_unit(target),
        source=target.card.source,
        sha256=file_digest(table_path(target.table_name)),
        value=value if known else None,
        rank=_rank(values, value) if known else None,
        of=len(values),
        better_than=float((values < value).mean()) if known else None,
        percentile=_percentile(own, value) if known else None,
        best=float(values.max()),
        random=_drawn(own) if len(own) else None,
        best_of=BestOf(drawn=ranked, mean=expected_best(own, ranked))
        if ranked and ranked <= len(own)
        else None,
        largest=tuple(_largest(target, accuracies, could, values)),
        kendall_tau=None if ranking is None else _tau_of(ranking, accuracies),
        quantiles=tuple(
            float(each) for each in np.quantile(values, np.linspace(0, 1, N_QUANTILES))
        ),
    )


def _unit(target: Target) -> str:
    """Of the values as accuracies: fractions have become percentages, see `Accuracies`."""
    unit, known = normal_unit(target.unit), target.values[np.isfinite(target.values)]
    return PERCENT if unit == FRACTION and np.all((known >= 0) & (known <= 1)) else unit


def network_keys(space: Space, archs: IntArray) -> NDArray[Any]:
    """What tells the networks of architectures apart, of shape (n_archs,), see `Space.keys_of`.

    Several codes of a space that is a part of another may stand for one cell of that.
    """
    if space.larger_space is None:
        return space.keys_of(archs)
    return get_space(space.larger_space).keys_of(space.in_larger_space(archs))


def network_values(accuracies: Accuracies) -> Floats:
    """The accuracies of all networks, one each, however many codes stand for it."""
    space = accuracies.space
    if space.larger_space is None:
        return accuracies.values
    _, first = np.unique(network_keys(space, accuracies.archs), return_index=True)
    values: Floats = accuracies.values[first]
    return values


def could_be_found(accuracies: Accuracies, supernet: Supernet) -> np.ndarray:
    """Which architectures the search could have chosen and anybody would, bool (n_archs,)."""
    space = accuracies.space
    connected = space.connected(accuracies.archs)
    try:
        archs: IntArray = supernet.architectures()
    except HwbenchError:  # too many to enumerate: no table of such a space leaves any out
        return connected
    return connected & np.isin(accuracies.keys, space.keys_of(archs))


def _drawn(values: Floats) -> Drawn:
    names = ("low", "lower_quartile", "median", "upper_quartile", "high")
    found = np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95))
    quantiles = {name: float(value) for name, value in zip(names, found, strict=True)}
    return Drawn(of=len(values), mean=float(values.mean()), **quantiles)


def _percentile(values: Floats, value: float) -> float | None:
    return float(percentiles(np.sort(values), [value])[0]) if len(values) else None


def _rank(values: Floats, value: float) -> int:
    return 1 + int((values > value).sum())


def _largest(
    target: Target, accuracies: Accuracies, could: np.ndarray, among: Floats
) -> list[Largest]:
    """The largest of what the search could have chosen, by each column of size in the table.

    Parameters
    ----------
    target, accuracies : of true values.
    could : which architectures the search could have chosen, bool (n_archs,).
    among : values of all networks, which ranks are among.
    """
    prefix = target.column.rpartition(".")[0]
    found = []
    for what in LARGEST:
        column = f"{prefix}.{what}" if prefix else what
        if column not in target.table.card.columns or not could.any():
            continue
        sizes = Target.of(target.table, column, missing="keep").values_of(accuracies.archs)
        sizes = np.where(could & np.isfinite(sizes), sizes, -np.inf)
        if not np.isfinite(sizes.max()):
            continue
        value = float(accuracies.values[sizes == sizes.max()].mean())
        said = _SAID.get(what, what)
        rank = _rank(among, value)
        place = _percentile(accuracies.values[could], value)
        found.append(Largest(column=column, what=said, value=value, rank=rank, percentile=place))
    return found


def _tau_of(ranking: pd.DataFrame, accuracies: Accuracies) -> float | None:
    space = accuracies.space
    archs = np.stack([space.from_string(text) for text in ranking["architecture"]])
    return kendall_tau(ranking["score"].to_numpy(dtype=np.float64), accuracies.values_of(archs))


def _agreement(target: str, space: str, accuracies: Accuracies) -> float | None:
    """Kendall's tau of a stand-in with the true values."""
    return kendall_tau(
        load_accuracies(target, space).values_of(accuracies.archs), accuracies.values
    )


def kendall_tau(one: Floats, other: Floats) -> float | None:
    """Kendall's tau of what is known of both, of shape (n,); None where it is not defined."""
    both = np.isfinite(one) & np.isfinite(other)
    if both.sum() < 2:
        return None
    tau = float(kendalltau(one[both], other[both]).statistic)
    return tau if np.isfinite(tau) else None


def stand_in(target: Target) -> StandIn | None:
    """A column as a stand-in, None where its trainings are no short ones of `hwbench tables`."""
    for recipe in target.table.card.recipes:
        epochs, images = recipe.get("epochs"), recipe.get("images")
        made_here = recipe.get("command") == "train" and images == target.card.dataset
        if made_here and isinstance(epochs, int) and epochs < FEWEST_EPOCHS:
            return StandIn(target=target.key, images=str(images), epochs=epochs)
    return None
