"""The checks of encodings pass what is right and find what is wrong."""

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.spaces import ENCODINGS
from hwbench.spaces.encodings import Encoding
from hwbench.testing import check_encoding, encoding_checks


class Right(Encoding):
    title = "operation indices, halved"

    def encode(self, space, archs):
        return (archs / 2).astype(np.float32)

    def names(self, space):
        return list(space.positions)


@pytest.mark.parametrize("encoding", [*ENCODINGS, Right, Right()])
def test_what_is_right_passes(encoding):
    check_encoding(encoding)


@pytest.mark.parametrize("check", encoding_checks(Right, spaces="nasbench201"))
def test_one_by_one(check):
    check()


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("one_hot", "unknown encoding"),
        ("no.such:Module", "no.such cannot be imported"),
        (3, "encoding 3: is none; give a name"),
        (int, "encoding int: is none; give a name"),
    ],
)
def test_what_is_no_encoding_is_one_line(part, message):
    with pytest.raises(HwbenchError, match=message) as caught:
        check_encoding(part)
    assert len(str(caught.value).splitlines()) == 1


class Double(Right):
    def encode(self, space, archs):
        return archs / 2


class Narrow(Right):
    def encode(self, space, archs):
        return super().encode(space, archs)[:, 1:]


class Missing(Right):
    def encode(self, space, archs):
        return np.where(archs == 0, np.nan, archs).astype(np.float32)


class Constant(Right):
    def encode(self, space, archs):
        return np.ones(archs.shape, dtype=np.float32)


class Twice(Right):
    def names(self, space):
        return [space.positions[0] for _ in space.positions]


class Centred(Right):
    def encode(self, space, archs):
        return (archs - archs.mean(axis=0)).astype(np.float32)


class Ranked(Right):
    def encode(self, space, archs):
        return (archs + np.arange(len(archs))[:, None]).astype(np.float32)


class Flat(Right):
    def encode(self, space, archs):
        return super().encode(space, archs) if len(archs) else np.empty(0, dtype=np.float32)


class Writing(Right):
    def encode(self, space, archs):
        if archs.flags.writeable:
            archs += 1
        return super().encode(space, archs)


class Drawing(Right):
    def encode(self, space, archs):
        np.random.rand()  # noqa: NPY002
        return super().encode(space, archs)


class Vague(Right):
    def suits(self, space):
        return None


class Choosy(Right):
    def suits(self, space):
        return False


class Unpicklable(Right):
    def __init__(self):
        self.function = lambda archs: archs


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Double, "features are float64"),
        (Narrow, r"not float32 \(40, 6\)"),
        (Missing, "hold NaN"),
        (Constant, "have the same features"),
        (Twice, "two columns share a name"),
        (Centred, "depends on the other rows|depends on its place|NaN"),
        (Ranked, "a row depends on"),
        (Flat, "of no architecture it gives"),
        (Writing, "changed the array"),
        (Drawing, "draws from a global random state"),
        (Vague, "is None, no bool"),
        (Choosy, "it suits none of the spaces"),
        (Unpicklable, "pickling raises"),
    ],
)
@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
def test_what_is_broken_is_found(broken, message):
    with pytest.raises(AssertionError, match=message):
        check_encoding(broken)
