"""The checks of runtimes pass what is right and find what is wrong."""

import numpy as np
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.spaces.base import Measurement
from hwbench.tables.made.runtimes.base import Runtime
from hwbench.tables.made.runtimes.torch_eager import TorchEager
from hwbench.testing import check_runtime, runtime_checks


@pytest.mark.parametrize("check", runtime_checks())
def test_one_by_one(check):
    check(TorchEager)


class Formula(Runtime):
    """Measures elsewhere: its runs say how long they took."""

    in_process = False

    def prepare(self, work):
        return lambda: [1.5]


@pytest.mark.parametrize("part", ["torch-eager", "onnxruntime", Formula, Formula()])
def test_what_is_right_passes(part):
    check_runtime(part)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("torch-eagre", "did you mean 'torch-eager'"),
        ("no.such:Module", "no.such cannot be imported"),
        (3, "runtime 3: is none; give a name"),
        (int, "runtime int: is none; give a name"),
        (lambda: 3, "runtime 3: is none"),
    ],
)
def test_what_is_no_runtime_is_one_line(part, message):
    with pytest.raises(HwbenchError, match=message) as caught:
        check_runtime(part)
    assert len(str(caught.value).splitlines()) == 1


class Unknown(TorchEager):
    dtypes = ("float32", "float8")


class Accepting(TorchEager):
    dtypes = ("float32",)

    def check_dtype(self, name, dtype):
        return


class Nameless(TorchEager):
    def device_name(self, device):
        return ""


class Numbers(TorchEager):
    def versions(self):
        return {"torch": 2}


class Unwritable(TorchEager):
    def about(self):
        return {"array": np.zeros(2)}


class NoModule(TorchEager):
    def prepare(self, work):
        return None


class OneBatch(TorchEager):
    def prepare(self, work):
        if len(work.images) == 1:
            raise RuntimeError("compiled for two images")
        return super().prepare(work)


class Instant(Formula):
    def prepare(self, work):
        return lambda: [0.0]


class Wordy(Formula):
    def prepare(self, work):
        return lambda: ["1.5 ms"]


class Changing(TorchEager):
    def prepare(self, work):
        with torch.no_grad():
            next(work.network.parameters()).mul_(2)
        return super().prepare(work)


class Scaling(TorchEager):
    def prepare(self, work):
        work.images.mul_(2)
        return super().prepare(work)


class TrainingMode(TorchEager):
    def prepare(self, work):
        work.network.train()
        return super().prepare(work)


class Swallowing(TorchEager):
    def prepare(self, work):
        run = super().prepare(work)

        def quiet():
            try:
                return run()
            except RuntimeError:
                return None

        return quiet


class Promising(TorchEager):
    outcomes = {"clock": Measurement("clock", "MHz", "maximize")}  # noqa: RUF012


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Unknown, "dtypes is"),
        (Accepting, "which it does not name, is not refused"),
        (Nameless, "device_name.'cpu'. is ''"),
        (Numbers, "it must give texts"),
        (Unwritable, "as JSON raises"),
        (NoModule, "nothing to call"),
        (OneBatch, "raises RuntimeError: compiled for two images"),
        (Instant, "a run takes 0.0 ms"),
        (Wordy, "no milliseconds"),
        (Changing, "changes the network's weights"),
        (Scaling, "changes the images"),
        (TrainingMode, "changes the network's weights|training mode"),
        (Swallowing, "as if it had not"),
        (Promising, "outcomes names .'clock'."),
    ],
)
def test_what_is_broken_is_found(broken, message):
    with pytest.raises(AssertionError, match=message):
        check_runtime(broken)
