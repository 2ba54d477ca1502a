"""Architectures drawn: every operation is there, once, and dead parts are faint."""

import re

import pandas as pd
import pytest

from hwbench.pages.architectures import MOST_DRAWN, drawing, front_drawings, short_name
from hwbench.results.run import TargetWords
from hwbench.spaces import get_space

TIMES = "\N{MULTIPLICATION SIGN}"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nor_conv_3x3", f"conv 3{TIMES}3"),
        ("conv1x1-bn-relu", f"conv 1{TIMES}1"),
        ("maxpool3x3", f"maxpool 3{TIMES}3"),
        ("skip_connect", "skip"),
        ("k5_e1_g2", "k5 e1 g2"),
        ("sep_conv_5x5", f"sep conv 5{TIMES}5"),
    ],
)
def test_short_names(name, words):
    assert short_name(name) == words


def labels(image):
    return re.findall(r"<text[^>]*>([^<]*)</text>", image)


def test_an_edge_cell_shows_its_edges_and_fades_dead_ones():
    # 0->1 carries nothing on: node 1 has no outgoing edge.
    text = "|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|nor_conv_1x1~2|"
    image = drawing("nasbench201", text, "cell").image
    assert labels(image)[:3] == [f"conv 3{TIMES}3", "skip", f"conv 1{TIMES}1"]
    assert image.count('class="edge"') == 3
    faint = re.findall(r'<g style="[^"]*" class="faint">.*?</g>', image)
    assert [labels(part) for part in faint] == [[f"conv 3{TIMES}3"]]
    assert 'aria-label="Cell: 0 to 1 conv 3' in image


def test_a_cell_of_any_length_keeps_its_edges_apart(ladder):
    space = get_space(ladder)
    text = "conv3x3|skip|conv3x3|none|skip|conv3x3|skip"
    image = drawing(ladder, text, "ladder").image
    assert image.count('class="edge"') == 6
    assert labels(image)[-5:] == ["in", "1", "2", "3", "out"]
    width, height = map(float, re.search(r'viewBox="0 0 (\S+) (\S+)"', image).groups())
    numbers = [tuple(map(float, pair)) for pair in re.findall(r"(-?[\d.]+) (-?[\d.]+)", image)]
    assert all(0 <= x <= width for x, _ in numbers[1:])
    curves = re.findall(r"Q[\d.]+ (-?[\d.]+)", image)
    line = float(re.search(r'cy="([\d.]+)"', image)[1])
    # Those over one node swing out from even nodes upwards, from odd ones downwards.
    assert sorted(float(y) - line for y in curves) == [-104, -104, 0, 0, 0, 0]
    assert space.drawn_as == "edges"
    assert height > line


def test_an_empty_cell_is_drawn():
    text = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    assert "no operation" in drawing("nasbench201", text, "").image


def test_cells_that_may_have_anything_are_drawn():
    text = "normal: none; reduction: 0->2 skip_connect, 0->2 sep_conv_3x3, 3->5 dil_conv_3x3"
    image = drawing("ext_cell", text, "").image
    assert image.index("normal cell") < image.index("no operation") < image.index("reduction cell")
    assert [label for label in labels(image) if label in ("skip", "sep conv 3\u00d73")] == [
        "skip",
        "sep conv 3\u00d73",
    ]
    assert "dil" not in image  # it starts from a node that nothing is added to


@pytest.mark.parametrize("name", ["nasbench101", "darts", "enas_macro", "transnas_micro"])
@pytest.mark.parametrize("seed", range(5))
def test_every_vertex_of_a_graph_is_drawn_once(name, seed):
    space = get_space(name)
    arch = space.sample(1, seed)
    image = drawing(name, space.to_string(arch[0]), "").image
    graph = space.graphs(arch)
    ends = ("input", "output", "input 0", "input 1")
    names = [graph.operation_names[i] for i in graph.operations[0] if i >= 0]
    expected = sorted(short_name(n) for n in names if n not in (*ends, "none"))
    shown = [text for text in labels(image) if len(text) > 3 or text == "skip"]
    assert sorted(shown) == expected


@pytest.mark.parametrize("name", ["nasbench_macro", "transnas_macro", "fbnet"])
def test_layers_are_a_chain(name):
    space = get_space(name)
    arch = space.sample(1, 3)[0]
    image = drawing(name, space.to_string(arch), "").image
    items = re.findall(r"<li[^>]*>([^<]*)</li>", image)
    assert items == [short_name(space.choices[i][choice]) for i, choice in enumerate(arch)]


def test_what_is_not_known_is_not_drawn():
    assert drawing("no-such-space", "x", "") is None
    assert drawing("nasbench201", "<script>", "") is None


def test_a_front_is_drawn_from_end_to_end():
    space = get_space("nasbench201")
    archs = space.to_strings(space.sample(20, 0))
    front = pd.DataFrame(
        {"arch": archs, "accuracy": range(20), "metric": [i / 4 for i in range(20)]}
    )
    drawn = front_drawings("nasbench201", front, TargetWords("t:latency", "latency", "ms"))
    assert len(drawn) == MOST_DRAWN
    assert [drawn[0].title, drawn[-1].title] == ["0.00 % at 0 ms", "19.00 % at 4.75 ms"]
    assert [drawn[0].text, drawn[-1].text] == [archs[0], archs[-1]]
    assert len(front_drawings("nasbench201", front[:2], TargetWords("", "", ""))) == 2
