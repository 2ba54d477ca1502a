import os

import torch

from hwbench.devices import WORKSPACE, arithmetic

CPU = torch.device("cpu")


def flags():
    cudnn = torch.backends.cudnn
    return (
        torch.are_deterministic_algorithms_enabled(),
        cudnn.benchmark,
        cudnn.deterministic,
        cudnn.allow_tf32,
        torch.get_float32_matmul_precision(),
        os.environ.get(WORKSPACE),
    )


def test_deterministic_arithmetic_is_put_back(monkeypatch):
    monkeypatch.delenv(WORKSPACE, raising=False)
    before = flags()
    with arithmetic(CPU, deterministic=True):
        assert flags() == (True, False, True, False, "highest", ":4096:8")
    assert flags() == before


def test_cudnn_measures_its_ways_on_a_gpu_alone():
    before = flags()
    with arithmetic(CPU):
        assert flags() == before
    with arithmetic(torch.device("cuda")):
        assert torch.backends.cudnn.benchmark
        assert not torch.are_deterministic_algorithms_enabled()
    assert flags() == before
