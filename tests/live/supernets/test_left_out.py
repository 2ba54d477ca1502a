"""Positions that a supernet leaves out, though it has no `none` for them."""

import numpy as np
import torch

from hwbench.live.supernets.supernet import make_supernet
from hwbench.spaces import get_space

SIZES = {"channels": 4, "depth": 1, "input_channels": 1, "input_size": 8, "classes": 10}


def test_what_is_left_out_computes_what_none_does():
    space = get_space("nasbench201")
    torch.manual_seed(0)
    without = make_supernet(space, operations="no-zero", **SIZES).eval()
    whole = make_supernet(space, **SIZES).eval()
    own = without.state_dict()
    whole.load_state_dict(
        {name: own.get(name, value) for name, value in whole.state_dict().items()}
    )
    images = torch.randn(3, 1, 8, 8)
    archs = [np.zeros(6, dtype=np.int64), *space.sample(8, seed=0)]
    assert any(0 in arch for arch in archs[1:])
    for arch in archs:
        logits = without(images, without.mixture_of(arch))
        wanted = whole(images, whole.mixture_of(arch))
        torch.testing.assert_close(logits, wanted)
        torch.testing.assert_close(without.finalised(arch)(images), wanted)
        assert without.architecture_of(without.choices_of(arch)).tolist() == arch.tolist()


def test_a_position_without_strengths_is_left_out():
    space = get_space("nasbench201")
    supernet = make_supernet(space, operations="no-zero", **SIZES)
    strengths = torch.full((6, 4), 0.01)
    strengths[2, 1] = 0.9
    arch = supernet.derive(strengths, threshold=0.0585)
    assert space.to_string(arch).count("none") == 5
    assert supernet.choices_of(arch) == [(), (), (1,), (), (), ()]
