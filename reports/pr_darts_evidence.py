"""Whether PR-DARTS does what it claims: children inherit, and derived cells beat random ones.

python reports/pr_darts_evidence.py children -o FOLDER: a supernet is trained, then one convolution
of every position is replaced by a child of one transformation, once with the parent's weights and
once with random ones, and trained on. Losses before, at once, and after each further epoch.

python reports/pr_darts_evidence.py cells RUN ... -o FOLDER: cells that searches have derived, and
as many random ones of the operations that these could have come to, of nearly as many parameters,
are trained from scratch.

Both write a table as CSV, and go on where they were stopped. Intervals are Student's, at 95 %.
"""

import argparse
import copy
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from hwbench.analysis.statistics import mean_interval
from hwbench.devices import seeded
from hwbench.errors import HwbenchError
from hwbench.images.sets import load_images
from hwbench.live.config import config_of
from hwbench.live.retrain import NamedRecipe
from hwbench.live.retrainings import retrain_archs
from hwbench.live.search import load_image_set, make_search
from hwbench.live.supernets.structure import Structure
from hwbench.live.supernets.supernet import make_supernet
from hwbench.optimisation import denormals_flushed
from hwbench.results.frames import write_frame
from hwbench.results.live import read_live_run
from hwbench.spaces import get_space
from hwbench.spaces.darts.separable import LIMITS, SeparableConvolutions, transformed

PARENT = SeparableConvolutions(3, 1, (1, 1))
"""Of two stages, so that all of the growing transformations are possible."""

WAYS = ("grow_kernel", "widen", "insert")
LIKE = 0.05
"""By how much random cells may differ in parameters from those that they stand beside."""


def tree(channels: int, images: int, epochs: int, seed: int) -> dict:
    """A supernet of digits that mixes identity and one convolution evenly, its weights trained."""
    return {
        "title": "Children of convolutions",
        "seed": seed,
        "data": {"validation_share": 0.5, "subset": {"name": "random", "images": images}},
        "space": {
            "name": "pr_darts",
            "operations": ["skip_connect", str(PARENT)],
            "channels": channels,
            "depth": 1,
        },
        "strategy": {"name": "darts"},
        "trainer": {
            "name": "single_level",
            "epochs": epochs + 1,
            "warm_up_epochs": epochs,
            "batch_size": 64,
            "weights": {"name": "sgd", "learning_rate": 0.05},
            "schedule": {"name": "constant"},
            "gradient_clip": 5.0,
        },
        "selection": {"name": "strength"},
    }


def one_family(
    channels: int, images: int, seed: int, *, before: int, after: int
) -> list[dict[str, object]]:
    """Losses of a parent and of its children.

    Parameters
    ----------
    channels, images : of the supernet, and of the digits.
    seed : of all.
    before, after : epochs of the parent, and of each child.
    """
    device = torch.device("cpu")
    config = config_of(tree(channels, images, before + after, seed), where="children")
    rows = []
    with seeded(seed, device, 1), denormals_flushed():
        search = make_search(config, device)
        torch.nn.init.zeros_(search.strategy.alpha)
        for epoch in range(before):
            numbers = search.train_epoch(epoch)
        start = numbers["validation_loss"]
        kept = copy.deepcopy(search.state_dict())
        for way in WAYS:
            child = str(transformed(PARENT, way, LIMITS["unrestricted"]))
            pools = tuple(("skip_connect", child) for _ in search.supernet.positions)
            for weights in ("inherited", "random"):
                search = make_search(config, device)
                search.load_state_dict(copy.deepcopy(kept))
                parents = {(place, child): str(PARENT) for place in range(len(pools))}
                given = parents if weights == "inherited" else {}
                search.trainer.become(Structure(pools, parents=given))
                torch.nn.init.zeros_(search.strategy.alpha)
                losses = [search.validate(search.strategy.mixture)["validation_loss"]]
                losses += [
                    search.train_epoch(before + epoch)["validation_loss"] for epoch in range(after)
                ]
                rows += [
                    {
                        "seed": seed,
                        "transformation": way,
                        "weights": weights,
                        "epoch": epoch,
                        "loss": loss,
                        "parent": start,
                    }
                    for epoch, loss in enumerate(losses)
                ]
    return rows


def children(arguments: argparse.Namespace) -> pd.DataFrame:
    """All families, those of earlier calls included."""
    path = arguments.output / "children.csv"
    done = pd.read_csv(path) if path.exists() else pd.DataFrame()
    for seed in range(arguments.seeds):
        if len(done) and (done["seed"] == seed).any():
            continue
        rows = one_family(
            arguments.channels,
            arguments.images,
            seed,
            before=arguments.before,
            after=arguments.after,
        )
        done = pd.concat([done, pd.DataFrame(rows)], ignore_index=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_frame(path, done)
    return done


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds: losses above the parent's at once and after each epoch, and when below."""
    rows = []
    for (way, weights), own in found.groupby(["transformation", "weights"], sort=False):
        above = own.assign(above=own["loss"] - own["parent"])
        row = {"transformation": way, "weights": weights, "seeds": own["seed"].nunique()}
        for epoch, each in above.groupby("epoch"):
            mean, low, high = mean_interval(each["above"])
            row[f"after {epoch}"] = f"{mean:+.3f} ± {(high - low) / 2:.3f}"
        reached = [
            next(iter(each.loc[each["above"] <= 1e-6, "epoch"]), np.inf)
            for _, each in above.groupby("seed")
        ]
        row["epochs to the parent's loss, median"] = float(np.median(reached))
        rows.append(row)
    return pd.DataFrame(rows)


def random_like(run: Path, seed: int) -> str:
    """A random pair of cells that a search could have come to, of nearly as many parameters.

    Parameters
    ----------
    run : of the search.
    seed : of the draw.
    """
    found = read_live_run(run)
    space = get_space(found.config["space"]["name"])
    skeleton = {key: found.config["space"][key] for key in ("channels", "depth")}
    wanted = space.parameters(space.from_string(str(found.architecture))[None, :], **skeleton)
    supernet = make_supernet(
        space, operations=found.config["strategy"]["limits"], channels=2, depth=1
    )
    generator = np.random.default_rng(seed)
    while True:
        drawn = supernet.sample(256, generator)
        near = np.abs(space.parameters(drawn, **skeleton) / wanted - 1) <= LIKE
        if near.any():
            return space.to_string(drawn[generator.choice(np.flatnonzero(near))])


def cells(arguments: argparse.Namespace) -> pd.DataFrame:
    """Derived cells beside random ones, trained by the same recipe."""
    recipe = NamedRecipe.of(
        "darts",
        channels=arguments.channels,
        depth=1,
        epochs=arguments.epochs,
        auxiliary_weight=0.0,
        drop_path=0.0,
        cutout=0,
        shift=arguments.shift,
    )
    rows = []
    for run in arguments.runs:
        found = read_live_run(run)
        config = config_of(found.config, where=str(run))
        space = get_space(config.space.name)
        images = load_images(arguments.data) if arguments.data else load_image_set(config)
        pair = {"derived": str(found.architecture), "random": random_like(run, config.seed)}
        for kind, arch in pair.items():
            (trained,) = retrain_archs(arguments.output, space, [arch], images, recipe)
            rows.append(
                {
                    "run": run.name,
                    "seed": config.seed,
                    "cells": kind,
                    "test_accuracy": trained.test_accuracy,
                    "parameters": trained.parameters,
                }
            )
        write_frame(arguments.output / "cells.csv", pd.DataFrame(rows))
    return pd.DataFrame(rows)


def compared(found: pd.DataFrame) -> pd.DataFrame:
    """Mean accuracies, and that of the differences between the cells of a seed."""
    wide = found.pivot(index="run", columns="cells", values="test_accuracy")
    wide["derived - random"] = wide["derived"] - wide["random"]
    intervals = {name: mean_interval(values) for name, values in wide.items()}
    return pd.DataFrame(
        {
            "cells": list(intervals),
            "test accuracy, %": [
                f"{mean:.2f} ± {(high - low) / 2:.2f}" for mean, low, high in intervals.values()
            ],
            "runs": len(wide),
        }
    )


def main() -> None:
    """Run one of both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    which = parser.add_subparsers(required=True, dest="which")
    families = which.add_parser("children")
    families.add_argument("-o", "--output", type=Path, required=True)
    families.add_argument("--seeds", type=int, default=5)
    families.add_argument("--channels", type=int, default=4)
    families.add_argument("--images", type=int, default=800)
    families.add_argument("--before", type=int, default=12, help="epochs of the parent")
    families.add_argument("--after", type=int, default=3, help="epochs of each child")
    derived = which.add_parser("cells")
    derived.add_argument("runs", type=Path, nargs="+")
    derived.add_argument("-o", "--output", type=Path, required=True)
    derived.add_argument("--channels", type=int, default=8)
    derived.add_argument("--epochs", type=int, default=20)
    derived.add_argument("--shift", type=int, default=1, help="pixels that images are shifted by")
    derived.add_argument("--data", metavar="SET", help="images; by default those of the search")
    arguments = parser.parse_args()
    try:
        if arguments.which == "children":
            table = summary(children(arguments))
        else:
            table = compared(cells(arguments))
    except HwbenchError as error:
        parser.error(str(error))
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
