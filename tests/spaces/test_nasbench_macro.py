import numpy as np
import pandas as pd
import pytest

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space

SPACE = get_space("nasbench_macro")


def test_string_is_the_benchmarks_own():
    np.testing.assert_array_equal(SPACE.from_string("02012100"), [0, 2, 0, 1, 2, 1, 0, 0])
    assert SPACE.to_string([0, 2, 0, 1, 2, 1, 0, 0]) == "02012100"


@pytest.mark.parametrize("text", ["", "0201210", "020121000", "02012103", "0201210²", "0 012100"])
def test_malformed_string_is_refused_with_an_example(text):
    with pytest.raises(HwbenchError, match="8 digits, each 0, 1 or 2, such as 02012100") as caught:
        SPACE.from_string(text)
    assert repr(text) in str(caught.value)


def test_counts_equal_the_published_ones_for_every_architecture(shared_data):
    published = pd.read_parquet(shared_data / "nbmacro.parquet")
    archs = SPACE.from_strings(published["arch"])
    assert len(np.unique(SPACE.indices_of(archs))) == len(SPACE)
    np.testing.assert_array_equal(SPACE.parameters(archs), published["params"])
    np.testing.assert_array_equal(SPACE.flops(archs), published["flops"])


def test_every_architecture_is_a_class_of_its_own():
    archs = SPACE.sample(100)
    np.testing.assert_array_equal(SPACE.function_classes(archs), SPACE.indices_of(archs))
