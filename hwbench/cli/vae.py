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
    interruptible,
    print_json,
    print_listing,
    progress_bar,
    same_command,
)
from hwbench.errors import HwbenchError, unknown_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hwbench.report.latents import LatentPanel
    from hwbench.vae.trained import TrainedGraphVAE

PRIORS = ("training", "standard")

app = typer.Typer(
    help="Graph variational autoencoders: architectures as points of a continuous space.",
    no_args_is_help=True,
)

VAEFile = Annotated[Path, typer.Argument(help="A file that `hwbench vae train` wrote.")]
Device = Annotated[str, typer.Option(help="Of PyTorch: cpu, or cuda (experimental).")]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Of PyTorch; all cores of this process by default.")
]


@app.command()
def train(
    space: Annotated[
        str,
        typer.Argument(
            help="A search space whose architectures are graphs.", autocompletion=completion.spaces
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The .npz file to write, and to go on from.")
    ],
    start: Annotated[
        Path | None,
        typer.Option(help="Another VAE of the space, with whose weights training begins."),
    ] = None,
    variant: Annotated[
        str | None, typer.Option(help="d-vae, d-vae-emb or d-vae-tmb (the default).")
    ] = None,
    order: Annotated[
        str | None, typer.Option(help="Of vertices: depth_first, breadth_first or given.")
    ] = None,
    hidden_size: Annotated[int | None, typer.Option(help="Of a vertex's state.")] = None,
    latent_size: Annotated[int | None, typer.Option(help="Dimensions of the latents.")] = None,
    bidirectional: Annotated[
        bool | None,
        typer.Option(
            "--bidirectional/--one-way",
            help="Whether the encoder goes back from the output too; of d-vae-tmb by default.",
        ),
    ] = None,
    kl_weight: Annotated[float | None, typer.Option(help="Of the divergence in the loss.")] = None,
    noise_scale: Annotated[
        float | None,
        typer.Option(help="Of the latents' noise in training; D-VAE's own code takes 0.01."),
    ] = None,
    tallied: Annotated[
        bool | None,
        typer.Option(
            "--tallied", help="Tell the decoder how many edges there are and what leads nowhere."
        ),
    ] = None,
    prior_share: Annotated[
        float | None,
        typer.Option(
            help="Of graphs that get latents of the prior, so that those decode well too."
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training graphs.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Graphs a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="The largest.")] = None,
    graphs: Annotated[
        int | None, typer.Option(help="Architectures drawn from the space, test ones included.")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE:COLUMN", help="A metric that a head learns alongside; repeatable."
        ),
    ] = None,
    labelled: Annotated[
        int | None, typer.Option(help="Architectures whose metrics the heads see.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.")] = None,
    device: Device = "cpu",
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Train a graph VAE; stopped at any moment, the same command goes on where it was.

    hwbench vae train nasbench201 -o nasbench201.npz
    """
    from hwbench.vae.training import train_vae

    if output.suffix != ".npz":
        raise HwbenchError(f"{output}: the name of a VAE's file must end in .npz")
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
        "metrics": tuple(metric) if metric else None,
        "n_labelled": labelled,
        "seed": seed,
    }
    _use_threads(threads)
    with interruptible(same_command()), progress_bar("training") as progress:
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
    vaes: Annotated[list[Path], typer.Argument(help="Files that `hwbench vae train` wrote.")],
    prior: Annotated[
        str,
        typer.Option(
            help="Latents that are decoded: as training's are distributed, or standard normal."
        ),
    ] = "training",
    join_loose_ends: Annotated[
        bool,
        typer.Option(
            "--join-loose-ends",
            help="Join vertices that lead nowhere to the output, as D-VAE's own code does.",
        ),
    ] = False,
    samples: Annotated[int, typer.Option(min=1, help="Latents of the prior.")] = 1000,
    decodes: Annotated[int, typer.Option(min=1, help="Decodings of each latent.")] = 10,
    page: Annotated[
        Path | None, typer.Option(help="Also draw the latents: the .html file to write.")
    ] = None,
    colour: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE:COLUMN",
            help="What colours the drawn latents, the VAE's own metrics by default; repeatable.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of latents and decisions.")] = 0,
    device: Device = "cpu",
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
    if page is not None and page.suffix != ".html":
        raise HwbenchError(f"{page}: the name of the page must end in .html")
    if colour and page is None:
        raise HwbenchError("vae evaluate: --colour is for the drawing; name its file with --page")
    _use_threads(threads)
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
            named = {"file": str(path), "space": vae.space.name, "variant": vae.settings.variant}
            rows.append({**named, **asdict(found)})
        progress(len(loaded), len(loaded))
    shown = [_shown(row) for row in rows]
    if page is not None:
        from hwbench.report.latents import write_latent_page

        panels = [
            panel for target in metrics for panel in _panels(loaded, target, single=len(vaes) == 1)
        ]
        write_latent_page(panels, shown, "Latent spaces", page)
    print_listing(rows if as_json else shown, list(shown[0]), as_json=as_json, wrap=False)
    if page is not None and not as_json:
        typer.echo(f"latents: {page}")


@app.command()
def sample(
    vae: VAEFile,
    n: Annotated[int, typer.Option("-n", min=1, help="Latents that are decoded.")] = 10,
    prior: Annotated[str, typer.Option(help="Of the latents: training or standard.")] = "training",
    seed: Annotated[int, typer.Option(min=0, help="Of the latents.")] = 0,
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


def _use_threads(threads: int | None) -> None:
    import torch

    from hwbench.environment import available_cores

    torch.set_num_threads(threads if threads is not None else available_cores())


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
