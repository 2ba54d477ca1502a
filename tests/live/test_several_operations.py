"""A supernet, a strategy and a selection of one's own, each one file outside of hwbench.

The supernet's architectures switch operations of an edge on and off, the operations are made by the
numbers in their names, and it measures what it computes; the strategy prunes what it has learned to
be weakest between epochs, having asked for the supernet's word on it.
"""

import sys

import numpy as np
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.live.config import config_of
from hwbench.live.run import run_live
from hwbench.live.selecting import select_run
from hwbench.live.supernets.export import load_network
from hwbench.live.supernets.operation_name import OperationName, parse_operation
from hwbench.report import write_report
from hwbench.results.live import read_live_run
from hwbench.results.selections import read_selections

SUPERNET = '''
import numpy as np
import torch
from torch import nn

from hwbench import HwbenchError, Space
from hwbench.live.supernets.operation_name import parse_operation
from hwbench.live.supernets.supernet import Position, Supernet
from hwbench.spaces import Skeleton
from hwbench.spaces.layers import relu_conv_bn

NAMES = ("conv_k1", "conv_k3", "conv_k5", "skip")
EDGES = ("first", "second")


class Switches(Space):
    """256 networks; a string says of each operation whether it is on."""

    name = "switches"
    title = "Switches"
    choices = (("off", "on"),) * (len(EDGES) * len(NAMES))
    positions = tuple(f"{edge} {name}" for edge in EDGES for name in NAMES)
    encodings = ("onehot",)
    default_skeleton = Skeleton(channels=4, depth=1)

    def to_string(self, arch):
        return "".join(map(str, self.check(np.asarray(arch)[None, :])[0]))

    def from_string(self, text):
        if len(text) != self.n_positions or set(text) - {"0", "1"}:
            raise HwbenchError(f"architecture {text!r}: expected {self.n_positions} of 0 and 1")
        return np.array(list(map(int, text)), dtype=np.int64)

    def _flop_cost(self, skeleton):
        sizes = [1, 9, 25, 0]
        return 0, [[0, size] for _ in EDGES for size in sizes]


class SwitchSupernet(Supernet):
    several_operations = True

    @classmethod
    def all_positions(cls, space):
        return tuple(Position(edge, NAMES, edge) for edge in EDGES)

    @classmethod
    def check_operation(cls, space, position, name):
        kind, numbers = parse_operation(name)
        if name != "skip" and (kind != "conv" or set(numbers) != {"k"}):
            raise HwbenchError(f"{name} is no operation of {space.name}")

    @classmethod
    def make_operation(cls, name, channels, stride):
        if name == "skip":
            return nn.Identity()
        return relu_conv_bn(channels, channels, int(parse_operation(name).numbers["k"]))

    def _build(self):
        channels = self.skeleton.channels
        self.stem = nn.Conv2d(self.skeleton.input_channels, channels, 3, padding=1, bias=False)
        self.layers = nn.ModuleList(self._mixed_operation(i, channels) for i in range(len(EDGES)))
        self.classifier = nn.Linear(channels, self.skeleton.classes)

    def forward(self, images, mixture=None):
        mixture = self._mixture(mixture)
        x = self._first_features(images)
        for layer in self.layers:
            out = layer(x, mixture)
            x = torch.zeros_like(x) if out is None else out
        self.silent = (x <= 0).float().mean()
        return self.classifier(x.mean(dim=(2, 3)))

    def measurements(self):
        return {"silent": self.silent}

    def choices_of(self, arch):
        rows = self._row(arch).reshape(len(EDGES), len(NAMES))
        return [
            tuple(self.candidate_index(place, NAMES[i]) for i in np.flatnonzero(row))
            for place, row in enumerate(rows)
        ]

    def architecture_of(self, choices):
        arch = np.zeros((len(EDGES), len(NAMES)), dtype=np.int64)
        for place, indices in enumerate(choices):
            for index in indices:
                arch[place, NAMES.index(self.positions[place].operations[index])] = 1
        return arch.ravel()

    def derive(self, strengths, threshold=0.0):
        best = [[int(row[:n].argmax())] for row, n in zip(strengths, self.sizes)]
        return self.architecture_of(best)

    def architectures(self):
        archs = self.space.all_architectures()
        return archs[self.holds(archs)]

    @property
    def holds_everything(self):
        return all(set(NAMES) <= set(each.operations) for each in self.positions)

    def holds(self, archs):
        held = np.array([name in each.operations for each in self.positions for name in NAMES])
        return ~(self.space.check(archs).astype(bool) & ~held).any(axis=1)
'''

STRATEGY = '''
from dataclasses import replace

import torch

from hwbench.arguments import Share
from hwbench.live.strategies.base import ParametricStrategy
from hwbench.live.supernets.mixture import Mixture


class Pruning(ParametricStrategy):
    """Sigmoid shares; the weakest candidate of the first edge goes after the second epoch."""

    def __init__(self, *, start: Share = 0.5) -> None:
        super().__init__()
        self.start = start

    def optimizer(self, parameters, trainer):
        return torch.optim.SGD(parameters, lr=1.0, momentum=0.9)

    def strengths(self):
        return torch.sigmoid(self.logits())

    def after_epoch(self, epoch, judge):
        arch = judge.space.from_string("00000001")
        found = judge.evaluate(arch[None, :])
        assert set(found) == {"accuracy", "loss", "silent"}
        loss = judge.loss(Mixture.weighted(self.strengths(), self.sizes))
        assert torch.autograd.grad(loss, self.alpha)[0].abs().sum() > 0
        if epoch != 1:
            return None
        weakest = int(self.strengths()[0, : self.sizes[0]].argmin())
        names = list(self.operations[0])
        del names[weakest]
        from hwbench.live.supernets.structure import Structure
        return Structure((tuple(names), *self.operations[1:]))
'''

SELECTION = '''
import numpy as np
from pydantic import PositiveInt

from hwbench.live.selections.base import Selection


class Quietest(Selection):
    """Of some random networks the one of which most is silent."""

    def __init__(self, *, drawn: PositiveInt = 5) -> None:
        self.drawn = drawn

    def select(self, search, stage):
        archs = search.supernet.sample(self.drawn, np.random.default_rng(0))
        return archs[search.judge().evaluate(archs)["silent"].to_numpy().argmax()]
'''

TREE = {
    "title": "own parts",
    "data": {"validation_share": 0.9},
    "space": {
        "name": "own_supernet:Switches",
        "supernet": "own_supernet:SwitchSupernet",
        "channels": 4,
        "depth": 1,
    },
    "strategy": {"name": "own_strategy:Pruning"},
    "trainer": {"name": "bilevel", "epochs": 3, "batch_size": 32},
    "selection": {"name": "top_k", "k": 4},
    "ranking": {"architectures": 6, "calibration": {"passes": 1, "batch_size": 32}},
}


@pytest.fixture
def own(tmp_path, monkeypatch):
    files = {"own_supernet": SUPERNET, "own_strategy": STRATEGY, "own_selection": SELECTION}
    for name, text in files.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield config_of(TREE, where="own.toml")
    for name in files:
        sys.modules.pop(name, None)


def test_parts_of_one_s_own_in_a_live_run(own, tmp_path):
    folder = tmp_path / "run"
    result = run_live(own, folder)
    assert result["architecture"].count("1") == 4
    found = read_live_run(folder)
    assert "silent" in found.ranking
    assert found.strengths.groupby("epoch").size().tolist() == [8, 7, 7]
    supernet = load_network(folder / "supernet")
    assert supernet.sizes == (3, 4)
    network = load_network(folder / "architecture")
    assert sum(network.sizes) == 4
    images = torch.randn(3, 1, 8, 8)
    arch = supernet.space.from_string(result["architecture"])
    whole = load_network(folder / "supernet")
    expected = whole(images, whole.mixture_of(arch))
    torch.testing.assert_close(network(images), expected)  # the sum of all it holds
    quiet = select_run(folder, {"name": "own_selection:Quietest", "drawn": 20})
    assert quiet["label"] == "own_selection-Quietest"
    front = select_run(
        folder,
        {"name": "black_box", "strategy": "nsga2", "evaluations": 30, "metric": "flops"},
    )
    assert write_report(folder).exists()
    assert front["truth"] is None
    chosen = {each.folder.name: each for each in read_selections(folder)}
    told = chosen["black_box-nsga2"].evaluations
    held = supernet.holds(np.stack([supernet.space.from_string(t) for t in told["architecture"]]))
    assert held.all()


def test_pruning_goes_on_after_a_stop(own, tmp_path, monkeypatch):
    from hwbench.live.search import Search

    run_live(own, tmp_path / "unbroken")
    train_epoch = Search.train_epoch
    for stop in (0, 1):

        def stops(self, epoch, stop=stop):
            if epoch > stop:
                raise KeyboardInterrupt
            return train_epoch(self, epoch)

        with monkeypatch.context() as patch:
            patch.setattr(Search, "train_epoch", stops)
            with pytest.raises(KeyboardInterrupt):
                run_live(own, tmp_path / "stopped")
    run_live(own, tmp_path / "stopped")
    one, other = (
        load_network(tmp_path / name / "supernet").state_dict() for name in ("unbroken", "stopped")
    )
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_what_is_not_held_is_said(own, tmp_path):
    run_live(own, tmp_path / "run")
    with pytest.raises(HwbenchError, match="k = 9 is more than the 7 candidates"):
        select_run(tmp_path / "run", {"name": "top_k", "k": 9})
    with pytest.raises(HwbenchError, match="k = 9 is more than the 8 candidates"):
        config_of({**TREE, "selection": {"name": "top_k", "k": 9}}, where="own")
    with pytest.raises(HwbenchError, match="conv_w3 is no operation of own_supernet:Switches"):
        config_of({**TREE, "space": {**TREE["space"], "operations": ["conv_w3"]}}, where="own")
    config_of({**TREE, "space": {**TREE["space"], "operations": ["conv_k7", "skip"]}}, where="own")


@pytest.mark.parametrize(
    ("name", "kind", "numbers"),
    [
        ("sep_conv_k5_d2_w1.25", "sep_conv", {"k": 5, "d": 2, "w": 1.25}),
        ("skip_connect", "skip_connect", {}),
        ("nor_conv_3x3", "nor_conv_3x3", {}),
        ("k3", "k3", {}),
    ],
)
def test_names_with_numbers(name, kind, numbers):
    assert parse_operation(name) == OperationName(kind, numbers)
    assert str(parse_operation(name)) == name
