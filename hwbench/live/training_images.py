"""Which training images a search learns from: chosen once, and kept in its run folder.

What an auxiliary network says of images depends in its last digits on machine and threads: chosen
again, a few images would be others. So whatever goes on with a run, and whatever looks into its
supernet, takes the images that the folder names.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.images.image_set import ImageSet
from hwbench.images.subsets import SUBSETS, Subset
from hwbench.live.components import NAME, make_component
from hwbench.results.frames import read_frame, write_frame
from hwbench.results.live import SUBSET_COLUMNS
from hwbench.results.names import SUBSET
from hwbench.results.record import read_record

PLACE = "place"
NAMED = 10
BEGIN_AGAIN = (
    "put those back, choose another folder with -o, or begin again with hwbench live run --fresh"
)


def check_images(folder: Path, images: Mapping[str, Any]) -> None:
    """See that a search goes on with the images that it was begun with.

    Parameters
    ----------
    folder : of the run.
    images : what `ImageSet.about` says of those that are there now.

    Raises
    ------
    HwbenchError
        Where they are others than the run's record says.
    """
    before = (read_record(folder) or {}).get("images") or {}
    if before.get("sha256", images["sha256"]) != images["sha256"]:
        raise HwbenchError(
            f"{folder}: was begun with other images of the name {images['name']} (sha256 "
            f"{before['sha256'][:12]} then, {images['sha256'][:12]} now); {BEGIN_AGAIN}"
        )


def taken_images(
    node: Mapping[str, Any],
    images: ImageSet,
    *,
    seed: int,
    device: torch.device,
    folder: Path | None = None,
) -> pd.DataFrame:
    """The training images that a subset has taken: by the run folder, else chosen now.

    Parameters
    ----------
    node : of the subset, complete.
    images : the whole set.
    seed : of all draws.
    device : where what chooses them computes.
    folder : of the run; None for none.

    Returns
    -------
    A frame with a row an image, in the order of the set, see `hwbench.results.live.SUBSET_COLUMNS`,
    and what the subset knows of it, see `Subset.known`.

    Raises
    ------
    HwbenchError
        Where the subset cannot choose, or the images that the folder names are not there.
    """
    kept = None if folder is None else _kept_images(folder, images)
    if kept is not None and PLACE in kept:
        return kept
    chosen = _chosen_images(node, images, seed, device)
    if kept is not None and not np.array_equal(kept["row"], chosen["row"]):
        others = int((~np.isin(chosen["row"], kept["row"])).sum())
        raise HwbenchError(
            f"{folder}: {others} of {len(chosen)} images would now be chosen that its {SUBSET}, of "
            "an earlier version, does not name; begin again with hwbench live run --fresh"
        )
    return chosen


def rows_of(taken: pd.DataFrame) -> IntArray:
    """Rows of taken images in the order they were chosen in, int64 of shape (n_chosen,)."""
    rows: IntArray = taken.sort_values(PLACE, kind="stable")["row"].to_numpy(dtype=np.int64)
    return rows


def absent_classes(taken: pd.DataFrame, classes: int) -> list[str]:
    """A sentence that says where taken images lack a class; none where they have all.

    Parameters
    ----------
    taken : see `taken_images`.
    classes : how many the set has.
    """
    absent = sorted(set(range(classes)) - set(taken["label"]))
    if not absent:
        return []
    which = ", ".join(map(str, absent[:NAMED])) + ", ..." * (len(absent) > NAMED)
    return [
        f"The {len(taken):,} training images that the section [data.subset] takes have none of "
        f"{len(absent)} of the {classes} classes ({which}), of which the search learns nothing; "
        "more images, or the subset random with balanced = true, have them."
    ]


def keep_images(folder: Path, taken: pd.DataFrame) -> None:
    """Keep in a run folder which images were taken, where it does not say so yet."""
    path = folder / SUBSET
    there = read_frame(path, SUBSET_COLUMNS)
    if there is None or PLACE not in there:
        write_frame(path, taken)


def _chosen_images(
    node: Mapping[str, Any], images: ImageSet, seed: int, device: torch.device
) -> pd.DataFrame:
    subset: Subset = make_component(SUBSETS, node)
    subset.place(str(device))
    try:
        rows = subset.choose(images, np.random.default_rng(seed))
    except HwbenchError as error:
        raise HwbenchError(f"[data.subset]: {error}") from error
    frame = pd.DataFrame({"row": rows, "label": images.train_labels[rows]})
    frame[PLACE] = np.arange(len(frame))
    for name, values in subset.known(images).items():
        if name in SUBSET_COLUMNS:
            raise HwbenchError(
                f"[data.subset]: {node[NAME]} knows a '{name}' of every image, which {SUBSET} "
                "says already; give it another name"
            )
        frame[name] = values[rows]
    return frame.sort_values("row", ignore_index=True)


def _kept_images(folder: Path, images: ImageSet) -> pd.DataFrame | None:
    """What the folder of a run says of its images; None where it says nothing."""
    frame = read_frame(folder / SUBSET, SUBSET_COLUMNS)
    if frame is None:
        return None
    there = len(images.train_labels)
    rows = frame["row"].to_numpy()
    if not frame["row"].between(0, there - 1).all():
        raise _of_others(folder, images, f"names row {rows.max()}", f"{there:,} training images")
    labels = images.train_labels[rows]
    wrong = np.flatnonzero(frame["label"].to_numpy() != labels)
    if len(wrong):
        first = int(wrong[0])
        said = f"says label {frame['label'][first]} of row {rows[first]}"
        raise _of_others(folder, images, said, f"label {labels[first]} there")
    return frame


def _of_others(folder: Path, images: ImageSet, said: str, found: str) -> HwbenchError:
    return HwbenchError(
        f"{folder / SUBSET}: {said}, and {images.name} has {found}: it is of other images; "
        f"{BEGIN_AGAIN}"
    )
