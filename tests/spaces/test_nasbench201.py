import numpy as np
import pandas as pd
import pytest

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.spaces.nasbench201.space import EDGES, OPERATIONS

SPACE = get_space("nasbench201")
NONE, SKIP, CONV1, CONV3, POOL = range(5)


def test_string_is_the_benchmarks_own():
    text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|"
    np.testing.assert_array_equal(SPACE.from_string(text), [CONV3, NONE, SKIP, POOL, CONV1, NONE])
    assert SPACE.to_string([CONV3, NONE, SKIP, POOL, CONV1, NONE]) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected the form"),
        ("|none~0|+|none~0|none~1|", "expected the form"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~2", "expected the form"),
        ("|none~0|+|none~0||none~1|+|none~0|none~1|none~2|", "expected the form"),
        (
            "|nor_conv_3x4~0|+|none~0|none~1|+|none~0|none~1|none~2|",
            "unknown operation 'nor_conv_3x4'; did you mean 'nor_conv_3x3'",
        ),
        (
            "|none~0|+|none~0|skip~1|+|none~0|none~1|none~2|",
            "unknown operation 'skip'; did you mean 'skip_connect'",
        ),
        (
            "|none~0|+|none~0|none~0|+|none~0|none~1|none~2|",
            "'none~0' at node 2 should come from node 1",
        ),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|", "node 3 has 2 edges, not 3"),
    ],
)
def test_malformed_string_is_refused_with_the_place(text, message):
    with pytest.raises(HwbenchError) as caught:
        SPACE.from_string(text)
    assert message in str(caught.value)
    assert repr(text) in str(caught.value)


def test_input_size_must_survive_two_halvings():
    with pytest.raises(HwbenchError, match="multiple of 4"):
        SPACE.skeleton(input_size=30)


@pytest.mark.parametrize(
    ("dataset", "skeleton"),
    [
        ("cifar10", {"classes": 10, "input_size": 32}),
        ("cifar100", {"classes": 100, "input_size": 32}),
        ("ImageNet16-120", {"classes": 120, "input_size": 16}),
    ],
)
def test_counts_equal_the_published_ones_for_every_cell(shared_data, dataset, skeleton):
    columns = ["arch_str", f"{dataset}_params_M_derived", f"{dataset}_flops_M_derived"]
    published = pd.read_parquet(shared_data / "nb201_archs.parquet", columns=columns)
    archs = SPACE.from_strings(published["arch_str"])
    assert len(np.unique(SPACE.indices_of(archs))) == len(SPACE)
    for function, column in ((SPACE.parameters, columns[1]), (SPACE.flops, columns[2])):
        np.testing.assert_array_equal(
            function(archs, **skeleton), np.rint(published[column] * 1e6).astype(int)
        )


# ---------------------------------------------------------------------- equal functions


def numeric_outputs(archs):
    """Every cell's output on one random vector, with fixed maps in place of the operations."""
    rng = np.random.default_rng(0)
    one, three, pool = rng.normal(size=(3, 4, 4)) / 2
    nodes = [np.tile(rng.normal(size=4), (len(archs), 1))]
    for target in (1, 2, 3):
        total = np.zeros_like(nodes[0])
        for edge, (source, node) in enumerate(EDGES):
            if node == target:
                x = nodes[source]
                by_op = np.stack([0 * x, x, np.sin(x @ one), np.tanh(x @ three), x @ pool])
                total += by_op[archs[:, edge], np.arange(len(archs))]
        nodes.append(total)
    return nodes[3]


def test_cells_share_a_class_exactly_where_they_compute_the_same():
    archs = SPACE.all_architectures()
    classes = SPACE.function_classes(archs)
    outputs = numeric_outputs(archs)
    np.testing.assert_allclose(outputs, outputs[classes], atol=1e-11)
    representatives = np.unique(classes)
    assert len(representatives) == 4660
    assert len(np.unique(outputs[representatives].round(8), axis=0)) == 4660


def test_the_first_of_a_class_stands_for_it():
    classes = SPACE.function_classes(SPACE.all_architectures())
    assert (classes <= np.arange(len(SPACE))).all()
    np.testing.assert_array_equal(classes[classes], classes)


def test_class_depends_on_nothing_but_the_cell(unchanged):
    archs = unchanged(SPACE.sample(50, 1))
    classes = SPACE.function_classes(archs)
    np.testing.assert_array_equal(SPACE.function_classes(archs[::-1]), classes[::-1])
    whole = SPACE.function_classes(SPACE.all_architectures())
    np.testing.assert_array_equal(classes, whole[SPACE.indices_of(archs)])


def published_expression(arch):
    """The string by which the benchmark's publication tells cells apart."""
    nodes = ["0"]
    for target in (1, 2, 3):
        parts = []
        for op, (source, node) in zip(arch, EDGES, strict=True):
            if node == target:
                if op == NONE or nodes[source] == "#":
                    parts.append("#")
                elif op == SKIP:
                    parts.append(nodes[source])
                else:
                    parts.append(f"({nodes[source]})@{OPERATIONS[op]}")
        nodes.append("+".join(sorted(parts)))
    return nodes[-1]


def test_no_class_of_the_published_rule_is_split():
    archs = SPACE.all_architectures()
    classes: dict[str, set[int]] = {}
    ours = SPACE.function_classes(archs).tolist()
    for arch, own in zip(archs.tolist(), ours, strict=True):
        classes.setdefault(published_expression(arch), set()).add(own)
    assert len(classes) == 6466
    assert all(len(members) == 1 for members in classes.values())
