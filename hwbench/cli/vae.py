"""`hwbench vae`: graph variational autoencoders of search spaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwbench.cli import completion
from hwbench.cli.output import (
    AsJson,
    Seed,
    interruptible,
    print_json,
    print_listing,
    progress_bar,
    same_command,
    tell,
)
from hwbench.cli.output_paths import HTML, output_file
from hwbench.cli.torch_options import WhereComputed
from hwbench.environment import available_cores
from hwbench.errors import HwbenchError, unknown_name
from hwbench.threads import torch_threads

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hwbench.report.latents import LatentPanel
    from hwbench.vae.trained import TrainedGraphVAE

PRIORS = ("training", "standard")

app = typer.Typer(
    help="Train graph variational autoencoders: architectures as points of a continuous space.\n\n"
    "hwbench vae train nasbench201 -o nasbench201.npz",
    no_args_is_help=True,
)

VAEFile = Annotated[
    Path, typer.Argument(metavar="VAE", help="A file that `hwbench vae train` wrote.")
]
Prior = Annotated[
    str,
    typer.Option(
        metavar="PRIOR",
        help="How decoded latents are drawn: training, as training's are distributed, or standard, "
        "standard normal.",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="THREADS",
        help="How many threads torch computes with; by default one for each core that this process "
        "may use.",
    ),
]


@app.command()
def train(
    space: Annotated[
        str,
        typer.Argument(
            metavar="SPACE",
            help="A search space whose architectures are graphs.",
            autocompletion=completion.spaces,
        ),
    ],
    output: Annotated[
        Path, output_file("The .npz file to write, and to go on from.", suffixes=(".npz",))
    ],
    start: Annotated[
        Path | None,
        typer.Option(
            metavar="VAE",
            help="Another VAE of the space, with whose weights training begins; by default none.",
        ),
    ] = None,
    variant: Annotated[
        str, typer.Option(metavar="NAME", help="The variant: d-vae, d-vae-emb or d-vae-tmb.")
    ] = "d-vae-tmb",
    order: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="The order of vertices: depth_first, breadth_first or given."
        ),
    ] = "depth_first",
    hidden_size: Annotated[
        int, typer.Option(metavar="N", help="Dimensions of a vertex's state.")
    ] = 128,
    latent_size: Annotated[int, typer.Option(metavar="N", help="Dimensions of the latents.")] = 128,
    bidirectional: Annotated[
        bool | None,
        typer.Option(
            "--bidirectional/--one-way",
            help="Whether the encoder goes back from the output too; by default that of d-vae-tmb "
            "does.",
        ),
    ] = None,
    kl_weight: Annotated[
        float, typer.Option(metavar="WEIGHT", help="The weight of the divergence in the loss.")
    ] = 0.02,
    noise_scale: Annotated[
        float,
        typer.Option(
            metavar="FACTOR",
            help="The factor of the latents' noise in training, 0.01 in D-VAE's own code.",
        ),
    ] = 1.0,
    tallied: Annotated[
        bool,
        typer.Option(
            "--tallied",
            help="Tell the decoder how many edges there are and what leads nowhere.",
        ),
    ] = False,
    prior_share: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            help="The share of graphs that get latents of the prior, so that those decode well "
            "too.",
        ),
    ] = 0.0,
    epochs: Annotated[
        int, typer.Option(metavar="EPOCHS", help="Passes over the training graphs.")
    ] = 40,
    batch_size: Annotated[int, typer.Option(metavar="N", help="Graphs in a step.")] = 128,
    learning_rate: Annotated[
        float, typer.Option(metavar="RATE", help="The largest learning rate.")
    ] = 2e-3,
    graphs: Annotated[
        int,
        typer.Option(metavar="N", help="Architectures drawn from the space, test ones included."),
    ] = 20_000,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE:COLUMN",
            help="A metric that a head learns alongside; by default none; repeatable.",
            autocompletion=completion.columns,
        ),
    ] = None,
    labelled: Annotated[
        int, typer.Option(metavar="N", help="Architectures whose metrics the heads see.")
    ] = 200,
    seed: Seed = 0,
    device: WhereComputed = "cpu",
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Train a graph VAE; stopped at any moment, the same command goes on where it was.

    hwbench vae train nasbench201 -o nasbench201.npz
    """
    from hwbench.vae.training import train_vae

    given = {
        "variant": variant,
        "order": order,
        "hidden_size": hidden_size,
        "latent_size": latent_size,
        "bidirectional": bidirectional,
        "kl_weight": kl_weight,
        "noise_scale": noise_scale,
        "tallied": tallied,
        "prior_share": prior_share,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "n_graphs": graphs,
        "metrics": tuple(metric or ()),
        "n_labelled": labelled,
        "seed": seed,
    }
    with (
        torch_threads(threads or available_cores()),
        interruptible(same_command()),
        progress_bar("training") as progress,
    ):
        vae = train_vae(
            space,
            checkpoint=output,
            start=start,
            device=device,
            progress=progress,
            **{name: value for name, value in given.items() if value is not None},
        )
    last = vae.history[-1]
    told = {
        "space": vae.space.name,
        "variant": vae.settings.variant,
        "epochs": len(vae.history),
        "reconstruction": round(last.reconstruction, 4),
        "divergence": round(last.divergence, 2),
        **({"heads": round(last.heads, 4)} if vae.settings.metrics else {}),
        "seconds": round(sum(epoch.seconds for epoch in vae.history), 1),
        "file": str(output),
    }
    if as_json:
        print_json(told)
        return
    rows = [{"key": key, "value": value} for key, value in told.items()]
    print_listing(rows, ["key", "value"], as_json=False)


@app.command()
def evaluate(
    vaes: Annotated[
        list[Path],
        typer.Argument(metavar="VAE...", help="Files that `hwbench vae train` wrote."),
    ],
    prior: Prior = "training",
    join_loose_ends: Annotated[
        bool,
        typer.Option(
            "--join-loose-ends",
            help="Join vertices that lead nowhere to the output, as D-VAE's own code does.",
        ),
    ] = False,
    samples: Annotated[
        int, typer.Option(min=1, metavar="N", help="Latents to draw from the prior.")
    ] = 1000,
    decodes: Annotated[
        int, typer.Option(min=1, metavar="N", help="Decodings of each latent.")
    ] = 10,
    page: Annotated[
        Path | None,
        output_file(
            "The .html file in which to draw the latents; by default they are not drawn.",
            suffixes=HTML,
            name="--page",
        ),
    ] = None,
    colour: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE:COLUMN",
            help="What colours the drawn latents; by default the VAE's own metrics; repeatable.",
            autocompletion=completion.columns,
        ),
    ] = None,
    seed: Seed = 0,
    device: WhereComputed = "cpu",
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Measure reconstruction accuracy, validity and uniqueness, and draw the latents.

    hwbench vae evaluate nasbench201.npz --page latents.html --colour nb201-digits:latency
    """
    from hwbench.devices import choose_device
    from hwbench.vae.checkpoint import load_vae
    from hwbench.vae.evaluation import evaluate_vae

    if prior not in PRIORS:
        raise unknown_name("prior", prior, PRIORS)
    if colour and page is None:
        raise HwbenchError("vae evaluate: --colour is for the drawing; name its file with --page")
    with torch_threads(threads or available_cores()):  # the drawing computes too
        place = choose_device(device)
        loaded = {path: load_vae(path).to(place) for path in vaes}
        metrics = _metrics_drawn(loaded.values(), colour or []) if page is not None else []
        rows: list[dict[str, Any]] = []
        with progress_bar("evaluating") as progress:
            for done, (path, vae) in enumerate(loaded.items()):
                progress(done, len(loaded))
                found = evaluate_vae(
                    vae,
                    prior="training" if prior == "training" else "standard",
                    join_loose_ends=join_loose_ends,
                    n_prior=samples,
                    n_decodes=decodes,
                    seed=seed,
                )
                named = {
                    "file": str(path),
                    "space": vae.space.name,
                    "variant": vae.settings.variant,
                }
                rows.append({**named, **asdict(found)})
            progress(len(loaded), len(loaded))
        shown = [_shown(row) for row in rows]
        if page is not None:
            from hwbench.report.latents import write_latent_page

            panels = [
                panel
                for target in metrics
                for panel in _panels(loaded, target, single=len(vaes) == 1)
            ]
            write_latent_page(panels, shown, "Latent spaces", page)
    print_listing(rows if as_json else shown, list(shown[0]), as_json=as_json, wrap=False)
    if page is not None and not as_json:
        tell(f"latents: {page}")


@app.command()
def sample(
    vae: VAEFile,
    n: Annotated[
        int, typer.Option("-n", min=1, metavar="N", help="How many latents to decode.")
    ] = 10,
    prior: Prior = "training",
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Print architectures that a VAE builds from random latents, each once.

    hwbench vae sample nasbench201.npz -n 20
    """
    import numpy as np

    from hwbench.vae.checkpoint import load_vae
    from hwbench.vae.data import split
    from hwbench.vae.evaluation import draw_prior

    if prior not in PRIORS:
        raise unknown_name("prior", prior, PRIORS)
    loaded = load_vae(vae)
    latents = draw_prior(
        loaded,
        "training" if prior == "training" else "standard",
        n,
        np.random.default_rng(seed),
        split(loaded.space, loaded.settings).training,
    )
    texts = loaded.space.to_strings(loaded.propose(latents, attempts=1))
    if as_json:
        print_json(texts)
    elif texts:
        typer.echo("\n".join(texts))
    if not texts:
        raise HwbenchError(f"{vae}: none of {n} latents became an architecture of the space")


def _shown(row: dict[str, Any]) -> dict[str, str]:
    """A row of measures for people."""
    return {
        "file": row["file"],
        "space": row["space"],
        "variant": row["variant"],
        "prior": row["prior"] + (", loose ends joined" if row["join_loose_ends"] else ""),
        "accuracy %": f"{row['accuracy']:.2f}",
        "validity %": f"{row['validity']:.2f}",
        "uniqueness %": f"{row['uniqueness']:.2f}",
        "unique": f"{row['n_unique']:,}",
        "novel %": f"{row['novelty']:.2f}",
    }


# ---------------------------------------------------------------------- drawing


def _metrics_drawn(vaes: Any, colours: Sequence[str]) -> list[str]:
    """The columns that colour the latents."""
    metrics = list(dict.fromkeys(colours or [m for vae in vaes for m in vae.settings.metrics]))
    if not metrics:
        raise HwbenchError("vae evaluate: name what colours the latents with --colour TABLE:COLUMN")
    return metrics


def _panels(vaes: dict[Path, TrainedGraphVAE], target: str, *, single: bool) -> list[LatentPanel]:
    """A panel a VAE, of its test architectures that have the metric."""
    import numpy as np

    from hwbench.report.latents import LatentPanel
    from hwbench.tables import load_target
    from hwbench.vae.data import split
    from hwbench.vae.projection import N_NEIGHBOURS, neighbour_correlation, principal_plane

    metric = load_target(target)
    panels = []
    for path, vae in vaes.items():
        archs = split(vae.space, vae.settings).test
        values: NDArray[np.float64] = metric.check_space(vae.space.name, str(path)).values_of(archs)
        known = np.isfinite(values)
        archs, values = archs[known], values[known]
        if len(archs) < 2:
            raise HwbenchError(f"{path}: fewer than two of its test architectures have {target}")
        latents = vae.encode(archs)
        plane = principal_plane(latents)
        heads = ", learned with the metric" if target in vae.settings.metrics else ""
        panels.append(
            LatentPanel(
                title=f"{vae.settings.variant}{heads}" + ("" if single else f" ({path.name})"),
                points=plane.points,
                explained=plane.explained,
                metric=metric.title,
                unit=metric.unit,
                values=values,
                names=tuple(vae.space.to_strings(archs)),
                correlation=(
                    neighbour_correlation(latents, values) if len(archs) > N_NEIGHBOURS else None
                ),
            )
        )
    return panels
