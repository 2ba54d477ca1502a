"""Options of where and how torch computes: of `live` and its commands."""

from __future__ import annotations

from typing import Annotated

import typer

Device = Annotated[
    str | None, typer.Option(help="Such as cpu or cuda (experimental); CUDA if there is one.")
]
Deterministic = Annotated[
    bool,
    typer.Option(
        "--deterministic", help="The same numbers on a GPU too, run after run; slower there."
    ),
]
Threads = Annotated[int, typer.Option(min=1, help="Threads of torch.")]
