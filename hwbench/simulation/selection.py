"""Selecting architectures by predictions, and what that loses (LAUBE 5.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import PositiveInt

from hwbench.arguments import Finite, NotNegative, check_fields, checks_arguments
from hwbench.arrays import Floats
from hwbench.errors import HwbenchError
from hwbench.simulation.conventions import Conventions
from hwbench.simulation.deviations import (
    DEVIATION_MODELS,
    DeviationModel,
    bootstrap_model,
    check_deviation,
    deviation_model,
)
from hwbench.simulation.landscape import Landscape

VALUES_OF_A_BLOCK = 16_384
LONGEST_BLOCK = 128
NOTHING: Floats = np.empty(0)


@dataclass(frozen=True)
class Options:
    """What a simulation does beside its numbers of candidates and deviations.

    Attributes
    ----------
    model : how the predictor of the metric errs.
    conventions : see there; its pairing has been seen to in the `Landscape`.
    accuracy_model, accuracy_deviation : how a predictor of accuracy errs and by how many
        percentage points; 0: true accuracies are known, as in the publication.
    spread : relative size of each architecture's error, shape (n_archs,) in the table's order;
        scaled to a root mean square of 1. None: the same everywhere.
    limit : the largest feasible metric, in the metric's unit. Only architectures predicted within
        it are selected.
    budget : only so many of the selected, the most accurate by what is predicted, are taken on to
        be measured. None: all of them.
    with_tau : whether Kendall's tau is computed, which takes most of the time.
    """

    model: DeviationModel
    conventions: Conventions
    accuracy_model: DeviationModel = DEVIATION_MODELS["mixed"]
    accuracy_deviation: NotNegative = 0.0
    spread: ArrayLike | None = None
    limit: Finite | None = None
    budget: PositiveInt | None = None
    with_tau: bool = True

    def __post_init__(self) -> None:
        check_fields(self, "simulation")


def simulate_selection(
    accuracy: ArrayLike,
    metric: ArrayLike,
    *,
    n_candidates: int,
    deviation: float | Sequence[float] | None,
    repeats: int = 1000,
    seed: int | Sequence[int] = 0,
    deviations: str | ArrayLike = "mixed",
    reference_front: str = "candidates",
    hypervolume_reference: str = "candidates",
    pairing: str = "true",
    accuracy_deviation: float = 0.0,
    spread: ArrayLike | None = None,
    limit: float | None = None,
    budget: int | None = None,
    with_tau: bool = True,
) -> pd.DataFrame:
    """Select architectures by a simulated predictor, many times.

    Each repeat draws candidates, adds deviations to their true standardised metric, takes the
    Pareto set of accuracy (maximised) and predicted metric (minimised), and compares what was
    selected with the candidates' true front. Of architectures equal in both objectives the first
    stands for all.

    Parameters
    ----------
    accuracy : true accuracies in %, shape (n_archs,).
    metric : true values of a metric to minimise, shape (n_archs,), any unit. Where
        pairing="as_published", rows must be in lexicographic order to repeat the publication.
    n_candidates : architectures in a repeat, drawn without replacement.
    deviation : standard deviation of the predictor's errors, in standard deviations of the metric.
        For several, a repeat draws its candidates and errors once and scales the errors to each,
        so that what differs between deviations is due to them. None keeps the size and the mean
        of deviations that are given as numbers.
    repeats : how many selections.
    seed : repeat i depends on (seed, n_candidates, i) and the kind of deviations alone.
    deviations : "mixed" (LAUBE A.5), "normal", "uniform", "student", or a real predictor's
        deviations on test architectures, in standard deviations of the metric, shape (n_test,),
        which are drawn from with replacement.
    reference_front, hypervolume_reference, pairing : see `Conventions`.
    accuracy_deviation : deviation of errors on accuracy, in percentage points.
    spread, limit, budget, with_tau : see `Options`.

    Returns
    -------
    A frame with a row a repeat (with several deviations: a row a repeat and deviation, the
    deviations of a repeat together, and the columns `repeat` and `deviation` first):

    - `mra_all`, `mra_pareto`: mean reduction of accuracy in percentage points over all selected
      architectures, and over those that stay non-dominated under their true values;
    - `metric_excess_all`, `metric_excess_pareto`: the same distances along the metric, in its
      standard deviations;
    - `hypervolume` of the selected under true values (accuracy as a fraction, metric
      standardised) and `hypervolume_true` of the candidates' true front, up to the published
      reference point (accuracy 0); `hypervolume_space` and `hypervolume_space_true`, up to one for
      the whole space;
    - `hypervolume_share`, `igd_plus`, `epsilon_additive`: how near the selected come to the front
      that losses are counted from, on objectives normalised by that front's ideal (0) and nadir
      (1), see `hwbench.fronts.quality`: the share of its hypervolume, between 0 and 1; the mean
      distance from its points, and the largest one in either objective, both 0 for the front
      itself. Without any selected the share is 0, and the distances are NaN;
    - `kendall_tau` (tau-b) of predicted and true metric, NaN without `with_tau`;
    - `front_recall`: share of the candidates' true front that was selected;
    - `regret`: accuracy of the best feasible candidate minus that of the best feasible one
      selected, and `infeasible_share` of the selected; NaN without a limit, or with nothing to
      compare;
    - `n_selected`, `n_selected_pareto`.

    Raises
    ------
    HwbenchError
        Where shapes differ, a value is missing or infinite, the metric is constant, or an option
        is out of range.
    """
    options = Options(
        _model(deviations, deviation),
        Conventions(reference_front, hypervolume_reference, pairing),
        deviation_model(deviations) if isinstance(deviations, str) else DEVIATION_MODELS["mixed"],
        accuracy_deviation,
        spread,
        limit,
        budget,
        with_tau,
    )
    landscape = Landscape.of(accuracy, metric, pairing)
    sizes = [1.0] if deviation is None else np.atleast_1d(np.asarray(deviation, dtype=np.float64))
    result = simulate(landscape, n_candidates, sizes, options, repeats=repeats, seed=seed)
    frame = as_frame(result.reshape(-1, result.shape[-1]))
    if np.ndim(deviation if deviation is not None else 0.0):
        frame.insert(0, "repeat", np.repeat(np.arange(repeats), len(sizes)))
        frame.insert(1, "deviation", np.tile(sizes, repeats))
    return frame


def _model(
    deviations: str | ArrayLike, deviation: float | Sequence[float] | None
) -> DeviationModel:
    if not isinstance(deviations, str):
        return bootstrap_model(deviations, scaled=deviation is not None)
    if deviation is None:
        raise HwbenchError(
            f"deviation: '{deviations}' deviations have no size of their own; give one, or "
            "deviations as numbers"
        )
    return deviation_model(deviations)


def as_frame(result: Floats) -> pd.DataFrame:
    """Results of shape (n_rows, n_measures) as a frame, counts as whole numbers."""
    from hwbench.simulation.measures import MEASURES

    frame = pd.DataFrame(result, columns=list(MEASURES))
    return frame.astype({"n_selected": np.int64, "n_selected_pareto": np.int64})


@checks_arguments("simulation")
def simulate(
    landscape: Landscape,
    n_candidates: int,
    sizes: ArrayLike,
    options: Options,
    *,
    repeats: PositiveInt,
    seed: int | Sequence[int],
    first_repeat: int = 0,
) -> Floats:
    """Simulate selections; see `simulate_selection`.

    Parameters
    ----------
    sizes : deviations, shape (n_sizes,).
    repeats : how many, from `first_repeat` on. Randomness is drawn by blocks of repeats, so the
        first had best be a multiple of `block_length`.

    Returns
    -------
    float64 of shape (repeats, n_sizes, n_measures), the measures as in `measures.MEASURES`.
    """
    from hwbench.simulation.kernel import simulate_block
    from hwbench.simulation.measures import MEASURES

    if not 2 <= n_candidates <= len(landscape):
        raise HwbenchError(f"n_candidates must lie in 2 .. {len(landscape)}, not {n_candidates}")
    scales = np.array([check_deviation(size) for size in np.ravel(sizes)])
    model, accuracy_model = options.model, options.accuracy_model
    owners, accuracy_owners = _owners(model, n_candidates), _owners(accuracy_model, n_candidates)
    spread = NOTHING if options.spread is None else _relative(options.spread, landscape)
    space = options.conventions.reference_front == "space"
    limit = np.inf if options.limit is None else (options.limit - landscape.mean) / landscape.scale
    n_values = -(-n_candidates // model.repetition)
    result = np.empty((repeats, len(scales), len(MEASURES)))
    length = block_length(n_candidates, model)
    done = 0
    while done < repeats:
        block, start = divmod(first_repeat + done, length)
        stop = min(length, start + repeats - done)
        generator = np.random.default_rng([*np.atleast_1d(seed), n_candidates, block])
        # All of a block is drawn, so that a repeat does not depend on how many are wanted.
        keys = generator.integers(2**64, size=length, dtype=np.uint64)
        values = model.draw(generator, (length, n_values))
        if options.accuracy_deviation > 0:
            n_drawn = -(-n_candidates // accuracy_model.repetition)
            accuracy_values = accuracy_model.draw(generator, (length, n_drawn))
        else:
            accuracy_values = np.empty((length, 0))
        simulate_block(
            landscape.accuracy,
            landscape.metric,
            landscape.rank,
            spread,
            landscape.space_accuracy if space else NOTHING,
            landscape.space_metric if space else NOTHING,
            n_candidates,
            keys[start:stop],
            values[start:stop],
            model.repetition,
            owners,
            model.standardise,
            scales,
            accuracy_values[start:stop],
            accuracy_model.repetition,
            accuracy_owners,
            float(options.accuracy_deviation),
            options.conventions.hypervolume_reference == "front",
            landscape.hypervolume_limit,
            float(limit),
            len(landscape) if options.budget is None else options.budget,
            options.with_tau,
            result[done : done + stop - start],
        )
        done += stop - start
    return result


def _owners(model: DeviationModel, n: int) -> NDArray[np.int16] | NDArray[np.int32]:
    """Which value each of n candidates gets before the values are shuffled."""
    owners = np.arange(n) // model.repetition
    return owners.astype(np.int16) if owners[-1] < 2**15 else owners.astype(np.int32)


def block_length(n_candidates: int, model: DeviationModel) -> int:
    """How many repeats share a generator: so many that making it costs little."""
    n_values = -(-n_candidates // model.repetition)
    return max(1, min(LONGEST_BLOCK, VALUES_OF_A_BLOCK // n_values))


def _relative(spread: ArrayLike, landscape: Landscape) -> Floats:
    """The spread in the landscape's order, with a root mean square of 1."""
    values = np.asarray(spread, dtype=np.float64)
    if values.shape != landscape.order.shape:
        raise HwbenchError(
            f"spread must be of shape ({len(landscape)},), one an architecture, not {values.shape}"
        )
    if not np.isfinite(values).all() or (values < 0).any() or not values.any():
        raise HwbenchError("spread: sizes must be finite, not negative, and not all 0")
    return values[landscape.order] / np.sqrt(np.mean(values**2))


def evaluate_selection(
    accuracy: ArrayLike,
    metric: ArrayLike,
    predicted: ArrayLike,
    *,
    predicted_accuracy: ArrayLike | None = None,
    reference: tuple[Floats, Floats] | None = None,
    hypervolume_reference: str = "candidates",
    hypervolume_limit: float | None = None,
    limit: float | None = None,
    budget: int | None = None,
) -> dict[str, Any]:
    """Select by given predictions and measure what that loses.

    Parameters
    ----------
    accuracy : true accuracies in %, shape (n_candidates,).
    metric : true standardised metric, shape (n_candidates,).
    predicted : predicted standardised metric, shape (n_candidates,).
    predicted_accuracy : in %, shape (n_candidates,); the true ones by default.
    reference : accuracies and metrics, by rising metric, of the front to compare with; the
        candidates' own true front by default.
    hypervolume_reference : see `Conventions`.
    hypervolume_limit : the metric up to which the hypervolume of the space counts.
    limit : the largest feasible standardised metric.
    budget : see `Options`.

    Returns
    -------
    The measures of `simulate_selection`, and `selected`: the rows selected, most accurate (by what
    is predicted) first.
    """
    from hwbench.simulation.kendall import kendall_tau
    from hwbench.simulation.kernel import measure_selection
    from hwbench.simulation.measures import MEASURES

    conventions = Conventions(hypervolume_reference=hypervolume_reference)
    truth, true_metric, guess = (
        np.asarray(values, dtype=np.float64) for values in (accuracy, metric, predicted)
    )
    shown = truth if predicted_accuracy is None else np.asarray(predicted_accuracy, np.float64)
    if truth.ndim != 1 or not truth.shape == true_metric.shape == guess.shape == shown.shape:
        raise HwbenchError("accuracy, metric and predictions must be of one shape (n_candidates,)")
    if not all(np.isfinite(values).all() for values in (truth, true_metric, guess, shown)):
        raise HwbenchError("accuracy, metric or predictions: a value is missing or infinite")
    order = np.argsort(-truth, kind="stable")
    position = np.empty(len(order), dtype=np.int32)
    position[order] = np.arange(len(order), dtype=np.int32)
    by_shown = np.argsort(-shown, kind="stable")
    front_accuracy, front_metric = reference or (NOTHING, NOTHING)
    result = np.empty(len(MEASURES))
    selected = measure_selection(
        truth[order],
        true_metric[order],
        position[by_shown],
        shown[by_shown],
        guess[by_shown],
        np.ascontiguousarray(front_accuracy[::-1]),
        np.ascontiguousarray(front_metric[::-1]),
        conventions.hypervolume_reference == "front",
        np.nan if hypervolume_limit is None else float(hypervolume_limit),
        np.inf if limit is None else float(limit),
        len(truth) if budget is None else budget,
        result,
    )
    measures: dict[str, Any] = dict(zip(MEASURES, result.tolist(), strict=True))
    measures["kendall_tau"] = kendall_tau(true_metric, guess)
    for name in ("n_selected", "n_selected_pareto"):
        measures[name] = int(measures[name])
    return {**measures, "selected": by_shown[selected]}
