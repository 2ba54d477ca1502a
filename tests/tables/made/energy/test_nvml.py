"""NVML by a stand-in that has what is used of it."""

import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.tables.made.energy.base import energy_of
from hwbench.tables.made.energy.nvml import Nvml
from hwbench.tables.made.runtimes.base import MeasureError


@pytest.fixture
def pynvml(monkeypatch):
    module = ModuleType("pynvml")
    module.NVMLError = type("NVMLError", (Exception,), {})
    module.millijoules = 7000
    module.asked = []

    def total(device):
        assert device == "handle"
        if module.millijoules is None:
            raise module.NVMLError("Not Supported")
        return module.millijoules

    def handle(uuid):
        module.asked.append(uuid)
        return "handle"

    module.nvmlInit = lambda: None
    module.nvmlDeviceGetHandleByUUID = handle
    module.nvmlDeviceGetTotalEnergyConsumption = total
    monkeypatch.setitem(sys.modules, "pynvml", module)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    properties = SimpleNamespace(uuid="1234-abcd")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    return module


def test_energy_of_the_gpu_that_torch_uses(pynvml):
    meter = Nvml()
    assert pynvml.asked == ["GPU-1234-abcd"]

    def run():
        pynvml.millijoules += 3

    assert energy_of(meter, run, seconds=0.01) == {"energy": 3}


def test_a_gpu_that_counts_no_energy_is_refused(pynvml):
    pynvml.millijoules = None
    with pytest.raises(HwbenchError, match=r"no GPU here counts its energy \(.*Not Supported\)"):
        Nvml()


def test_a_gpu_that_is_lost_is_a_failure(pynvml):
    meter = Nvml()
    pynvml.millijoules = None
    with pytest.raises(MeasureError, match="the GPU's energy cannot be read: Not Supported"):
        energy_of(meter, lambda: None)


def test_without_a_gpu_or_the_library_it_is_refused(pynvml, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(HwbenchError, match="no CUDA device that torch can use"):
        Nvml()
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(HwbenchError, match=r"hwbench\[nvml\]"):
        Nvml()
