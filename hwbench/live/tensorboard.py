"""The numbers of every epoch for TensorBoard, beside the tables that a run keeps anyway."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hwbench.imports import import_module_of

FOLDER = "tensorboard"


class EpochLog:
    """Writes a run's epochs to the folder `tensorboard` inside its folder.

    Parameters
    ----------
    folder : of the run.
    first : the next epoch; what an earlier log holds from there on is dropped.

    Attributes
    ----------
    is_new : whether there was no earlier log.

    Raises
    ------
    HwbenchError
        Where TensorBoard is not installed.
    """

    def __init__(self, folder: Path, first: int) -> None:
        module = import_module_of("torch.utils.tensorboard", owner="--tensorboard")
        path = folder / FOLDER
        self.is_new = not path.is_dir()
        self._writer = module.SummaryWriter(str(path), purge_step=first or None)

    def write(self, epoch: int, *scalars: Mapping[str, float]) -> None:
        """Add scalars by name to an epoch."""
        for name, value in ((n, v) for each in scalars for n, v in each.items()):
            self._writer.add_scalar(name, value, epoch)
        self._writer.flush()

    def close(self) -> None:
        """Give the files back."""
        self._writer.close()
