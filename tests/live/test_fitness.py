"""Fitness of architectures, equation 5.1."""

import numpy as np
import pandas as pd
import pytest

from hwbench.errors import HwbenchError
from hwbench.live.fitness import Fitness
from hwbench.live.supernets.supernet import make_supernet
from hwbench.spaces import get_space

FOUND = pd.DataFrame({"accuracy": [80.0, 80.0, 80.0, 60.0], "spikes": [500.0, 1000.0, 0.0, 500.0]})


def test_values():
    fitness = Fitness(measurement="spikes", exponent=-0.08, average=500.0)
    values = fitness.values(FOUND)
    assert values[0] == 80.0
    assert values[1] / values[0] == pytest.approx(0.946, abs=5e-4)  # twice the spikes
    assert values[2] == 0.0  # what fires nothing is no bargain
    assert values[3] == 60.0
    assert fitness.title() == "accuracy x spikes^-0.08"


def test_an_exponent_of_zero_is_the_accuracy():
    fitness = Fitness(measurement="spikes", exponent=0.0, average=500.0)
    np.testing.assert_array_equal(fitness.values(FOUND.drop(2)), FOUND["accuracy"].drop(2))


def test_measurements_that_a_space_does_not_make_are_refused():
    Fitness(measurement="spikes").check(get_space("autosnn"))
    with pytest.raises(HwbenchError, match=r"measurement of autosnn 'spike'.*'spikes'"):
        Fitness(measurement="spike").check(get_space("autosnn"))
    with pytest.raises(HwbenchError, match="networks of nasbench201 measure nothing besides"):
        Fitness(measurement="spikes").check(get_space("nasbench201"))


def test_a_supernet_that_was_never_trained_knows_no_average():
    supernet = make_supernet("autosnn", channels=2, input_size=8)
    given = Fitness(measurement="spikes", average=7.0)
    assert given.with_average(supernet) is given
    with pytest.raises(HwbenchError, match="no average of spikes from its training; give one"):
        Fitness(measurement="spikes").with_average(supernet)
