"""The estimate of a simulation counts its selections and fits."""

from itertools import count

import pytest

from hwbench.errors import HwbenchError
from hwbench.simulation import SimulationSpec
from hwbench.simulation.estimate import estimate_simulation


def spec_of(**changes):
    given = {
        "accuracy": "small:test_accuracy",
        "metrics": ("small:latency",),
        "n_candidates": (20, 50, 200),
        "deviations": (0.0, 0.3),
        "repeats": 300,
        "predictors": ("ridge",),
        "training_sizes": (20, 40),
        "fits": 3,
    }
    return SimulationSpec.model_validate({**given, **changes})


def seconds(**changes):
    clock = count()
    return estimate_simulation(spec_of(**changes), clock=lambda: float(next(clock)))


def test_rows_are_selections_by_candidates_and_fits_by_training_size(own_table):
    done = []
    found = estimate_simulation(spec_of(), progress=lambda *n: done.append(n))
    assert done == [(0, 2), (1, 2), (2, 2)]
    assert found["predictor"].fillna("").tolist() == ["", "", "", "ridge", "ridge"]
    assert found["size"].tolist() == [20, 50, 200, 20, 40]
    assert found["number"].tolist() == [600, 600, 600, 3, 3]
    assert (found["seconds"] > 0).all()


def test_seconds_are_those_of_one_times_all(own_table):
    once = seconds()  # a second each: of one repeat, and of one fit
    assert once["slowest"].tolist() == pytest.approx([1.0] * 5)
    assert once["seconds"].tolist() == pytest.approx([300] * 3 + [3] * 2)
    more = seconds(repeats=600, fits=6, pairing="true", deviations=(0.0, 0.1, 0.2, 0.3))
    assert more["seconds"].tolist() == pytest.approx((2 * once["seconds"]).tolist())
    assert more["number"].tolist() == [2400] * 3 + [6] * 2


def test_what_cannot_be_simulated_is_said_first(own_table):
    with pytest.raises(HwbenchError, match="architectures"):
        estimate_simulation(spec_of(n_candidates=(10**6,)))
    with pytest.raises(HwbenchError, match="did you mean 'ridge'"):
        estimate_simulation(spec_of(predictors=("rigde",)))
