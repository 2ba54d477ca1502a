import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from torch import nn

from hwbench.spaces import get_space
from hwbench.tables.made import onnx_graph
from hwbench.tables.made.onnx_graph import INPUT, onnx_model
from hwbench.tables.made.onnx_opsets import OPSET, OPSETS

NETWORKS = [
    ("nasbench201", {"channels": 4, "depth": 1, "input_size": 8}),
    ("nasbench_macro", {"channels": 4, "input_size": 16}),
    ("transnas_macro", {"channels": 4, "input_size": 32, "classes": 5}),
    ("transnas_micro", {"channels": 4, "input_size": 30, "classes": 5}),
]


def run(model, images):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session.run(None, {INPUT: images.numpy()})[0]


def randomise(network):
    """Give batch normalisation statistics that a fresh network lacks."""
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
    return network.eval()


def assert_same(network, images, opset=OPSET):
    with torch.inference_mode():
        expected = network(images).numpy()
    model = onnx_model(network, images, opset)
    onnx.checker.check_model(model)
    assert [each.version for each in onnx.load_from_string(model).opset_import] == [opset]
    found = run(model, images)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("space", "skeleton"), NETWORKS)
def test_every_space_is_written_here_and_computes_the_same(space, skeleton, monkeypatch):
    def refuse(*arguments):
        pytest.fail("went through the slow exporter")

    monkeypatch.setattr(onnx_graph, "_exported", refuse)
    found = get_space(space)
    size = skeleton["input_size"]
    images = torch.randn((2, 3, size, size), generator=torch.Generator().manual_seed(1))
    for arch in found.sample(8, seed=2):
        assert_same(randomise(found.network(arch, **skeleton)), images)


@pytest.mark.parametrize("opset", [OPSETS[0], 12, 17, 18, OPSETS[-1]])
@pytest.mark.parametrize("last", [nn.Identity(), nn.Softsign()])
def test_every_version_of_the_operators_computes_the_same(opset, last):
    images = torch.randn((2, 3, 16, 16), generator=torch.Generator().manual_seed(3))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(randomise(Odd(last)), Indexed(channels=6))
    assert_same(network.eval(), images, opset)


class Odd(nn.Module):
    """Layers with unusual settings, and one that is not written here."""

    def __init__(self, last):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 6, 3, stride=2, padding=1, dilation=2, groups=3),
            nn.ReLU6(),
            nn.MaxPool2d(2, stride=1, padding=1),
            nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True),
            nn.BatchNorm2d(6, affine=False),
            last,
        )

    def forward(self, x):
        return self.body(x)


@pytest.mark.parametrize("last", [nn.Identity(), nn.Softsign(), nn.Conv2d(6, 2, 3, padding="same")])
def test_other_layers_compute_the_same(last):
    images = torch.randn((2, 3, 16, 16), generator=torch.Generator().manual_seed(3))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert_same(randomise(Odd(last)), images)


class Indexed(nn.Module):
    def __init__(self, channels=4):
        super().__init__()
        self.channels = channels

    def forward(self, x):
        cut = x[:, 1 : self.channels - 1, ::2, 1:]
        wide = torch.cat([cut, nn.functional.pad(cut, (1, 0, 2, 0))[:, :, 2:, 1:] * 2.0], 1)
        return torch.mean(wide.repeat(1, 2, 1, 1), dim=(2, 3))


def test_slices_pads_and_tiles_compute_the_same():
    assert_same(Indexed().eval(), torch.randn((2, 4, 9, 9)))


def test_batch_statistics_need_the_exporter(monkeypatch):
    used = []
    exported = onnx_graph._exported
    monkeypatch.setattr(
        onnx_graph, "_exported", lambda *arguments: used.append(1) or exported(*arguments)
    )
    images = torch.randn((4, 3, 8, 8))
    assert_same(nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False)).eval(), images)
    assert used
