"""FLOPs and parameters alone: a free order, in the target's unit."""

import numpy as np
import pytest
from scipy.stats import kendalltau

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.predictors.models.known_cost import KnownCost

SPACE = hb.get_space("nasbench201")
ARCHS = SPACE.sample(120, seed=3)


@pytest.mark.parametrize(("name", "cost"), [("flops", "flops"), ("parameters", "parameters")])
def test_the_order_is_that_of_the_cost_whatever_was_measured(name, cost):
    known = getattr(SPACE, cost)(ARCHS)
    noise = np.random.default_rng(0).normal(size=120)
    for size in (2, 5, 40):
        model = hb.make_predictor(name, space=SPACE).fit(ARCHS[:size], 7 + noise[:size])
        assert kendalltau(known, model.predict(ARCHS)).statistic == pytest.approx(1)


def test_the_line_is_that_of_least_squares():
    known = SPACE.flops(ARCHS) / 1e7
    latency = 2 + 3 * known + np.random.default_rng(0).normal(size=120)
    slope, start = np.polyfit(known, latency, 1)
    model = KnownCost(SPACE).fit(ARCHS, latency)
    np.testing.assert_allclose(model.predict(ARCHS), start + slope * known)


def test_a_metric_that_clearly_falls_is_ranked_the_other_way():
    throughput = 1 / (1 + SPACE.flops(ARCHS) / 1e7)
    model = KnownCost(SPACE).fit(ARCHS[:20], throughput[:20])
    assert kendalltau(throughput, model.predict(ARCHS)).statistic == pytest.approx(1)


def test_operations_count_where_they_compute():
    archs = SPACE.from_strings(
        [
            "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
            "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",  # leads nowhere
            "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|",
        ]
    )
    model = KnownCost(SPACE, "operations").fit(ARCHS, SPACE.flops(ARCHS))
    first, dead, live = model.predict(archs)
    assert first == dead < live


def test_what_is_wrong_is_said():
    with pytest.raises(HwbenchError, match="it needs the search space"):
        KnownCost().fit(ARCHS, np.ones(120))
    with pytest.raises(HwbenchError, match="cost"):
        KnownCost(SPACE, "joules").fit(ARCHS, np.ones(120))
