"""The network in whole numbers of 8 bits, quantised after training, in ONNX Runtime."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from hwbench.arguments import one_of
from hwbench.errors import HwbenchError
from hwbench.images.image_set import ImageSet
from hwbench.images.sets import load_images
from hwbench.spaces.base import Measurement
from hwbench.tables.made.quiet import denormals_left_alone
from hwbench.tables.made.runtimes.base import Run, Work
from hwbench.tables.made.runtimes.onnx_runtime import OnnxRuntime, bound

if TYPE_CHECKING:
    import torch

ROUNDING = 1e-5

METHODS = {"minmax": "MinMax", "entropy": "Entropy", "percentile": "Percentile"}
"""How the range of an activation is taken from the calibration images."""


class OnnxRuntimeInt8(OnnxRuntime):
    """Static post-training quantisation: weights and activations in int8 (Jacob et al. 2018).

    Batch normalisation is folded into the convolutions first. Ranges of activations are those that
    training images of a set give, weights have a scale for each output channel; the model holds
    pairs of QuantizeLinear and DequantizeLinear, which ONNX Runtime fuses with what is between
    them. It is made once a measurement and architecture.

    Parameters
    ----------
    calibration : an image set, see `hwbench.images.sets.load_images`. Images of another size are
        interpolated, grey ones repeated over the channels.
    calibration_images : drawn of its training images by the seed of the recipe, in whole batches;
        as many test images tell what int8 changes.
    calibration_method : one of `METHODS`.
    graph_optimisation, parallel_branches, spinning : as of `OnnxRuntime`.
    """

    devices = ("cpu",)
    outcomes = {  # noqa: RUF012  never changed
        "int8_deviation": Measurement(
            "root mean square of what int8 changes of the logits, relative to their spread over "
            "images",
            "%",
            "minimize",
        ),
        "int8_agreement": Measurement(
            "test images whose largest logit int8 leaves in its place", "%", "maximize"
        ),
    }

    def __init__(
        self,
        *,
        calibration: str = "digits",
        calibration_images: PositiveInt = 64,
        calibration_method: Annotated[str, one_of(METHODS)] = "minmax",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.calibration = calibration
        self.calibration_images = calibration_images
        self.calibration_method = calibration_method

    def check(self, name: str, dtype: str, device: str) -> None:
        super().check(name, dtype, device)
        if self._images.time_steps is not None:
            raise HwbenchError(
                f"measure: runtime {name}: {self.calibration} holds events over time; calibrate "
                "with images that stand still, such as --set calibration=cifar10"
            )

    @cached_property
    def _images(self) -> ImageSet:
        return load_images(self.calibration)

    def model(self, work: Work) -> bytes:
        path = Path(f"{work.kept}.int8.onnx")
        if not path.exists():
            self._quantise(super().model(work), path, work)
        return path.read_bytes()

    def _quantise(self, model: bytes, path: Path, work: Work) -> None:
        import onnxruntime as ort
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType
        from onnxruntime.quantization import quantize_static as quantise

        folded, made = work.folder / "folded.onnx", work.folder / "int8.onnx"
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(folded)
        with denormals_left_alone():
            ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        with _quiet_logging():
            quantise(
                folded,
                made,
                _Batches(self._batches(self._images.train_images, work)),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                calibrate_method=getattr(CalibrationMethod, METHODS[self.calibration_method]),
            )
        made.replace(path)

    def outcomes_of(self, work: Work, run: Run) -> dict[str, float]:
        del run
        whole = self.session(OnnxRuntime.model(self, work), work)
        small = self.session(self.model(work), work)
        exact, found = [], []
        for batch in self._batches(self._images.test_images, work):
            exact.append(_logits(whole, batch))
            found.append(_logits(small, batch))
        first, second = np.concatenate(exact), np.concatenate(found)
        spread = float(np.sqrt(np.mean((first - first.mean(axis=0)) ** 2)))
        change = float(np.sqrt(np.mean((second - first) ** 2)))
        same = float(np.mean(first.argmax(axis=1) == second.argmax(axis=1)))
        # Logits that hardly depend on the image have no spread but that of rounding.
        known = spread > ROUNDING * float(np.abs(first).max())
        deviation = 100 * change / spread if known else math.nan
        return {"int8_deviation": deviation, "int8_agreement": 100 * same}

    def _batches(self, images: NDArray[np.float32], work: Work) -> list[torch.Tensor]:
        """So many of a set's images as the network takes them, of shape (batch, channels, h, w)."""
        import torch
        from torch.nn.functional import interpolate

        batch, channels, *size = work.images.shape
        n_batches = math.ceil(self.calibration_images / batch)
        order = np.random.default_rng([work.seed, len(images)]).permutation(len(images))
        chosen = torch.from_numpy(images[np.resize(order, n_batches * batch)])
        if chosen.shape[1] != channels:
            if chosen.shape[1] != 1:
                raise HwbenchError(
                    f"measure: {self.calibration} has images of {chosen.shape[1]} channels, the "
                    f"networks take {channels}; calibrate with others: --set calibration=digits"
                )
            chosen = chosen.expand(-1, channels, -1, -1)
        if list(chosen.shape[2:]) != size:
            chosen = interpolate(chosen, size=size, mode="bilinear", antialias=True)
        return [chosen[each : each + batch] for each in range(0, len(chosen), batch)]

    def words(self) -> str:
        return (
            f"static int8, calibrated ({self.calibration_method}) on {self.calibration_images} "
            f"training images of {self.calibration}, weights untrained"
        )

    def about(self) -> dict[str, Any]:
        return {"calibration_set": self._images.about()}


class _Batches:
    """Calibration images as ONNX Runtime asks for them."""

    def __init__(self, batches: list[torch.Tensor]) -> None:
        self._left = iter(batches)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        from hwbench.tables.made.onnx_graph import INPUT

        batch = next(self._left, None)
        return None if batch is None else {INPUT: batch.numpy()}


def _logits(session: Any, images: torch.Tensor) -> NDArray[np.float32]:
    return np.array(bound(session, images)()[0].numpy())


@contextlib.contextmanager
def _quiet_logging() -> Iterator[None]:
    """The quantiser warns through the root logger of each weight that has no channels."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
