"""How predictors err: deviations of predictions from the truth, in standardised units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hwbench.arguments import Finite, NotNegative, checks_arguments
from hwbench.arrays import Floats
from hwbench.errors import HwbenchError, unknown_name

REPEATS_OF_A_VALUE = 15
STUDENT_DEGREES = 4.0


@dataclass(frozen=True)
class DeviationModel:
    """A way to draw deviations.

    Attributes
    ----------
    draw : given a generator and a shape (n_repeats, n_values), values of any centre and scale; a
        row is a repeat.
    repetition : how many candidates share a value.
    standardise : whether the values of a repeat are shifted and scaled to mean 0 and the wanted
        deviation. Otherwise they are deviations as they stand.
    """

    draw: Callable[[np.random.Generator, tuple[int, int]], Floats]
    repetition: int = 1
    standardise: bool = True


def _mixed(generator: np.random.Generator, shape: tuple[int, int]) -> Floats:
    from hwbench.simulation.draws import mix_deviations

    # The constant v of the source cancels in the standardisation, so it is 1 here.
    shift = generator.uniform(0.0, 2.0, size=shape[0])
    return mix_deviations(generator.random(shape), generator.standard_normal(shape), shift)


def _student(generator: np.random.Generator, shape: tuple[int, int]) -> Floats:
    return generator.standard_t(STUDENT_DEGREES, size=shape)


DEVIATION_MODELS: dict[str, DeviationModel] = {
    "mixed": DeviationModel(_mixed, repetition=REPEATS_OF_A_VALUE),
    "normal": DeviationModel(lambda generator, shape: generator.standard_normal(shape)),
    "uniform": DeviationModel(lambda generator, shape: generator.uniform(-1.0, 1.0, size=shape)),
    "student": DeviationModel(_student),
}
"""By name: "mixed" as real predictors err (LAUBE A.5: two normal distributions with shifted centres
and a wide uniform one, of which 15 times fewer values than needed are drawn and each is repeated 15
times); "normal"; "uniform"; "student" with 4 degrees of freedom, which has heavy tails."""


def bootstrap_model(deviations: ArrayLike, *, scaled: bool) -> DeviationModel:
    """Deviations drawn with replacement from those of a real predictor on test architectures.

    Parameters
    ----------
    deviations : prediction minus truth over the truth's standard deviation, shape (n_test,).
    scaled : whether to shift and scale them to mean 0 and a wanted deviation; otherwise they keep
        their own mean and size.

    Raises
    ------
    HwbenchError
        Where there are fewer than two, a value is missing or infinite, or all are equal.
    """
    values = np.asarray(deviations, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise HwbenchError(f"deviations must be of shape (n_test,), not {values.shape}")
    if not np.isfinite(values).all():
        raise HwbenchError("deviations: a value is missing or infinite")
    if scaled and np.ptp(values) == 0:
        raise HwbenchError("deviations: all values are equal, so they cannot be scaled")

    def draw(generator: np.random.Generator, shape: tuple[int, int]) -> Floats:
        return values[generator.integers(len(values), size=shape)]

    return DeviationModel(draw, standardise=scaled)


def deviation_model(name: str) -> DeviationModel:
    """The deviation model of that name.

    Raises
    ------
    HwbenchError
        Where there is none; the message says the nearest one.
    """
    if name not in DEVIATION_MODELS:
        raise unknown_name("deviation model", name, DEVIATION_MODELS)
    return DEVIATION_MODELS[name]


def draw_deviations(
    model: DeviationModel, n: int, deviation: float, generator: np.random.Generator
) -> Floats:
    """Deviations of one simulated predictor, those that share a value side by side.

    Parameters
    ----------
    model : how it errs.
    n : how many.
    deviation : their standard deviation; where the model keeps its own size, a factor of that.
    generator : source of randomness.

    Returns
    -------
    float64 of shape (n,), with mean 0 where the model standardises.
    """
    drawn = model.draw(generator, (1, -(-n // model.repetition)))[0]
    values = np.repeat(drawn, model.repetition)[:n]
    if not model.standardise:
        return values * deviation
    centred = values - values.mean()
    spread = centred.std()
    return centred * (deviation / spread) if spread > 0 else centred


@checks_arguments("simulation")
def spread_by_metric(metric: ArrayLike, power: Finite) -> Floats:
    """Relative sizes of errors that grow with the metric.

    Parameters
    ----------
    metric : in its own unit, shape (n_archs,); its absolute value counts.
    power : 0 for errors of one size everywhere, 1 for errors in proportion to the metric.

    Returns
    -------
    float64 of shape (n_archs,).

    Raises
    ------
    HwbenchError
        Where the power is not finite, or a metric is 0 and the power negative.
    """
    values = np.abs(np.asarray(metric, dtype=np.float64))
    if power < 0 and (values == 0).any():
        raise HwbenchError("a metric is 0, so errors cannot grow with a negative power of it")
    return values**power


@checks_arguments("simulation")
def check_deviation(deviation: NotNegative) -> float:
    """Return the deviation as a float after checking it."""
    return deviation
