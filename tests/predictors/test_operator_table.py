import json

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.predictors.model_file import load_model
from hwbench.predictors.operator_table import operator_model
from hwbench.spaces import get_space

CELLS = get_space("nasbench201")
COSTS = {"nor_conv_1x1": 1.0, "nor_conv_3x3": {"count": 30, "mean": 3.0, "std": 0.1},
         "avg_pool_3x3": {"mean": 0.5}}  # fmt: skip
OF_CHOICE = np.array([0, 0, 1.0, 3.0, 0.5])


def written(tmp_path, content, name="board.json"):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize("base", [0.0, 2.25])
def test_networks_cost_what_their_operators_cost(tmp_path, base):
    path = written(tmp_path, {**COSTS, "base": base})
    model = operator_model(CELLS, path, unit="ms")
    archs = CELLS.sample(200, 0)
    expected = base + OF_CHOICE[archs].sum(axis=1)
    np.testing.assert_allclose(model.regressor.predict(archs), expected, atol=1e-9)
    model.save(tmp_path / "board.hwb")
    again = load_model(tmp_path / "board.hwb")
    np.testing.assert_array_equal(again.regressor.predict(archs), model.regressor.predict(archs))
    assert (again.card.unit, again.card.predictor) == ("ms", "lookup_table")


def test_operators_by_position_come_before_those_of_all(tmp_path):
    path = written(tmp_path, {**COSTS, "0->1=nor_conv_3x3": 7, "2->3 : NOR_CONV_1x1": 9})
    archs = CELLS.sample(200, 1)
    expected = OF_CHOICE[archs].sum(axis=1)
    expected += 4.0 * (archs[:, 0] == 3) + 8.0 * (archs[:, 5] == 2)
    model = operator_model(CELLS, path)
    np.testing.assert_allclose(model.regressor.predict(archs), expected, atol=1e-9)


def test_yaml_is_read(tmp_path):
    pytest.importorskip("yaml")
    text = "nor_conv_1x1: 1\nnor_conv_3x3: {count: 3, mean: 3.0}\navg_pool_3x3: {mean: 0.5}\n"
    model = operator_model(CELLS, written(tmp_path, text, "board.yaml"))
    assert model.regressor.predict([[3, 0, 0, 0, 0, 2]]) == pytest.approx(4.0)
    with pytest.raises(HwbenchError, match="is no YAML"):
        operator_model(CELLS, written(tmp_path, "a: [", "board.yaml"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"nor_conv_3x3": 1}, "lacks the operators nor_conv_1x1, avg_pool_3x3"),
        ({**COSTS, "nor_conv_5x5": 1}, "'nor_conv_5x5' is no operator .* did you mean 'nor_conv"),
        ({**COSTS, "none": -1}, "'none' holds '-1', which is no cost"),
        ({**COSTS, "none": {"std": 1}}, "which is no cost"),
        ([1], "expected a dictionary of operators"),
        ("{", "line 1"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, content, message):
    with pytest.raises(HwbenchError, match=message) as caught:
        operator_model(CELLS, written(tmp_path, content))
    assert len(str(caught.value).splitlines()) == 1


def test_other_names_are_refused(tmp_path):
    with pytest.raises(HwbenchError, match=r"must end in .json, .yaml or .yml"):
        operator_model(CELLS, written(tmp_path, "", "board.txt"))
