"""Options of where and how torch computes: of `live` and its commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Device = Annotated[
    str | None,
    typer.Option(
        metavar="DEVICE",
        help="Where torch computes: cpu or cuda (experimental); by default CUDA if there is one.",
    ),
]
WhereComputed = Annotated[
    str,
    typer.Option(
        "--device", metavar="DEVICE", help="Where torch computes: cpu or cuda (experimental)."
    ),
]
Deterministic = Annotated[
    bool,
    typer.Option(
        "--deterministic", help="Give the same numbers on a GPU too, run after run; slower there."
    ),
]
Seeds = Annotated[
    list[int] | None,
    typer.Option(
        "--seed",
        min=0,
        metavar="SEED",
        help="The seed of weights and draws; by default 0; repeatable, a training for each.",
    ),
]
DataFolder = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Where the files of the image set are; by default the folder images under "
        "HWBENCH_HOME.",
    ),
]
Threads = Annotated[int, typer.Option(min=1, metavar="THREADS", help="How many threads compute.")]
