"""What every search space promises, to hold spaces of one's own against."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces.base import ENCODINGS, Skeleton, Space, SpaceLacksError

N_LOOKED_AT_CLOSELY = 3  # architectures whose networks are built and neighbours are listed
MOST_NEIGHBOURS_VISITED = 10

# The largest network that is built, where the official one is larger.
SMALL_SKELETON = {"channels": 8, "depth": 1, "input_size": 16, "classes": 7}


def check_space(space: Space, *, samples: int = 50, seed: int = 0, **skeleton: int) -> None:
    """Check that a search space keeps every promise that the rest of hwbench relies on.

    Parameters
    ----------
    space : the space; `get_space` must find it by its name.
    samples : how many architectures are looked at.
    seed : which ones.
    **skeleton : changes to the official skeleton for the networks that are built; small ones by
        default.

    Raises
    ------
    AssertionError
        Where a promise is broken; the message says which, and shows the architecture.
    """
    _call(space, "checking attributes", _check_description, space)
    n_archs = min(samples, space.n_architectures)
    archs: IntArray = _call(space, "checking sampling", _check_sampling, space, n_archs, seed)
    before = archs.copy()
    for what, check in _CHECKS.items():
        _call(space, f"checking {what}", check, space, archs)
        unchanged = np.array_equal(archs, before)
        _require(unchanged, space, f"checking {what}: a method changed the array it was given")
    few = archs[:N_LOOKED_AT_CLOSELY]
    _call(space, "checking networks", _check_networks, space, few, skeleton)


# ---------------------------------------------------------------------- helpers


def _require(condition: bool, space: Space, message: str) -> None:
    if not condition:
        raise AssertionError(f"space {space.name}: {message}")


def _call(space: Space, what: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """What `function` returns; where it raises instead, say what should have worked."""
    try:
        return function(*arguments)
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(
            f"space {space.name}: {what} raises {type(error).__name__}: {error}"
        ) from error


def _require_refusal(
    space: Space, what: str, function: Callable[..., Any], *arguments: Any
) -> None:
    """Fail where `function` does not raise `HwbenchError` with a message of one line."""
    try:
        function(*arguments)
    except HwbenchError as error:
        one_line = len(str(error).splitlines()) == 1
        _require(one_line, space, f"{what} is refused in more than one line: {error}")
    except Exception as error:
        raise AssertionError(
            f"space {space.name}: {what} raises {type(error).__name__}, not HwbenchError: {error}"
        ) from error
    else:
        raise AssertionError(f"space {space.name}: {what} is not refused")


def _same(given: Any, expected: IntArray) -> bool:
    """Whether an array of architectures or indices is the one expected, int64 included."""
    return (
        isinstance(given, np.ndarray)
        and given.dtype == np.int64
        and np.array_equal(given, expected)
    )


# ---------------------------------------------------------------------- the checks


def _check_description(space: Space) -> None:
    for attribute in ("name", "title", "choices", "positions", "encodings"):
        _require(hasattr(space, attribute), space, f"the attribute {attribute} is missing")
    _require(bool(space.choices), space, "choices is empty")
    _require(
        len(space.positions) == len(space.choices) == space.n_positions,
        space,
        f"{len(space.positions)} positions stand beside {len(space.choices)} lists of choices",
    )
    _require(len(set(space.positions)) == len(space.positions), space, "two positions share a name")
    for position, names in zip(space.positions, space.choices, strict=True):
        _require(bool(names), space, f"position {position} offers nothing")
        _require(len(set(names)) == len(names), space, f"position {position} offers a name twice")
    product = math.prod(len(names) for names in space.choices)
    _require(
        1 <= space.n_architectures <= product,
        space,
        f"n_architectures is {space.n_architectures}, the choices allow at most {product}",
    )
    for encoding in space.encodings:
        _require(encoding in ENCODINGS, space, f"the encoding '{encoding}' is none of {ENCODINGS}")
    archs = _call(space, "check([baseline])", space.check, space.baseline[None, :])
    _require(_same(archs[0], space.baseline), space, "baseline is no int64 (n_positions,)")


def _check_sampling(space: Space, n_archs: int, seed: int) -> IntArray:
    archs: IntArray = space.sample(n_archs, seed)
    shape = (n_archs, space.n_positions)
    _require(
        isinstance(archs, np.ndarray) and archs.shape == shape and archs.dtype == np.int64,
        space,
        f"sample({n_archs}) is no int64 array of shape {shape}",
    )
    checked = _call(space, "check(sample(...))", space.check, archs)
    _require(_same(checked, archs), space, "check(archs) is not archs")
    _require(len(np.unique(archs, axis=0)) == n_archs, space, "sample draws an architecture twice")
    _require(
        _same(space.sample(n_archs, seed), archs), space, "sample depends on more than its seed"
    )
    generator = np.random.default_rng(seed)
    _require(
        _same(space.sample(n_archs, generator), archs),
        space,
        "sample draws otherwise from a generator than from its seed",
    )
    if space.n_architectures > 100:  # else equal draws may be chance
        other = space.sample(n_archs, generator)
        _require(not _same(other, archs), space, "sample does not advance its generator")
        _require(
            not _same(space.sample(n_archs, seed + 1), archs), space, "sample ignores its seed"
        )
    too_many = space.n_architectures + 1
    _require_refusal(space, "sample of more than there are", space.sample, too_many)
    _require(len(space.sample(3, seed, replace=True)) == 3, space, "sample(3, replace=True) fails")
    return archs


def _check_strings(space: Space, archs: IntArray) -> None:
    texts = _call(space, "to_strings(archs)", space.to_strings, archs)
    _require(len(set(texts)) == len(archs), space, "two architectures share a string")
    for text, arch in zip(texts, archs, strict=True):
        place = f"{text!r} of {arch.tolist()}"
        _require(
            isinstance(text, str) and text == text.strip() and text.isprintable(),
            space,
            f"the string {place} is no printable line without white space around it",
        )
        _require(space.to_string(arch) == text, space, f"to_string and to_strings differ: {place}")
        parsed = _call(space, f"from_string({text!r})", space.from_string, text)
        _require(_same(parsed, arch), space, f"from_string reads {place} as {parsed}")
    parsed = _call(space, "from_strings", space.from_strings, texts)
    _require(_same(parsed, archs), space, "from_strings(to_strings(archs)) is not archs")
    empty = space.from_strings([])
    _require(empty.shape == (0, space.n_positions), space, "from_strings([]) has a wrong shape")
    for text in ("", "no such architecture", texts[0] + "?", None, 3):
        _require_refusal(space, f"from_string({text!r})", space.from_string, text)


def _check_indices(space: Space, archs: IntArray) -> None:
    if not space.indexed:
        _require_refusal(space, "indices_of, in a space too large", space.indices_of, archs)
        _require_refusal(space, "architectures_at(...)", space.architectures_at, [0])
        same = space.keys_of(archs).tolist() == space.to_strings(archs)
        _require(same, space, "keys_of(archs) are not the strings")
        return
    indices = _call(space, "indices_of(archs)", space.indices_of, archs)
    _require(
        indices.dtype == np.int64 and indices.shape == (len(archs),),
        space,
        "indices_of(archs) is no int64 array of shape (n_archs,)",
    )
    last = space.n_architectures - 1
    _require(
        indices.min() >= 0 and indices.max() <= last, space, f"an index lies outside 0 .. {last}"
    )
    _require(len(set(indices.tolist())) == len(archs), space, "two architectures share an index")
    _require(
        _same(space.architectures_at(indices), archs),
        space,
        "architectures_at(indices_of(archs)) is not archs",
    )
    ends = np.array([0, last])
    round_trip = space.indices_of(space.architectures_at(ends))
    _require(_same(round_trip, ends), space, "indices_of(architectures_at([0, last])) differs")
    for index in (-1, last + 1):
        _require_refusal(space, f"the index {index}", space.architectures_at, [index])
    classes = _call(space, "function_classes", space.function_classes, archs)
    _require(
        bool(np.all((classes >= 0) & (classes <= indices))),
        space,
        "function_classes holds the index of an architecture behind the one it stands for",
    )
    again = space.function_classes(space.architectures_at(classes))
    _require(_same(again, classes), space, "the first of a function class is not in its own class")


def _check_refusals(space: Space, archs: IntArray) -> None:
    n_positions = space.n_positions
    for shape in ((n_positions,), (2, n_positions + 1), (1, 1, n_positions)):
        wrong = np.zeros(shape, dtype=np.int64)
        _require_refusal(space, f"an array of shape {shape}", space.check, wrong)
    for position, n_choices in enumerate(space.n_choices):
        for value in (-1, int(n_choices)):
            wrong = archs[:1].copy()
            wrong[0, position] = value
            what = f"{value} at position {space.positions[position]}"
            _require_refusal(space, what, space.check, wrong)
    fractions = archs[:1] + 0.5
    _require_refusal(space, "an array of fractions", space.check, fractions)
    whole = archs.astype(float)
    checked = _call(space, "check of whole numbers as floats", space.check, whole)
    _require(_same(checked, archs), space, "check changes whole numbers given as floats")


def _check_neighbours(space: Space, archs: IntArray) -> None:
    own_steps = type(space).neighbours is not Space.neighbours  # its documentation says which
    for arch in archs[:N_LOOKED_AT_CLOSELY]:
        near = _call(space, f"neighbours({arch.tolist()})", space.neighbours, arch)
        place = f"neighbours({arch.tolist()})"
        checked = _call(space, f"check of {place}", space.check, near)
        _require(_same(checked, near), space, f"{place} are no int64 architectures")
        _require(len(np.unique(near, axis=0)) == len(near), space, f"{place} holds a row twice")
        differences = (near != arch).sum(axis=1)
        _require(bool((differences > 0).all()), space, f"{place} holds the architecture itself")
        _require(
            own_steps or bool((differences == 1).all()),
            space,
            f"{place} holds an architecture that differs at more than one position",
        )
        for other in near[:MOST_NEIGHBOURS_VISITED]:
            back = (space.neighbours(other) == arch).all(axis=1).any()
            _require(
                bool(back), space, f"{place} holds {other.tolist()}, whose neighbour it is not"
            )


def _check_encodings(space: Space, archs: IntArray) -> None:
    _require_refusal(space, "an unknown encoding", space.encode, archs, "no such encoding")
    for encoding in ENCODINGS:
        if encoding not in space.encodings:
            _require_refusal(
                space,
                f"the encoding '{encoding}', which it does not offer,",
                space.encode,
                archs,
                encoding,
            )
            continue
        what = f"encode(archs, '{encoding}')"
        features = _call(space, what, space.encode, archs, encoding)
        names = _call(
            space,
            f"feature_names('{encoding}')",
            space.feature_names,
            encoding,
        )
        _require(len(set(names)) == len(names), space, f"two columns of '{encoding}' share a name")
        _require(
            features.dtype == np.float32 and features.shape == (len(archs), len(names)),
            space,
            f"{what} is {features.dtype} {features.shape}, not float32 {(len(archs), len(names))}",
        )
        _require(bool(np.isfinite(features).all()), space, f"{what} holds NaN or infinity")
        alone = np.concatenate([space.encode(arch[None, :], encoding) for arch in archs])
        _require(
            np.array_equal(alone, features),
            space,
            f"{what}: a row depends on the other rows",
        )
        empty = space.encode(archs[:0], encoding)
        _require(empty.shape == (0, len(names)), space, f"{what} of no architecture")
        if encoding in ("onehot", "integers"):
            different = len(np.unique(features, axis=0)) == len(archs)
            _require(different, space, f"{what}: two architectures share their features")
    if "graph" in space.encodings:
        _check_graphs(space, archs)


def _check_graphs(space: Space, archs: IntArray) -> None:
    graphs = _call(space, "graphs(archs)", space.graphs, archs)
    n_archs, n_vertices = graphs.operations.shape
    _require(n_archs == len(archs), space, "graphs(archs) has not one graph an architecture")
    _require(
        graphs.adjacency.shape == (n_archs, n_vertices, n_vertices)
        and set(np.unique(graphs.adjacency).tolist()) <= {0, 1},
        space,
        "graphs(archs).adjacency is no matrix of 0 and 1 an architecture",
    )
    _require(
        not np.tril(graphs.adjacency).any(), space, "graphs: an edge leads backwards in the order"
    )
    known = len(graphs.operation_names)
    _require(
        graphs.operations.min() >= -1 and graphs.operations.max() < known,
        space,
        f"graphs: an operation lies outside -1 .. {known - 1}",
    )
    padding = graphs.operations < 0
    touched = graphs.adjacency.any(axis=1) | graphs.adjacency.any(axis=2)
    _require(not (padding & touched).any(), space, "graphs: a padding vertex has an edge")
    _require(not (np.diff(padding, axis=1) & padding[:, :-1]).any(), space, "graphs: padding first")
    try:
        found, valid = space.from_graphs(graphs)
    except HwbenchError:
        return  # a space need not tell architectures from graphs
    same = bool(valid.all()) and _same(found, archs)
    _require(same, space, "from_graphs(graphs(archs)) is not archs")


def _check_twins(space: Space, archs: IntArray) -> None:
    twins = _call(space, "twins(archs)", space.twins, archs)
    checked = _call(space, "check(twins(archs))", space.check, twins)
    _require(_same(twins, checked), space, "twins(archs) is no int64 array of architectures")
    _require(_same(space.twins(twins), archs), space, "the twin of a twin is another architecture")
    if space.indexed:
        same = np.array_equal(space.function_classes(twins), space.function_classes(archs))
        _require(same, space, "an architecture and its twin are of two function classes")


def _check_pickling(space: Space, archs: IntArray) -> None:
    pickled = _call(space, "pickling", pickle.dumps, space)
    what = "unpickling (by name, so that get_space must find it)"
    copy = _call(space, what, pickle.loads, pickled)
    _require(
        type(copy) is type(space) and copy.name == space.name,
        space,
        f"get_space({space.name!r}) finds another space",
    )
    same = copy.to_strings(archs) == space.to_strings(archs)
    _require(same, space, "the pickled space prints architectures otherwise")


_CHECKS: dict[str, Callable[[Space, IntArray], None]] = {
    "strings": _check_strings,
    "indices": _check_indices,
    "what is refused": _check_refusals,
    "neighbours": _check_neighbours,
    "encodings": _check_encodings,
    "twins": _check_twins,
    "pickling": _check_pickling,
}


# ---------------------------------------------------------------------- networks


def _check_networks(space: Space, archs: IntArray, skeleton: dict[str, int]) -> None:
    try:
        official = space.skeleton()
    except SpaceLacksError:
        return  # a space need not say what its networks are
    official_values = vars(official)
    small = {key: min(value, official_values[key]) for key, value in SMALL_SKELETON.items()}
    changes = {**small, **skeleton}
    whole = _call(space, f"skeleton({changes})", partial(space.skeleton, **changes))
    counts = {
        "parameters": _formula(space, partial(space.parameters, **changes), archs),
        "flops": _formula(space, partial(space.flops, **changes), archs),
    }
    for row, arch in enumerate(archs):
        found = _check_network(space, arch, whole, changes)
        if found is None:
            return
        for name, values in found.items():
            formula = counts[name]
            _require(
                formula is None or formula[row] in values,
                space,
                f"{name} of {arch.tolist()} are {formula and formula[row]} by formula, "
                f"{' or '.join(map(str, values))} in the network ({changes})",
            )


def _formula(
    space: Space, count: Callable[[IntArray], IntArray], archs: IntArray
) -> list[int] | None:
    """What a formula gives, or None where the space has none."""
    try:
        values = count(archs)
    except SpaceLacksError:
        return None
    _require(
        values.dtype == np.int64 and values.shape == archs.shape[:1] and bool((values >= 0).all()),
        space,
        "parameters and flops must be int64 arrays of shape (n_archs,), never negative",
    )
    return [int(value) for value in values]


def _check_network(
    space: Space, arch: IntArray, skeleton: Skeleton, changes: dict[str, int]
) -> dict[str, list[int]] | None:
    """Build a network and run it; its counts, or None where the space has no networks.

    A linear layer's bias is one addition an output, which some benchmarks count: FLOPs with and
    without it are both right.
    """
    import torch

    from hwbench.spaces.counting import count_flops, count_parameters

    try:
        network = space.network(arch, seed=1, **changes)
    except SpaceLacksError:
        return None
    size, channels = skeleton.input_size, skeleton.input_channels
    place = f"the network of {arch.tolist()}"
    images = torch.rand(2, channels, size, size, generator=torch.Generator().manual_seed(0))
    network.eval()
    with torch.inference_mode():
        logits = _call(space, place, network, images)
    shape = (2, skeleton.classes)
    _require(
        tuple(logits.shape) == shape, space, f"{place} gives {tuple(logits.shape)}, not {shape}"
    )
    _require(bool(torch.isfinite(logits).all()), space, f"{place} gives NaN or infinity")
    weights = network.state_dict()
    again = space.network(arch, seed=1, **changes).state_dict()
    _require(
        all(torch.equal(weights[key], again[key]) for key in weights),
        space,
        f"{place}: the weights depend on more than the seed",
    )
    image = (channels, size, size)
    return {
        "parameters": [count_parameters(network)],
        "flops": [count_flops(network, image, classifier_bias=bias) for bias in (False, True)],
    }
