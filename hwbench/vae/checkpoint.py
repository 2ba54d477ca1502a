"""Trained graph VAEs as files: arrays and plain data alone, so that nothing in them can run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hwbench.errors import HwbenchError, one_line
from hwbench.files import atomic_path
from hwbench.formats.archives import load_npz
from hwbench.spaces import Space
from hwbench.spaces.registry import named_space
from hwbench.toml import validated
from hwbench.vae.graphs import graph_format
from hwbench.vae.settings import GraphVAESettings
from hwbench.vae.trained import Epoch, TrainedGraphVAE, new_model
from hwbench.version import __version__

SUFFIX = ".npz"
FORMAT = 1
ABOUT = "about"
MOST_ABOUT_BYTES = 1 << 25
WEIGHT, FIRST_MOMENT, SECOND_MOMENT = "weight/", "first_moment/", "second_moment/"

KNOWN = frozenset(("format", "space", "settings", "history", "means", "scales", "steps"))

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Moments:
    """What training needs to go on.

    Attributes
    ----------
    first, second : what Adam remembers of each parameter, by its name.
    steps : that it has taken.
    code : version of the code that took them, "" in files of hwbench 0.1.0.
    hwbench : the version that took them.
    """

    first: dict[str, torch.Tensor]
    second: dict[str, torch.Tensor]
    steps: int
    code: str
    hwbench: str = __version__


def save_vae(vae: TrainedGraphVAE, path: Path | str, moments: Moments | None = None) -> None:
    """Write a VAE to a file, atomically.

    Parameters
    ----------
    vae : trained, or on its way.
    path : of the file; its name must end in ".npz".
    moments : of the optimiser, without which training cannot go on from the file.

    Raises
    ------
    HwbenchError
        Where the name ends otherwise or the file cannot be written.
    """
    place = Path(path)
    if place.suffix != SUFFIX:
        raise HwbenchError(f"{place}: the name of a VAE's file must end in {SUFFIX}")
    about = {
        "format": FORMAT,
        "hwbench": __version__,
        "space": vae.space.name,
        "settings": vae.settings.model_dump(mode="json"),
        "history": [asdict(epoch) for epoch in vae.history],
        "means": vae.means.tolist(),
        "scales": vae.scales.tolist(),
        "steps": 0 if moments is None else moments.steps,
        "code": "" if moments is None else moments.code,
    }
    arrays: Arrays = {ABOUT: np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)}
    for name, value in vae.model.state_dict().items():
        arrays[WEIGHT + name] = value.cpu().numpy()
    if moments is not None:
        for prefix, values in (
            (FIRST_MOMENT, moments.first),
            (SECOND_MOMENT, moments.second),
        ):
            arrays |= {prefix + name: value.cpu().numpy() for name, value in values.items()}
    with atomic_path(place, durable=True) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def weights_digest(vae: TrainedGraphVAE) -> str:
    """SHA-256 of the names, shapes and values of a VAE's weights."""
    digest = hashlib.sha256()
    for name, value in sorted(vae.model.state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)}\n".encode())
        digest.update(np.ascontiguousarray(value.cpu().numpy()).tobytes())
    return digest.hexdigest()


def load_vae(path: Path | str) -> TrainedGraphVAE:
    """Read a VAE that `save_vae` wrote.

    Raises
    ------
    HwbenchError
        Where the file is missing, damaged or no VAE, was written by a newer hwbench, or is of a
        search space that is unknown or has changed.
    """
    return read_checkpoint(Path(path))[0]


def read_checkpoint(path: Path) -> tuple[TrainedGraphVAE, Moments | None]:
    """A VAE, and the moments of its optimiser where the file has them; errors as `load_vae`."""
    arrays = load_npz(path)
    about = _about(path, arrays)
    if about["format"] != FORMAT:
        raise HwbenchError(f"{path}: is of format {about['format']}; this hwbench reads {FORMAT}")
    settings = validated(about["settings"], GraphVAESettings, where=f"{path}: settings")
    try:
        space = named_space(about["space"])
        weights = _tensors(arrays, WEIGHT)
        _check_weights(space, settings, weights)
        vae = TrainedGraphVAE(
            space,
            settings,
            history=tuple(Epoch(**epoch) for epoch in about["history"]),
            means=np.array(about["means"], dtype=np.float64),
            scales=np.array(about["scales"], dtype=np.float64),
        )
        vae.model.load_state_dict(weights)
        moments = None
        if about["steps"]:
            first, second = _tensors(arrays, FIRST_MOMENT), _tensors(arrays, SECOND_MOMENT)
            code, writer = str(about.get("code", "")), str(about.get("hwbench"))
            moments = Moments(first, second, int(about["steps"]), code, writer)
    except HwbenchError as error:
        raise HwbenchError(f"{path}: {error}") from error
    except Exception as error:  # what torch makes of what it is given is its own affair
        raise HwbenchError(f"{path}: does not fit its settings ({one_line(error)})") from error
    return vae, moments


def _check_weights(
    space: Space, settings: GraphVAESettings, weights: dict[str, torch.Tensor]
) -> None:
    """Compare shapes before a network is made: settings alone may ask for any size."""
    with torch.device("meta"):
        wanted = new_model(settings, graph_format(space, settings.order)).state_dict()
    shapes = {name: value.shape for name, value in weights.items()}
    if shapes != {name: value.shape for name, value in wanted.items()}:
        raise ValueError("its weights are of another network")


def _about(path: Path, arrays: Arrays) -> dict[str, Any]:
    """What a file says of itself."""
    text = arrays.pop(ABOUT, np.empty(0))
    if text.nbytes > MOST_ABOUT_BYTES:
        raise HwbenchError(f"{path}: says {text.nbytes:,} bytes of itself, too many")
    try:
        about = json.loads(text.tobytes())
    except (ValueError, RecursionError) as error:
        raise HwbenchError(f"{path}: is no graph VAE that hwbench has saved") from error
    if not isinstance(about, dict) or not about.keys() >= KNOWN:
        raise HwbenchError(f"{path}: is no graph VAE that hwbench has saved")
    return about


def _tensors(arrays: Arrays, prefix: str) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(prefix): torch.from_numpy(np.ascontiguousarray(value))
        for name, value in arrays.items()
        if name.startswith(prefix)
    }
