"""Whether strengths say what candidates are worth: accuracies where one stays (CHOE Fig. 3.1).

The discretisation accuracy at convergence of Wang et al. (2021): an edge of a trained supernet
keeps one candidate alone, the rest is trained until it has got used to that, and is validated.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from hwbench.devices import choose_device, forked_random, seeded
from hwbench.errors import HwbenchError
from hwbench.live.config import load_config
from hwbench.live.requirements import Requirements
from hwbench.live.search import Search
from hwbench.live.supernets.mixture import Choice, Mixture
from hwbench.live.trained import config_path, trained_search
from hwbench.live.training import search_version
from hwbench.locks import only_writer
from hwbench.optimisation import denormals_flushed
from hwbench.progress import StageProgress, silent_stage
from hwbench.results.diagnostics import DISCRETISED_COLUMNS
from hwbench.results.frames import empty_frame, read_frame, write_frame
from hwbench.results.names import CHECKPOINT, DISCRETISED
from hwbench.tensor_files import read_tensors

KEY = ["position", "operation", "tuning_epochs", "code"]
WHO = "live discretise"


def discretise_run(
    folder: Path,
    *,
    positions: int = 2,
    tuning_epochs: int = 5,
    device: str | None = None,
    threads: int = 1,
    deterministic: bool = False,
    stage: StageProgress = silent_stage,
) -> pd.DataFrame:
    """Discretise edges of a run whose training has ended, one candidate after the other.

    Each begins with the trained supernet, its optimisers and the state of its draws, so that no
    result depends on another. They are kept in the folder as `discretised.parquet`; stopped at any
    moment, the same call goes on.

    Parameters
    ----------
    folder : the run folder, of a search whose strategy learns strengths.
    positions : how many to draw, by the seed of the run; all where there are no more.
    tuning_epochs : trained on after a candidate is alone, at a tenth of the learning rate.
    device, threads, deterministic, stage : as for `hwbench.live.run.run_live`.

    Returns
    -------
    A frame, see `hwbench.results.diagnostics.DISCRETISED_COLUMNS`, of these positions.

    Raises
    ------
    HwbenchError
        Where the folder holds no trained search, its checkpoint is gone, or its strategy learns no
        strengths.
    """
    config = load_config(str(config_path(folder)))
    place = choose_device(device)
    with only_writer(folder) as claim:
        with seeded(config.seed, place, threads, deterministic=deterministic), denormals_flushed():
            search = trained_search(
                folder, config, place, needs=Requirements(training=True), who=WHO
            )
            kept = read_frame(folder / DISCRETISED, DISCRETISED_COLUMNS)
            frame = empty_frame(DISCRETISED_COLUMNS) if kept is None else kept
            planned = _planned(search, positions, tuning_epochs)
            done = set(frame[KEY].itertuples(index=False, name=None))
            progress = stage("discretising edges")
            for number, row in enumerate(planned):
                progress(number, len(planned))
                if tuple(row[name] for name in KEY) in done:
                    continue
                accuracies = _accuracies(search, folder, row)
                made = pd.DataFrame([{**row, **accuracies}])[list(DISCRETISED_COLUMNS)]
                frame = made if frame.empty else pd.concat([frame, made], ignore_index=True)
                write_frame(folder / DISCRETISED, frame)
            progress(len(planned), len(planned))
        claim.check()
    keys = {tuple(row[name] for name in KEY) for row in planned}
    asked = [key in keys for key in frame[KEY].itertuples(index=False, name=None)]
    return frame[asked].reset_index(drop=True)


def _planned(search: Search, positions: int, tuning_epochs: int) -> list[dict[str, object]]:
    """What is known of each candidate of the drawn positions before it is alone."""
    strengths = search.strategy.strengths()
    if strengths is None:
        name = search.config.strategy["name"]
        raise HwbenchError(f"{WHO}: {name} learns no strengths to hold against accuracies")
    own = search.supernet.positions
    generator = np.random.default_rng(search.config.seed)
    drawn = np.sort(generator.permutation(len(own))[:positions])
    code = search_version(search)
    return [
        {
            "position": own[place].name,
            "operation": own[place].operations[candidate],
            "strength": float(strengths[place, candidate].detach()),
            "tuning_epochs": tuning_epochs,
            "code": code,
        }
        for place in drawn.tolist()
        for candidate in search.supernet.choosable(place)
    ]


def _accuracies(search: Search, folder: Path, row: dict[str, object]) -> dict[str, float]:
    """Validation accuracy in % with a candidate alone: at once, and after the tuning."""
    place = next(
        number
        for number, each in enumerate(search.supernet.positions)
        if each.name == row["position"]
    )
    alone = Choice((search.supernet.candidate_index(place, str(row["operation"])),))

    def change(mixture: Mixture) -> Mixture:
        return mixture.replaced({place: alone})

    def accuracy() -> float:
        with forked_random(next(search.supernet.parameters()).device), torch.no_grad():
            return search.accuracy(lambda: change(search.strategy.mixture()))

    search.load_state_dict(read_tensors(folder / CHECKPOINT))
    at_once = accuracy()
    with search.trainer.tuning(change):
        for _ in range(int(str(row["tuning_epochs"]))):
            search.trainer.tune_epoch(search.data, search.augmentation)
    return {"accuracy_at_once": at_once, "accuracy": accuracy()}
