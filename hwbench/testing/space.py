"""What every search space promises, to hold spaces of one's own against."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any, get_args

import numpy as np

from hwbench.arrays import IntArray
from hwbench.spaces.base import SkeletonValue, Space
from hwbench.spaces.drawing import DrawnAs, Edge
from hwbench.spaces.encodings import ENCODINGS
from hwbench.testing.space_encodings import check_encodings, check_graphs
from hwbench.testing.space_networks import check_networks
from hwbench.testing.space_subject import SpaceSubject, same_archs
from hwbench.testing.suite import Check, Suite

N_LOOKED_AT_CLOSELY = 3
"""Architectures whose neighbours are listed."""

MOST_NEIGHBOURS_VISITED = 10


def _subject(
    space: Any, *, samples: int = 50, seed: int = 0, **skeleton: SkeletonValue
) -> SpaceSubject:
    return SpaceSubject(space, samples, seed, skeleton)


SUITE: Suite[SpaceSubject] = Suite(_subject)


def space_checks(*space: Any, **options: Any) -> list[Check]:
    """The checks of search spaces, for `pytest.mark.parametrize`: `check("my-space")`.

    Parameters
    ----------
    *space, **options : as for `check_space`; with a space, the checks are called without one.
    """
    return SUITE.checks(*space, **options)


def check_space(space: Any, *, samples: int = 50, seed: int = 0, **skeleton: SkeletonValue) -> None:
    """Check that a search space keeps every promise that the rest of hwbench relies on.

    Parameters
    ----------
    space : a name, "module:Class", a subclass of `Space`, or a space. `get_space` must find it by
        the name that it has.
    samples : how many architectures are looked at.
    seed : which ones.
    **skeleton : changes to the official skeleton for the networks that are built; small ones by
        default.

    Raises
    ------
    AssertionError
        Where a promise is broken; the message says which, and shows the architecture.
    HwbenchError
        Where there is no such space.
    """
    SUITE.run_all(space, samples=samples, seed=seed, **skeleton)


@SUITE.promise("what it is called and offers")
def _check_description(subject: SpaceSubject) -> None:
    space = subject.space
    for attribute in ("name", "title", "choices", "positions", "encodings"):
        subject.require(hasattr(space, attribute), f"the attribute {attribute} is missing")
    subject.require(bool(space.choices), "choices is empty")
    subject.require(
        len(space.positions) == len(space.choices) == space.n_positions,
        f"{len(space.positions)} positions stand beside {len(space.choices)} lists of choices",
    )
    subject.require(len(set(space.positions)) == len(space.positions), "two positions share a name")
    for position, names in zip(space.positions, space.choices, strict=True):
        subject.require(bool(names), f"position {position} offers nothing")
        subject.require(len(set(names)) == len(names), f"position {position} offers a name twice")
    product = math.prod(len(names) for names in space.choices)
    subject.require(
        1 <= space.n_architectures <= product,
        f"n_architectures is {space.n_architectures}, the choices allow at most {product}",
    )
    for encoding in space.encodings:
        subject.require(encoding in ENCODINGS, f"the encoding '{encoding}' is none of {ENCODINGS}")
    archs = subject.call("check([baseline])", space.check, space.baseline[None, :])
    subject.require(same_archs(archs[0], space.baseline), "baseline is no int64 (n_positions,)")


@SUITE.promise("sampling")
def _check_sampling(subject: SpaceSubject) -> None:
    space, archs, n_archs, seed = subject.space, subject.archs, subject.n_archs, subject.seed
    shape = (n_archs, space.n_positions)
    subject.require(
        isinstance(archs, np.ndarray) and archs.shape == shape and archs.dtype == np.int64,
        f"sample({n_archs}) is no int64 array of shape {shape}",
    )
    checked = subject.call("check(sample(...))", space.check, archs)
    subject.require(same_archs(checked, archs), "check(archs) is not archs")
    subject.require(len(np.unique(archs, axis=0)) == n_archs, "sample draws an architecture twice")
    subject.require(
        same_archs(space.sample(n_archs, seed), archs), "sample depends on more than its seed"
    )
    generator = np.random.default_rng(seed)
    subject.require(
        same_archs(space.sample(n_archs, generator), archs),
        "sample draws otherwise from a generator than from its seed",
    )
    if space.n_architectures > 100:  # else equal draws may be chance
        other = space.sample(n_archs, generator)
        subject.require(not same_archs(other, archs), "sample does not advance its generator")
        subject.require(
            not same_archs(space.sample(n_archs, seed + 1), archs), "sample ignores its seed"
        )
    too_many = space.n_architectures + 1
    subject.require_refusal("sample of more than there are", space.sample, too_many)
    subject.require(len(space.sample(3, seed, replace=True)) == 3, "sample(3, replace=True) fails")


@SUITE.promise("the arrays it is given")
def _check_inputs(subject: SpaceSubject) -> None:
    space, archs = subject.space, subject.archs
    methods: dict[str, Callable[..., Any]] = {
        "check": space.check,
        "to_strings": space.to_strings,
        "encode": space.encode,
        "twins": space.twins,
        "keys_of": space.keys_of,
    }
    if space.indexed:
        methods |= {"indices_of": space.indices_of, "function_classes": space.function_classes}
    for name, method in methods.items():
        given = archs.copy()
        found = subject.call(f"{name}(archs)", method, given)
        subject.require(np.array_equal(given, archs), f"{name}: it changed the array it was given")
        for what, other in {
            "as int8": archs.astype(np.int8),
            "whose rows stand apart in memory": np.repeat(archs, 2, axis=0)[::2],
            "in Fortran's order": np.asfortranarray(archs),
            "that must not be written to": _read_only(archs),
        }.items():
            again = subject.call(f"{name} of an array {what}", method, other)
            subject.require(np.array_equal(again, found), f"{name}: an array {what} gives another")


def _read_only(archs: IntArray) -> IntArray:
    copy = archs.copy()
    copy.setflags(write=False)
    return copy


@SUITE.promise("strings")
def _check_strings(subject: SpaceSubject) -> None:
    space, archs = subject.space, subject.archs
    texts = subject.call("to_strings(archs)", space.to_strings, archs)
    subject.require(len(set(texts)) == len(archs), "two architectures share a string")
    for text, arch in zip(texts, archs, strict=True):
        place = f"{text!r} of {arch.tolist()}"
        subject.require(
            isinstance(text, str) and text == text.strip() and text.isprintable(),
            f"the string {place} is no printable line without white space around it",
        )
        subject.require(space.to_string(arch) == text, f"to_string and to_strings differ: {place}")
        parsed = subject.call(f"from_string({text!r})", space.from_string, text)
        subject.require(same_archs(parsed, arch), f"from_string reads {place} as {parsed}")
    parsed = subject.call("from_strings", space.from_strings, texts)
    subject.require(same_archs(parsed, archs), "from_strings(to_strings(archs)) is not archs")
    empty = space.from_strings([])
    subject.require(empty.shape == (0, space.n_positions), "from_strings([]) has a wrong shape")
    for text in ("", "no such architecture", texts[0] + "?", None, 3):
        subject.require_refusal(f"from_string({text!r})", space.from_string, text)


@SUITE.promise("indices")
def _check_indices(subject: SpaceSubject) -> None:
    space, archs = subject.space, subject.archs
    if not space.indexed:
        subject.require_refusal("indices_of, in a space too large", space.indices_of, archs)
        subject.require_refusal("architectures_at(...)", space.architectures_at, [0])
        same = space.keys_of(archs).tolist() == space.to_strings(archs)
        subject.require(same, "keys_of(archs) are not the strings")
        found = space.archs_of(space.keys_of(archs))
        subject.require(same_archs(found, archs), "archs_of(keys_of(archs)) is not archs")
        return
    indices = subject.call("indices_of(archs)", space.indices_of, archs)
    subject.require(
        indices.dtype == np.int64 and indices.shape == (len(archs),),
        "indices_of(archs) is no int64 array of shape (n_archs,)",
    )
    last = space.n_architectures - 1
    subject.require(
        indices.min() >= 0 and indices.max() <= last, f"an index lies outside 0 .. {last}"
    )
    subject.require(len(set(indices.tolist())) == len(archs), "two architectures share an index")
    subject.require(
        same_archs(space.architectures_at(indices), archs),
        "architectures_at(indices_of(archs)) is not archs",
    )
    found = subject.call("archs_of(keys_of(archs))", space.archs_of, space.keys_of(archs))
    subject.require(same_archs(found, archs), "archs_of(keys_of(archs)) is not archs")
    ends = np.array([0, last])
    round_trip = space.indices_of(space.architectures_at(ends))
    subject.require(same_archs(round_trip, ends), "indices_of(architectures_at([0, last])) differs")
    for index in (-1, last + 1):
        subject.require_refusal(f"the index {index}", space.architectures_at, [index])
    classes = subject.call("function_classes", space.function_classes, archs)
    subject.require(
        bool(np.all((classes >= 0) & (classes <= indices))),
        "function_classes holds the index of an architecture behind the one it stands for",
    )
    again = space.function_classes(space.architectures_at(classes))
    subject.require(
        same_archs(again, classes), "the first of a function class is not in its own class"
    )


@SUITE.promise("what is refused")
def _check_refusals(subject: SpaceSubject) -> None:
    space, archs = subject.space, subject.archs
    n_positions = space.n_positions
    for shape in ((n_positions,), (2, n_positions + 1), (1, 1, n_positions)):
        wrong = np.zeros(shape, dtype=np.int64)
        subject.require_refusal(f"an array of shape {shape}", space.check, wrong)
    for position, n_choices in enumerate(space.n_choices):
        for value in (-1, int(n_choices)):
            wrong = archs[:1].copy()
            wrong[0, position] = value
            what = f"{value} at position {space.positions[position]}"
            subject.require_refusal(what, space.check, wrong)
    fractions = archs[:1] + 0.5
    subject.require_refusal("an array of fractions", space.check, fractions)
    whole = archs.astype(float)
    checked = subject.call("check of whole numbers as floats", space.check, whole)
    subject.require(same_archs(checked, archs), "check changes whole numbers given as floats")


@SUITE.promise("neighbours")
def _check_neighbours(subject: SpaceSubject) -> None:
    space, archs = subject.space, subject.archs
    own_steps = type(space).neighbours is not Space.neighbours  # its documentation says which
    for arch in archs[:N_LOOKED_AT_CLOSELY]:
        near = subject.call(f"neighbours({arch.tolist()})", space.neighbours, arch)
        place = f"neighbours({arch.tolist()})"
        checked = subject.call(f"check of {place}", space.check, near)
        subject.require(same_archs(checked, near), f"{place} are no int64 architectures")
        subject.require(len(np.unique(near, axis=0)) == len(near), f"{place} holds a row twice")
        differences = (near != arch).sum(axis=1)
        subject.require(bool((differences > 0).all()), f"{place} holds the architecture itself")
        subject.require(
            own_steps or bool((differences == 1).all()),
            f"{place} holds an architecture that differs at more than one position",
        )
        for other in near[:MOST_NEIGHBOURS_VISITED]:
            back = (space.neighbours(other) == arch).all(axis=1).any()
            subject.require(
                bool(back), f"{place} holds {other.tolist()}, whose neighbour it is not"
            )


SUITE.promise("encodings")(check_encodings)
SUITE.promise("graphs")(check_graphs)


@SUITE.promise("twins")
def _check_twins(subject: SpaceSubject) -> None:
    space, archs = subject.space, subject.archs
    twins = subject.call("twins(archs)", space.twins, archs)
    checked = subject.call("check(twins(archs))", space.check, twins)
    subject.require(same_archs(twins, checked), "twins(archs) is no int64 array of architectures")
    subject.require(
        same_archs(space.twins(twins), archs), "the twin of a twin is another architecture"
    )
    if space.indexed:
        same = np.array_equal(space.function_classes(twins), space.function_classes(archs))
        subject.require(same, "an architecture and its twin are of two function classes")


@SUITE.promise("pickling")
def _check_pickling(subject: SpaceSubject) -> None:
    space, archs = subject.space, subject.archs
    pickled = subject.call("pickling", pickle.dumps, space)
    # By name: it needs a card, an entry point of a package, or "module:Class" for a name.
    what = "unpickling (by name, so that get_space must find it)"
    copy = subject.call(what, pickle.loads, pickled)
    subject.require(
        type(copy) is type(space) and copy.name == space.name,
        f"get_space({space.name!r}) finds another space",
    )
    same = copy.to_strings(archs) == space.to_strings(archs)
    subject.require(same, "the pickled space prints architectures otherwise")


@SUITE.promise("drawings")
def _check_drawings(subject: SpaceSubject) -> None:
    space, archs = subject.space, subject.archs
    kinds = get_args(DrawnAs)
    subject.require(space.drawn_as in kinds, f"drawn_as is {space.drawn_as!r}, none of {kinds}")
    offered = {name for names in space.choices for name in names}
    for arch in archs[:N_LOOKED_AT_CLOSELY]:
        place = f"edges_of({arch.tolist()})"
        edges = subject.call(place, space.edges_of, arch)
        edges_alone = bool(edges) and all(isinstance(edge, Edge) for edge in edges)
        subject.require(edges_alone, f"{place} is no list of Edge")
        unknown = {edge.operation for edge in edges} - offered
        subject.require(not unknown, f"{place} has operations that no position offers: {unknown}")


SUITE.promise("networks")(check_networks)
