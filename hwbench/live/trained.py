"""A search whose training has ended, put together again from its run folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from hwbench.code_version import code_version
from hwbench.errors import HwbenchError
from hwbench.live.config import LiveConfig
from hwbench.live.journal import Journal
from hwbench.live.memory import Memory, memory_key
from hwbench.live.requirements import Requirements
from hwbench.live.search import Search, make_search
from hwbench.live.selections.base import Selection
from hwbench.live.supernets.export import load_network
from hwbench.live.training import restored, search_modules, search_version
from hwbench.results.frames import read_frame
from hwbench.results.live import RANKING_COLUMNS
from hwbench.results.names import (
    CHECKPOINT,
    CONFIG,
    EVALUATIONS,
    LATER_RANKING,
    RANKING,
    SUPERNET,
)
from hwbench.tensor_files import read_tensors

NOTHING = Requirements()


def config_path(folder: Path) -> Path:
    """The config of a run folder.

    Raises
    ------
    HwbenchError
        Where the folder holds no live search.
    """
    path = folder / CONFIG
    if not path.exists():
        raise HwbenchError(f"{folder}: holds no live search; hwbench live run makes one")
    return path


def trained_search(
    folder: Path,
    config: LiveConfig,
    device: torch.device,
    *,
    needs: Requirements = NOTHING,
    who: str = "",
) -> Search:
    """A search as its training has left it, by its last checkpoint or by its exported supernet.

    Parameters
    ----------
    folder : the run folder.
    config : of the run.
    device : of torch.
    needs : of the exported supernet alone nothing can be selected that needs what else was learned.
    who : needs it, for messages.

    Raises
    ------
    HwbenchError
        Where the training has not ended, what was learned is gone, or the images are others now.
    """
    search = make_search(config, device, folder)
    path = folder / CHECKPOINT
    if path.exists():
        state = read_tensors(path)
        done, epochs = state.get("epochs_done", 0), search.trainer.epochs_trained
        if done < epochs:
            raise HwbenchError(
                f"{folder}: {done} of {epochs} epochs are trained; hwbench live run goes on with "
                "them"
            )
        try:
            restored(search, state)
            return search
        except Exception:  # noqa: BLE001  of another version: the exported supernet may still do
            search = make_search(config, device, folder)
    if not (folder / SUPERNET).exists():
        raise HwbenchError(
            f"{folder}: holds no trained supernet; hwbench live run trains one"
            if not path.exists()
            else f"{path}: is of another version of hwbench, and no supernet was exported"
        )
    if needs.training:
        raise HwbenchError(
            f"{folder}: {who} needs the checkpoint of the last epoch, which is gone or of another "
            "version of hwbench; use black_box or ranking, which need the supernet alone"
        )
    exported = load_network(folder / SUPERNET)
    search.trainer.become(exported.structure)
    search.supernet.load_state_dict(exported.state_dict())
    return search


def read_ranking(folder: Path) -> pd.DataFrame | None:
    """The last ranking of a run, None where there is none."""
    for name in (LATER_RANKING, RANKING):
        if (folder / name).exists():
            return read_frame(folder / name, RANKING_COLUMNS)
    return None


def memory_of(search: Search, folder: Path) -> Memory:
    """What the supernet of a trained search has been asked for, in its run folder."""
    config = search.config
    data = config.data.model_dump_json()
    key = memory_key(search.supernet, data, search.calibration, config.seed, search_version(search))
    return Memory(folder / EVALUATIONS, key)


def journal_of(
    search: Search, path: Path, node: Mapping[str, Any], selection: Selection
) -> Journal:
    """Where a selection keeps how far it is.

    Parameters
    ----------
    search : trained.
    path : of the file.
    node : that describes the selection.
    selection : whose code the file depends on too.
    """
    code = code_version(*search_modules(search), type(selection).__module__)
    return Journal(path, f"{code} {json.dumps(dict(node), sort_keys=True)}")
