"""How predictors err: deviations of predictions from the truth, in standardised units."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hwbench.errors import HwbenchError, unknown_name

REPEATS_OF_A_VALUE = 15


def mixed_deviations(
    n: int, deviation: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Deviations as real predictors make them (LAUBE A.5).

    Two normal distributions with shifted centres and a wide uniform one, from which 15 times fewer
    values than needed are drawn and each is repeated 15 times; then standardised and scaled.

    Parameters
    ----------
    n : how many.
    deviation : their standard deviation.
    generator : source of randomness.

    Returns
    -------
    float64 of shape (n,) with mean 0 and standard deviation `deviation`.
    """
    # The constant v of the source cancels in the standardisation, so it is 1 here.
    drawn = max(2, -(-n // REPEATS_OF_A_VALUE))
    shift = generator.uniform(0.0, 2.0)
    component = generator.choice(3, size=drawn, p=(0.725, 0.265, 0.01))
    normal = generator.standard_normal(drawn)
    uniform = generator.uniform(-15.0, 15.0, size=drawn)
    values = np.select(
        [component == 0, component == 1], [shift + normal, -shift + 3.0 * normal], uniform
    )
    return _scale(np.repeat(values, REPEATS_OF_A_VALUE)[:n], deviation)


def normal_deviations(
    n: int, deviation: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Independent normal deviations; parameters and result as `mixed_deviations`."""
    return _scale(generator.standard_normal(n), deviation)


def _scale(values: NDArray[np.float64], deviation: float) -> NDArray[np.float64]:
    centred = values - values.mean()
    spread = centred.std()
    return centred * (deviation / spread) if spread > 0 else centred


DeviationModel = Callable[[int, float, np.random.Generator], NDArray[np.float64]]

DEVIATION_MODELS: dict[str, DeviationModel] = {
    "mixed": mixed_deviations,
    "normal": normal_deviations,
}


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


def check_deviation(deviation: float) -> float:
    """Return the deviation as a float after checking it."""
    value = float(deviation)
    if not np.isfinite(value) or value < 0:
        raise HwbenchError(f"deviation must be a finite number of at least 0, not {deviation!r}")
    return value
