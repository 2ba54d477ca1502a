"""`hwbench live discretise` and `landscape`: how far strengths are to be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwbench.cli.output import (
    AsJson,
    interruptible,
    print_json,
    print_listing,
    progress_bar,
    same_command,
    stage_bars,
    tell,
)
from hwbench.cli.torch_options import Deterministic, Device, Threads

Folder = Annotated[
    Path, typer.Argument(metavar="RUN", help="The run folder of a search by strengths.")
]


def discretise(
    folder: Folder,
    positions: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="How many edges to draw; all where there are no more."
        ),
    ] = 2,
    tuning_epochs: Annotated[
        int,
        typer.Option(min=0, metavar="EPOCHS", help="Epochs of training with each candidate alone."),
    ] = 5,
    device: Device = None,
    threads: Threads = 1,
    deterministic: Deterministic = False,
    as_json: AsJson = False,
) -> None:
    """Hold strengths against accuracies with one candidate left on an edge (CHOE Figure 3.1).

    Every candidate of some edges of the trained supernet is alone in turn, and the rest is trained
    on. Stopped at any moment, the same command goes on; the run folder keeps the result, and
    `hwbench report write` shows it.

    hwbench live discretise runs/live-darts --positions 4
    """
    from hwbench.live.diagnostics.discretised import discretise_run
    from hwbench.results.diagnostics import reliability

    with interruptible(same_command()), stage_bars() as stage:
        frame = discretise_run(
            folder,
            positions=positions,
            tuning_epochs=tuning_epochs,
            device=device,
            threads=threads,
            deterministic=deterministic,
            stage=stage,
        )
    found = reliability(frame)
    rows = frame.drop(columns=["code", "tuning_epochs"]).to_dict("records")
    if as_json:
        print_json({**found, "candidates": rows})
        return
    print_listing(
        [
            {
                "position": row["position"],
                "operation": row["operation"],
                "strength": f"{row['strength']:.3f}",
                "at once %": f"{row['accuracy_at_once']:.2f}",
                "tuned %": f"{row['accuracy']:.2f}",
            }
            for row in rows
        ],
        ["position", "operation", "strength", "at once %", "tuned %"],
        as_json=False,
        wrap=False,
    )
    tell(
        f"Strengths agree with the accuracies of {found['positions']} edges by a Kendall's tau of "
        f"{found['kendall_tau']:.2f}; the strongest is the most accurate on "
        f"{100 * found['strongest_is_best']:.0f} % of them."
    )
    tell(f"written: {folder}")


def landscape(
    folder: Folder,
    points: Annotated[
        int, typer.Option(min=3, metavar="N", help="Points on each axis, an odd number.")
    ] = 11,
    reach: Annotated[
        float,
        typer.Option(
            min=1e-6,
            metavar="LENGTH",
            help="How far each axis reaches to both sides, in units of the candidates' weights.",
        ),
    ] = 1.0,
    images: Annotated[
        int,
        typer.Option(
            min=2, metavar="N", help="Validation images of each point; all where there are fewer."
        ),
    ] = 1024,
    device: Device = None,
    threads: Threads = 1,
    deterministic: Deterministic = False,
    as_json: AsJson = False,
) -> None:
    """Compute the loss around what a search has learned: how steep it is (NA Figure 4.6).

    One axis is the gradient of the loss by what candidates are weighed with, the other a random
    direction orthogonal to it. The run folder keeps the result, and `hwbench report write` shows
    it.

    hwbench live landscape runs/live-darts --points 21
    """
    from hwbench.live.diagnostics.landscape import landscape_run
    from hwbench.results.diagnostics import rise

    with interruptible(same_command()), progress_bar("computing the landscape") as progress:
        frame = landscape_run(
            folder,
            points=points,
            reach=reach,
            images=images,
            device=device,
            threads=threads,
            deterministic=deterministic,
            progress=progress,
        )
    found = rise(frame)
    if as_json:
        print_json({**found, "points": frame.to_dict("records")})
        return
    tell(
        f"Within {found['reach']:g} of what was learned the loss is higher by {found['rise']:.4f} "
        f"on average than the {found['loss']:.4f} there."
    )
    tell(f"written: {folder}")
