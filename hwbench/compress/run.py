"""Running a comparison of compressions in a folder that any stop can be resumed from."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from hwbench.code_version import code_version, module_of
from hwbench.compress.flops import count_flops
from hwbench.compress.known import NETWORKS
from hwbench.compress.methods import METHODS
from hwbench.compress.networks import make_network
from hwbench.compress.rewiring import rewired
from hwbench.compress.spec import CompressSpec, Trial
from hwbench.compress.training import Compression
from hwbench.compress.units import find_units
from hwbench.devices import choose_device, device_title, seeded
from hwbench.environment import describe_machine, describe_versions
from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.images.fit import DivergedError, Evaluation, evaluate_network
from hwbench.images.image_set import ImageSet
from hwbench.images.parts import Part, parts_of
from hwbench.images.sets import load_images, reader_module
from hwbench.locks import only_writer
from hwbench.progress import Progress, StageProgress, silent, silent_stage
from hwbench.results.compressions import OUTCOME, WHOLE
from hwbench.results.frames import write_frame
from hwbench.results.kinds import refuse_other_kind, taken_back
from hwbench.results.names import (
    COMPRESS,
    COMPRESSED_LATENCY,
    COMPRESSED_LAYERS,
    COMPRESSED_NETWORKS,
    COMPRESSION_ONNX,
    COMPRESSION_RESULT,
    COMPRESSION_WEIGHTS,
    COMPRESSIONS,
    RECORD,
    REPORT,
)
from hwbench.results.record import read_record, write_record
from hwbench.results.texts import read_object
from hwbench.tables.made.recipe import MeasureRecipe
from hwbench.tables.made.side_by_side import measure_beside
from hwbench.tensor_files import read_tensors, write_tensors
from hwbench.toml import read_toml, to_toml

CHECKPOINT = "checkpoint.pt"
START = "start-seed{seed}.pt"
"""What all trainings of a seed go on from: the network after the first epochs."""


def run_compressions(
    spec: CompressSpec,
    folder: Path,
    *,
    device: str | None = "cpu",
    threads: int = 1,
    deterministic: bool = False,
    fresh: bool = False,
    onnx: bool = False,
    stage: StageProgress = silent_stage,
) -> pd.DataFrame:
    """Compress a network by every method, under every budget, with every seed.

    What the folder holds is not done again; a training that was stopped goes on with the epoch it
    stopped in, and comes to the same numbers.

    Parameters
    ----------
    spec : what to do.
    folder : gets `compress.toml`, `run.json`, a folder for each network, and the frames of
        `hwbench.results.compressions`.
    device, threads, deterministic : see `hwbench.devices`.
    fresh : whether an earlier run in the folder is removed first.
    onnx : whether each network is written as ONNX too.
    stage : makes a progress function for each stage.

    Returns
    -------
    A row a training, see `hwbench.results.compressions.COMPRESSION_COLUMNS`.

    Raises
    ------
    HwbenchError
        Where the folder holds another comparison or results of other code, the network or the
        images cannot be had, or the training of the whole network diverges. Any other that does
        is a row without an accuracy.
    """
    place = choose_device(device)
    images = load_images(spec.images)
    data = _parts(images, spec, place)
    with only_writer(folder) as claim:
        refuse_other_kind(folder, COMPRESS)
        if fresh:
            _remove_run(folder)
        new = _claim(folder, spec)
        with (
            taken_back(folder / COMPRESS, new=new),
            seeded(spec.seeds[0], place, threads, deterministic=deterministic),
        ):
            shown = make_network(spec.network, images, spec.options)
            find_units(shown, data[0].images[:2].cpu())  # what is wrong is said before the work
            _record_session(folder, images, spec, device_title(place))
        trials = list(spec.trials())
        rows: list[dict[str, Any]] = []
        layers: list[dict[str, Any]] = []
        for number, trial in enumerate(trials, start=1):
            progress = stage(f"training {number} of {len(trials)}: {trial.label}")
            with seeded(trial.seed, place, threads, deterministic=deterministic):
                made = make_network(spec.network, images, spec.options).to(place)
                result = _trained(trial, made, data, spec, folder, progress)
            rows.append(result["numbers"])
            layers += [{"label": trial.label, **each} for each in result["layers"]]
            write_frame(folder / COMPRESSIONS, pd.DataFrame(rows))
            write_frame(folder / COMPRESSED_LAYERS, pd.DataFrame(layers))
        ended = [trial for trial, row in zip(trials, rows, strict=True) if row["flops"] is not None]
        networks = _networks(spec, folder, images, ended)
        if onnx:
            _export(folder, networks, images)
        if spec.latency.rounds:
            _measure(folder, networks, images, spec, threads, stage("measuring latency"))
        claim.check()
    return pd.DataFrame(rows)


def load_compressed(network: nn.Module, folder: Path) -> nn.Module:
    """The smaller network of a training.

    Parameters
    ----------
    network : the whole one, as it was made; its weights do not matter.
    folder : of the training, `RUN/networks/LABEL`.

    Returns
    -------
    In evaluation mode, on the CPU.

    Raises
    ------
    HwbenchError
        Where the folder holds none, or one of another network.
    """
    state = read_tensors(folder / COMPRESSION_WEIGHTS)
    try:
        whole = copy.deepcopy(network).cpu()
        made = rewired(whole, find_units(whole, state["example"]), state["kept"])
        made.load_state_dict(state["weights"])
    except Exception as error:  # what torch makes of what it is given is its own affair
        raise HwbenchError(f"{folder}: holds a part of another network than this") from error
    return made.eval()


# ---------------------------------------------------------------------- one training


def _trained(
    trial: Trial,
    made: nn.Module,
    data: tuple[Part, Part],
    spec: CompressSpec,
    folder: Path,
    progress: Progress,
) -> dict[str, Any]:
    """The result of a training, done now where it is not there."""
    own = folder / COMPRESSED_NETWORKS / trial.label
    code = _code(spec)
    if (own / COMPRESSION_RESULT).exists():
        result = read_object(own / COMPRESSION_RESULT)
        if result.get("code") != code:
            raise HwbenchError(
                f"{own}: was made by other code of hwbench; choose another folder with -o, or "
                "replace it with --fresh"
            )
        return result
    recipe = spec.full_recipe
    method = None if trial.method == WHOLE else METHODS.load(trial.method)(trial.strength)
    whole = copy.deepcopy(made).cpu()
    compression = Compression(made, data[0], recipe, method, trial.budget)
    checkpoint, start = own / CHECKPOINT, folder / START.format(seed=trial.seed)
    seconds = 0.0
    if checkpoint.exists():
        state = _read_state(checkpoint, code)
        compression.load_state_dict(state)
        seconds = state["seconds"]
    elif start.exists():
        compression.load_state_dict(_read_state(start, code))
    begun = time.process_time()

    def keep(epoch: int) -> None:
        state = {
            "code": code,
            "seconds": seconds + time.process_time() - begun,
            **compression.state_dict(),
        }
        write_tensors(checkpoint, state)
        if epoch == recipe.first_epochs and not start.exists():
            write_tensors(start, state)
        progress(epoch, recipe.epochs)

    progress(compression.epoch, recipe.epochs)
    try:
        compression.train_all(keep)
        tested = evaluate_network(compression.network.eval(), data[1])
    except DivergedError as error:
        if trial.method == WHOLE or not start.exists():  # nothing could stand beside it
            raise HwbenchError(
                f"compress: {trial.label}: {error}, such as with "
                f"--set training.learning_rate={recipe.learning_rate / 3:.1g}"
            ) from error
        tested = None
    result = {
        "code": code,
        "numbers": {
            "label": trial.label,
            **trial.plain(),
            **_numbers(compression, whole, tested),
            "cpu_seconds": seconds + time.process_time() - begun,
        },
        "layers": [] if tested is None else _layers(compression),
    }
    if tested is not None:
        weights = {
            "kept": compression.kept,
            "example": data[0].images[:1].cpu(),
            "weights": {
                name: value.cpu() for name, value in compression.network.state_dict().items()
            },
        }
        write_tensors(own / COMPRESSION_WEIGHTS, weights)
    write_text(own / COMPRESSION_RESULT, json.dumps(result, indent=2) + "\n", durable=True)
    checkpoint.unlink(missing_ok=True)
    return result


def _numbers(
    compression: Compression, whole: nn.Module, tested: Evaluation | None
) -> dict[str, float | None]:
    """What a training came to; all None where it diverged."""
    if tested is None:
        return dict.fromkeys(OUTCOME)
    network = compression.network
    flops = count_flops(network, compression.example)
    before = sum(weight.numel() for weight in whole.parameters())
    there = sum(int(weight.count_nonzero()) for weight in network.parameters())
    return {
        "accuracy": tested.accuracy,
        "loss": tested.loss,
        "flops": flops,
        "flops_share": flops / compression.first_flops,
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "weights_left": there / before,
        "difference": max((each["difference"] for each in compression.loops), default=0.0),
    }


def _layers(compression: Compression) -> list[dict[str, Any]]:
    """Units of each dimension, before and after."""
    return [
        {
            "place": place,
            "dimension": dimension.name,
            "units": len(kept),
            "units_before": dimension.size,
        }
        for place, (dimension, kept) in enumerate(
            zip(compression.first.dimensions, compression.kept, strict=True)
        )
    ]


def _code(spec: CompressSpec) -> str:
    """The version of all that the numbers of a training come from."""
    modules = [__name__, reader_module(spec.images)]
    modules += [module_of(METHODS.path_of(method)) for method in spec.methods]
    own = spec.network.rpartition(":")[0]
    if own.endswith(".py"):  # a file of the user's, which is no module
        content = Path(own).read_bytes() if Path(own).is_file() else b""
        return f"{code_version(*modules)}-{hashlib.sha256(content).hexdigest()[:16]}"
    return code_version(*modules, module_of(NETWORKS.path_of(spec.network)))


def _read_state(path: Path, code: str) -> Mapping[str, Any]:
    state = read_tensors(path)
    if state.get("code") != code:
        raise HwbenchError(
            f"{path}: was trained so far by other code of hwbench; go on with that, or begin again "
            "with --fresh"
        )
    return state


# ---------------------------------------------------------------------- networks


def _networks(
    spec: CompressSpec, folder: Path, images: ImageSet, trials: list[Trial]
) -> dict[str, nn.Module]:
    """What came of each training, by label."""
    whole = make_network(spec.network, images, spec.options)
    return {
        trial.label: load_compressed(whole, folder / COMPRESSED_NETWORKS / trial.label)
        for trial in trials
    }


def _export(folder: Path, networks: Mapping[str, nn.Module], images: ImageSet) -> None:
    from hwbench.export.formats import FORMATS
    from hwbench.export.network_file import network_file
    from hwbench.files import atomic_path

    FORMATS["onnx"].require("compress: --onnx")
    shape = (1, images.channels, images.size, images.size)
    for label, network in networks.items():
        path = folder / COMPRESSED_NETWORKS / label / COMPRESSION_ONNX
        made = network_file(network, shape, "onnx", owner=f"compress: {label}")
        with atomic_path(path) as temporary:
            temporary.write_bytes(made.content)


def _measure(
    folder: Path,
    networks: Mapping[str, nn.Module],
    images: ImageSet,
    spec: CompressSpec,
    threads: int,
    progress: Progress = silent,
) -> None:
    """Measure all networks beside one another, where that has not been done."""
    path = folder / COMPRESSED_LATENCY
    if path.exists():
        return
    recipe = MeasureRecipe(
        runtime=spec.latency.runtime,
        rounds=spec.latency.rounds,
        repeats=spec.latency.repeats,
        batch_size=spec.latency.batch_size,
        threads=threads,
        seed=spec.seeds[0],
    )
    shape = (images.channels, images.size, images.size)
    found = measure_beside(networks, shape, recipe, progress=progress)
    rows = [
        {"label": label, "round": number, "milliseconds": found[number, place]}
        for number in range(len(found))
        for place, label in enumerate(networks)
    ]
    write_frame(path, pd.DataFrame(rows))


# ---------------------------------------------------------------------- the folder


def _parts(images: ImageSet, spec: CompressSpec, place: torch.device) -> tuple[Part, Part]:
    train, test = (part.to(place) for part in parts_of(images))
    if spec.train_images is None:
        return train, test
    if spec.train_images > len(train):
        raise HwbenchError(
            f"compress: the image set {images.name} has {len(train):,} images to train on, not "
            f"{spec.train_images:,}"
        )
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
    return train[order[: spec.train_images].to(place)], test


def _claim(folder: Path, spec: CompressSpec) -> bool:
    """Make the folder this comparison's, and say whether it was not before; or see that it is."""
    path = folder / COMPRESS
    new = not path.exists()
    if not new and read_toml(path, CompressSpec) != spec:
        raise HwbenchError(
            f"{folder}: holds another comparison; choose another folder with -o, or replace it "
            "with --fresh"
        )
    write_text(path, to_toml(spec.model_dump(mode="json", exclude_none=True)))
    return new


def _record_session(folder: Path, images: ImageSet, spec: CompressSpec, device: str) -> None:
    there = read_record(folder) or {}
    known = there.get("images", images.about())
    if known["sha256"] != images.sha256:
        raise HwbenchError(
            f"{folder}: was begun on other images of the name {images.name}; choose another "
            "folder with -o, or replace it with --fresh"
        )
    session = {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "versions": describe_versions(),
        "device": device,
    }
    sessions = [*there.get("sessions", []), session]
    record = {
        **session,
        "title": spec.title or f"{spec.network} on {images.name}",
        "started": sessions[0]["started"],
        "sessions": sessions,
        "images": images.about(),
        "code": _code(spec),
        "config_sha256": hashlib.sha256((folder / COMPRESS).read_bytes()).hexdigest(),
    }
    write_record(folder, record)


def _remove_run(folder: Path) -> None:
    """Remove what an earlier run left and nothing else."""
    names = (COMPRESS, RECORD, COMPRESSIONS, COMPRESSED_LAYERS, COMPRESSED_LATENCY, REPORT)
    try:
        for path in [*(folder / name for name in names), *folder.glob(START.format(seed="*"))]:
            path.unlink(missing_ok=True)
        if (folder / COMPRESSED_NETWORKS).is_dir():
            shutil.rmtree(folder / COMPRESSED_NETWORKS)
    except OSError as error:
        raise HwbenchError(f"{folder}: cannot be written ({error.strerror})") from error
