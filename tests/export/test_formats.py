"""Files of networks compute what the networks do, and are the same bytes each time."""

import hashlib
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import hwbench
from hwbench.errors import HwbenchError
from hwbench.export import formats, network_file
from hwbench.export.formats import FORMATS
from hwbench.spaces import SpaceLacksError, get_space, list_spaces

SMALL = {"channels": 8, "depth": 1, "input_size": 16}
OF_A_KIND = ("nasbench201", "fbnet", "shufflenasnet", "autosnn")
"""A graph of edges, a chain, channels that are shuffled, spikes."""


def with_networks():
    names = []
    for name in list_spaces():
        try:
            get_space(name).skeleton()
        except SpaceLacksError:
            continue
        names.append(name)
    return names


def small(name):
    return {
        **SMALL,
        **({"channels": 16} if name == "shufflenasnet" else {}),
        **({"time_steps": 2} if get_space(name).takes_events else {}),
        **({"input_size": 32} if name.startswith("transnas") else {}),
    }


def lively(network):
    """Give normalisation statistics that a fresh network lacks, and neurons reasons to fire."""
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(generator=generator).mul_(0.1)
            module.running_var.uniform_(0.5, 2, generator=generator)
    if hasattr(network, "measurements"):
        with torch.no_grad():
            for weight in network.parameters():
                weight.mul_(4)
    return network.eval()


@pytest.fixture
def written(tmp_path):
    """Write a small network of a space; gives the file's outputs, the network's, and the bytes."""

    def write(name, to, opset=17, batch=2):
        space, options = get_space(name), small(name)
        network = lively(space.network(space.sample(1, 3)[0], seed=0, **options))
        shape = (batch, 3, options["input_size"], options["input_size"])
        made = network_file.network_file(network, shape, to, opset=opset, owner=name)
        assert made.checked_by == FORMATS[to].runner
        images = 3 * torch.randn(shape, generator=torch.Generator().manual_seed(5))
        with torch.no_grad():
            expected = network(images).numpy()
        [found] = FORMATS[to].outputs(made.content, [images])
        return SimpleNamespace(found=found, expected=expected, content=made.content)

    return write


VARIANTS = ("autosnn_", "nasbench1shot1_2", "nasbench1shot1_3", "spiking_rivals")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name.startswith(VARIANTS) else name
        for name in with_networks()
    ],
)
def test_every_space_with_networks_as_onnx(written, name):
    one = written(name, "onnx")
    np.testing.assert_allclose(one.found, one.expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("to", "name"), [*(("torchscript", name) for name in OF_A_KIND), ("torch-export", OF_A_KIND[0])]
)
def test_every_kind_as_files_of_torch(written, name, to):
    one = written(name, to)
    assert np.ptp(one.expected) > 0
    np.testing.assert_allclose(one.found, one.expected, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", with_networks())
@pytest.mark.parametrize("to", ["torchscript", "torch-export"])
def test_every_space_with_networks_as_files_of_torch(written, name, to):
    one = written(name, to)
    np.testing.assert_allclose(one.found, one.expected, rtol=1e-3, atol=1e-4)


WRITE_AGAIN = """
import hashlib, sys, torch
from hwbench.export.network_file import network_file
from hwbench.spaces import get_space
space = get_space("nasbench201")
for arch in space.sample(int(sys.argv[1]), 3):
    network = space.network(arch, seed=0, channels=8, depth=1, input_size=16).eval()
    for to in sys.argv[2:]:
        content = network_file(network, (2, 3, 16, 16), to, owner="again").content
        print(hashlib.sha256(content).hexdigest())
"""


@pytest.mark.parametrize(
    "formats_",
    [("onnx", "torchscript"), pytest.param(("torch-export",), marks=pytest.mark.slow)],
    ids=" ".join,
)
def test_the_same_network_is_the_same_bytes(tmp_path, formats_):
    """In one process whatever was written before, in another from another folder too."""
    shown = subprocess.run(
        [sys.executable, "-c", WRITE_AGAIN, "2", *formats_],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    elsewhere = iter(shown.split())
    space = get_space("nasbench201")
    for arch in space.sample(2, 3):
        for to in formats_:
            expected = next(elsewhere)
            for _ in range(2):
                network = space.network(arch, seed=0, **SMALL).eval()
                made = network_file.network_file(network, (2, 3, 16, 16), to, owner="here")
                assert hashlib.sha256(made.content).hexdigest() == expected
                assert b"site-packages" not in made.content  # no path of this machine
                assert str(Path(hwbench.__file__).parent).encode() not in made.content


class Unwritable(nn.Module):
    """What no format holds: how it computes depends on what it computes."""

    def forward(self, images):
        total = images.sum()
        if not isinstance(total.item(), float):
            raise TypeError
        return torch.linalg.eigvals(images[0, 0]).real.repeat(len(images), 1)


def refusal(network, to):
    with pytest.raises(HwbenchError) as caught:
        network_file.network_file(network.eval(), (2, 3, 8, 8), to, owner="export: mine 0123")
    message = str(caught.value)
    assert message.startswith("export: mine 0123: ")
    assert "\n" not in message
    return message


def test_what_a_format_cannot_hold_is_said_by_name():
    message = refusal(Unwritable(), "onnx")
    assert "cannot be written as onnx (" in message
    assert message.endswith("another format may hold it: --to torch-export or --to torchscript")
    assert "cannot be written as torch-export (" in refusal(Unwritable(), "torch-export")


class Answers(nn.Module):
    """Gives, or raises, what it is made with."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, images):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            RuntimeError("too small\nby far"),
            "its network fails on images of 2x3x8x8 (RuntimeError: ",
        ),
        ({"logits": 1}, "its network gives dict of images of 2x3x8x8; files hold"),
        (torch.full((2, 4), torch.nan), "its network gives no finite numbers of images"),
    ],
)
def test_a_network_that_does_not_work_is_said(answer, message):
    assert message in refusal(Answers(answer), "onnx")


class Drifting(nn.Module):
    """Gives another output each time."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, images):
        self.calls += 1
        return images.mean(dim=(2, 3)) * self.calls


@pytest.mark.parametrize("to", ["onnx", "torchscript"])
def test_a_file_that_computes_something_else_is_refused(to):
    message = refusal(Drifting(), to)
    assert f"the {to} file computes something else than the network" in message
    assert "it is not written" in message


def test_without_the_library_a_file_is_not_checked(monkeypatch):
    monkeypatch.setattr(formats, "is_there", lambda name: False)
    made = network_file.network_file(Drifting().eval(), (2, 3, 8, 8), "onnx", owner="mine")
    assert made.checked_by == ""
    assert len(made.content) > 100
