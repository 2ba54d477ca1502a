"""Pools of candidates that change while a supernet is trained, as tidy frames."""

from __future__ import annotations

from hwbench.results.frames import Column, Columns

POOL_COLUMNS: Columns = {
    "iteration": Column("integer", "from 1; pools change between iterations"),
    "first_epoch": Column("integer", "of the iteration, from 0"),
    "position": Column("text", "name of the decision, such as 'normal 0->2'"),
    "operation": Column("text", "name of the candidate"),
    "parent": Column(
        "optional text", "name of the candidate that it was made of; missing for the first ones"
    ),
    "transformation": Column("optional text", "that made it, such as 'grow_kernel'"),
    "born": Column("integer", "the iteration that it joined the pool in"),
    "strength": Column("number", "share at its position at the iteration's end, or so far"),
    "survived": Column("number", "1 or 0; missing while the iteration lasts, and in the last one"),
}
"""What a frame of pools holds, a row for each iteration and candidate of it."""
