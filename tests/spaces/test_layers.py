"""Layers that several spaces share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from hwbench.spaces import get_space
from hwbench.spaces.layers import FEW_CHANNELS, StridedPointwiseConv2d, convolution

MALLOC_CHECKED = Path("/lib/x86_64-linux-gnu/libc_malloc_debug.so.0")
SPACES = {
    "darts": {"channels": 2, "depth": 1},
    "nasbench201": {"channels": 2, "depth": 1},
    "nasbench_macro": {"channels": 2},
    "transnas_macro": {"channels": 2, "input_size": 32},
    "transnas_micro": {"channels": 2, "input_size": 32},
    "fbnet": {},
}
BACKWARD = """
import torch
from hwbench.spaces.layers import convolution
torch.set_num_threads(1)
for _ in range(20):
    last = torch.channels_last
    layer = convolution({channels}, 4, 1, 2).to(memory_format=last)
    images = torch.randn(64, {channels}, 8, 8).to(memory_format=last).requires_grad_()
    layer(images).sum().backward()
"""


@pytest.mark.parametrize("size", [4, 5, 7])
def test_pixels_that_are_dropped_first_change_nothing(size):
    own, plain = convolution(3, 5, 1, 2), nn.Conv2d(3, 5, 1, 2, bias=False)
    assert isinstance(own, StridedPointwiseConv2d)
    plain.load_state_dict(own.state_dict())
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(size))
    gradients = []
    for layer in (own, plain):
        given = images.clone().requires_grad_()
        layer(given).square().sum().backward()
        gradients.append((given.grad, layer.weight.grad))
    torch.testing.assert_close(own(images), plain(images))
    torch.testing.assert_close(gradients[0], gradients[1])


@pytest.mark.parametrize("name", SPACES)
def test_no_space_has_the_convolution_whose_gradient_is_not_safe(name):
    space = get_space(name)
    for arch in space.sample(8, seed=0):
        for module in space.network(arch, **SPACES[name]).modules():
            if type(module) is nn.Conv2d and module.kernel_size == (1, 1):
                few = module.in_channels < FEW_CHANNELS and module.groups == 1
                assert not few or module.stride == (1, 1)


@pytest.mark.skipif(not MALLOC_CHECKED.exists(), reason="needs glibc's checked malloc")
@pytest.mark.parametrize("channels", [1, 4, 6, 8])
def test_the_gradient_stays_within_its_buffers(channels):
    checked = {**os.environ, "LD_PRELOAD": str(MALLOC_CHECKED), "MALLOC_CHECK_": "3"}
    command = [sys.executable, "-c", BACKWARD.format(channels=channels)]
    ended = subprocess.run(command, env=checked, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
