"""What every encoding promises, to hold encodings of one's own against."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np

from hwbench.arrays import FloatArray, IntArray
from hwbench.spaces import Space
from hwbench.spaces.encodings import ENCODINGS, Encoding, own_encoding
from hwbench.testing.random_states import global_states, seed_global_states
from hwbench.testing.space_subject import space_of
from hwbench.testing.suite import Check, Subject, Suite, described, made, no_such_part

N_ARCHS = 40
SPACES = ("nasbench201", "nasbench_macro", "fbnet")
"""Of graphs, of few layers, and of many: those that it suits are encoded."""

FORMS = 'a name, "module:Class", a subclass of Encoding or an encoding'


class _OfSpaces(Encoding):
    """An encoding that spaces have themselves, as one beside them."""

    def __init__(self, name: str) -> None:
        self.name = name

    def suits(self, space: Space) -> bool:
        return self.name in space.encodings

    def encode(self, space: Space, archs: IntArray) -> FloatArray:
        return space.encode(archs, self.name)

    def names(self, space: Space) -> list[str]:
        return space.feature_names(self.name)


class EncodingSubject(Subject):
    """An encoding to check, and the spaces to check it on.

    Attributes
    ----------
    encoding : that is checked.
    archs : by the spaces that it suits, int64 of shape (N_ARCHS, n_positions), not to be written
        to.
    """

    kind = "encoding"

    def __init__(self, part: Any, spaces: tuple[Any, ...]) -> None:
        self.name = described(part)
        self.encoding = _encoding_of(part)
        found = [space_of(each) for each in spaces]
        suits = [space for space in found if self._suits(space)]
        self.require(
            bool(suits),
            f"it suits none of the spaces {', '.join(space.name for space in found)}; "
            "name one that it is for: spaces=...",
        )
        self.archs: dict[Space, IntArray] = {}
        for space in suits:
            self.archs[space] = space.sample(min(N_ARCHS, space.n_architectures), seed=1)
            self.archs[space].setflags(write=False)

    def _suits(self, space: Space) -> bool:
        answer = self.call(f"suits({space.name})", self.encoding.suits, space)
        self.require(isinstance(answer, bool), f"suits({space.name}) is {answer!r}, no bool")
        return bool(answer)

    def features(self, space: Space, archs: IntArray) -> Any:
        """What it makes of architectures."""
        what = f"encode({space.name}, archs of shape {archs.shape})"
        return self.call(what, self.encoding.encode, space, archs)


def _encoding_of(part: Any) -> Encoding:
    if isinstance(part, Encoding):
        return part
    if isinstance(part, str):
        return _OfSpaces(part) if part in ENCODINGS else own_encoding(part)
    if isinstance(part, type) and issubclass(part, Encoding):
        return made("encoding", part)
    raise no_such_part("encoding", part, FORMS)


def _subject(encoding: Any, *, spaces: tuple[Any, ...] = SPACES) -> EncodingSubject:
    return EncodingSubject(encoding, (spaces,) if isinstance(spaces, str | Space) else spaces)


SUITE: Suite[EncodingSubject] = Suite(_subject)


def encoding_checks(*encoding: Any, **options: Any) -> list[Check]:
    """The checks of encodings, for `pytest.mark.parametrize`: `check("my_module:MyEncoding")`.

    Parameters
    ----------
    *encoding, **options : as for `check_encoding`; with an encoding, the checks are called without
        one.
    """
    return SUITE.checks(*encoding, **options)


def check_encoding(encoding: Any, *, spaces: tuple[Any, ...] = SPACES) -> None:
    """Check that an encoding keeps every promise that predictors and studies rely on.

    It says which spaces it suits; features are finite float32, a named column each, no two names
    alike; a row depends on its architecture alone, whatever stands beside it, however the array
    lies in memory, and whatever the global random states, which it leaves as they are; of no
    architecture it gives no row; it leaves the arrays it is given alone; and a pickled copy encodes
    alike. Whether a predictor learns well of it is not checked.

    Parameters
    ----------
    encoding : a name, "module:Class", a subclass of `hwbench.spaces.encodings.Encoding`, or an
        encoding.
    spaces : search spaces, or their names; it is checked on those that it suits.

    Raises
    ------
    AssertionError
        Where a promise is broken; the message says which.
    HwbenchError
        Where there is no such encoding or space, or it cannot be made.
    """
    SUITE.run_all(encoding, spaces=spaces)


@SUITE.promise("features and their names")
def _check_features(subject: EncodingSubject) -> None:
    for space, archs in subject.archs.items():
        names = subject.call(f"names({space.name})", subject.encoding.names, space)
        texts = isinstance(names, list) and all(isinstance(name, str) for name in names)
        subject.require(texts and bool(names), f"names({space.name}) is no list of texts")
        subject.require(len(set(names)) == len(names), "two columns share a name")
        found = subject.features(space, archs)
        shape = (len(archs), len(names))
        subject.require(isinstance(found, np.ndarray), f"features are {type(found).__name__}")
        subject.require(
            found.dtype == np.float32 and found.shape == shape,
            f"features are {found.dtype} {found.shape}, not float32 {shape}",
        )
        subject.require(bool(np.isfinite(found).all()), "features hold NaN or infinity")
        varies = len(np.unique(found, axis=0)) > 1
        subject.require(varies, f"all architectures of {space.name} have the same features")


@SUITE.promise("one architecture and none")
def _check_rows(subject: EncodingSubject) -> None:
    for space, archs in subject.archs.items():
        found = subject.features(space, archs)
        alone = np.concatenate([subject.features(space, arch[None, :]) for arch in archs])
        subject.require(np.array_equal(alone, found), "a row depends on the other rows")
        turned = subject.features(space, archs[::-1])
        subject.require(np.array_equal(turned[::-1], found), "a row depends on its place")
        none = subject.features(space, archs[:0])
        subject.require(
            none.shape == (0, found.shape[1]), f"of no architecture it gives {none.shape}"
        )


@SUITE.promise("the arrays it is given")
def _check_inputs(subject: EncodingSubject) -> None:
    for space, archs in subject.archs.items():
        found = subject.features(space, archs)
        given = archs.copy()
        subject.features(space, given)
        subject.require(np.array_equal(given, archs), "it changed the array it was given")
        for other in (np.asfortranarray(archs), np.repeat(archs, 2, axis=0)[::2]):
            same = np.array_equal(subject.features(space, other), found)
            subject.require(same, "how an array lies in memory changes the features")


@SUITE.promise("the global random states")
def _check_random(subject: EncodingSubject) -> None:
    for space, archs in subject.archs.items():
        found = []
        for seed in (11, 12):
            seed_global_states(seed)
            before = global_states()
            found.append(subject.features(space, archs))
            subject.require(before == global_states(), "it draws from a global random state")
        subject.require(np.array_equal(*found), "the same architectures have other features")


@SUITE.promise("pickles")
def _check_pickles(subject: EncodingSubject) -> None:
    copy = subject.call("pickling", lambda: pickle.loads(pickle.dumps(subject.encoding)))  # noqa: S301
    for space, archs in subject.archs.items():
        same = np.array_equal(copy.encode(space, archs), subject.features(space, archs))
        subject.require(same, "a pickled copy encodes otherwise")


@SUITE.promise("a predictor on it")
def _check_predictor(subject: EncodingSubject) -> None:
    from sklearn.linear_model import Ridge

    for space, archs in subject.archs.items():
        features = subject.features(space, archs)
        target = features.sum(axis=1, dtype=np.float64)
        model = subject.call("fitting a linear model", Ridge().fit, features, target)
        finite = bool(np.isfinite(model.predict(features)).all())
        subject.require(finite, f"a linear model of it predicts no finite number in {space.name}")
