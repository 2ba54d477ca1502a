"""What search spaces promise of features and graphs."""

from __future__ import annotations

import numpy as np

from hwbench.errors import HwbenchError
from hwbench.spaces import ENCODINGS
from hwbench.testing.space_subject import SpaceSubject, same_archs


def check_encodings(subject: SpaceSubject) -> None:
    """Features are finite float32, row by row, named, and of the encodings that are offered."""
    space, archs = subject.space, subject.archs
    subject.require_refusal("an unknown encoding", space.encode, archs, "no such encoding")
    for encoding in ENCODINGS:
        if encoding not in space.encodings:
            subject.require_refusal(
                f"the encoding '{encoding}', which it does not offer,",
                space.encode,
                archs,
                encoding,
            )
            continue
        what = f"encode(archs, '{encoding}')"
        features = subject.call(what, space.encode, archs, encoding)
        names = subject.call(
            f"feature_names('{encoding}')",
            space.feature_names,
            encoding,
        )
        subject.require(len(set(names)) == len(names), f"two columns of '{encoding}' share a name")
        subject.require(
            features.dtype == np.float32 and features.shape == (len(archs), len(names)),
            f"{what} is {features.dtype} {features.shape}, not float32 {(len(archs), len(names))}",
        )
        subject.require(bool(np.isfinite(features).all()), f"{what} holds NaN or infinity")
        alone = np.concatenate([space.encode(arch[None, :], encoding) for arch in archs])
        subject.require(np.array_equal(alone, features), f"{what}: a row depends on the other rows")
        empty = space.encode(archs[:0], encoding)
        subject.require(empty.shape == (0, len(names)), f"{what} of no architecture")
        if encoding == "live":
            wanted = len(space.feature_names("onehot"))
            subject.require(
                len(names) == wanted,
                f"'live' has {len(names)} columns, not those of 'onehot', {wanted}: dead parts are "
                "zeros there, or hold what does nothing",
            )
        if encoding in ("onehot", "integers"):
            different = len(np.unique(features, axis=0)) == len(archs)
            subject.require(different, f"{what}: two architectures share their features")


def check_graphs(subject: SpaceSubject) -> None:
    """Graphs are acyclic, in order, padded behind, and tell the architecture where they can."""
    space, archs = subject.space, subject.archs
    if "graph" not in space.encodings:
        subject.require_refusal("graphs(archs), which it does not offer,", space.graphs, archs)
        return
    graphs = subject.call("graphs(archs)", space.graphs, archs)
    n_archs, n_vertices = graphs.operations.shape
    subject.require(n_archs == len(archs), "graphs(archs) has not one graph an architecture")
    subject.require(
        graphs.adjacency.shape == (n_archs, n_vertices, n_vertices)
        and set(np.unique(graphs.adjacency).tolist()) <= {0, 1},
        "graphs(archs).adjacency is no matrix of 0 and 1 an architecture",
    )
    subject.require(
        not np.tril(graphs.adjacency).any(), "graphs: an edge leads backwards in the order"
    )
    known = len(graphs.operation_names)
    subject.require(
        graphs.operations.min() >= -1 and graphs.operations.max() < known,
        f"graphs: an operation lies outside -1 .. {known - 1}",
    )
    padding = graphs.operations < 0
    touched = graphs.adjacency.any(axis=1) | graphs.adjacency.any(axis=2)
    subject.require(not (padding & touched).any(), "graphs: a padding vertex has an edge")
    subject.require(not (np.diff(padding, axis=1) & padding[:, :-1]).any(), "graphs: padding first")
    try:
        found, valid = space.from_graphs(graphs)
    except HwbenchError:
        return  # a space need not tell architectures from graphs
    same = bool(valid.all()) and same_archs(found, archs)
    subject.require(same, "from_graphs(graphs(archs)) is not archs")
