"""Counting parameters and FLOPs on a real network, to hold the formulas against."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def count_parameters(network: nn.Module) -> int:
    """Number of trainable parameters of a network."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def count_flops(
    network: nn.Module, image_shape: tuple[int, int, int], *, classifier_bias: bool
) -> int:
    """Multiply-adds of the convolutions and linear layers in one forward pass of one image.

    Parameters
    ----------
    network : any module built of `Conv2d` and `Linear`; it is left in the mode it had.
    image_shape : (channels, height, width).
    classifier_bias : whether a linear layer's bias counts (NAS-Bench-201: yes, -Macro: no).
    """
    total = 0

    def count(module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += output[0].numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            total += module.weight.numel()
            if classifier_bias and module.bias is not None:
                total += module.bias.numel()

    hooks = [module.register_forward_hook(count) for module in network.modules()]
    was_training = network.training
    try:
        with torch.inference_mode():
            network.eval()(torch.zeros(1, *image_shape))
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return total
