"""`hwbench fit` where no predictor is named: the best is looked for."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Any

from hwbench.cli.output import interruptible, print_listing, stage_bars, worker_count
from hwbench.errors import HwbenchError

if TYPE_CHECKING:
    from hwbench.advise.measurements import Measurements
    from hwbench.predictors.fitted_model import FittedModel
    from hwbench.predictors.model_card import ModelCard
    from hwbench.tables import Target

SHOWN = 8
"""Predictors of a leaderboard that are printed."""


def check_goes_with(predictor: str | None, preset: str | None, **options: Any) -> None:
    """See that nothing is asked of a named predictor where none is named, nor the other way."""
    if predictor is not None and preset is not None:
        raise HwbenchError(
            "fit: --preset says how the best predictor is looked for, and --predictor names one; "
            "give one of them"
        )
    given = [name for name, value in options.items() if value is not None]
    if predictor is None and given:
        raise HwbenchError(
            f"fit: --{given[0].replace('_', '-')} is for a predictor that is named; add "
            "--predictor NAME (hwbench predictors list)"
        )


def best_of(
    found: Target | Measurements,
    preset: str | None,
    samples: int | None,
    workers: int | None,
    seed: int,
    description: str,
) -> FittedModel:
    """The best predictor of measurements, fitted, see `hwbench.fit_best`."""
    from hwbench.advise.best import fit_best
    from hwbench.advise.presets import DEFAULT

    again = shlex.join(["hwbench", *sys.argv[1:]])
    with interruptible(f"{again} (nothing was written)"), stage_bars() as stage:
        return fit_best(
            found,
            preset=preset or DEFAULT,
            samples=samples,
            workers=worker_count(workers),
            seed=seed,
            description=description,
            stage=stage,
        )


def show_leaderboard(card: ModelCard) -> None:
    """The best of those that were tried, and what ranks for nothing; the file has all."""
    scored = [row for row in card.leaderboard if row.kendall_tau is not None]
    free = [row for row in scored if row.status == "free" and row.kendall_tau]
    shown = [row for row in scored if row.status != "free"][:SHOWN]
    rows: list[dict[str, Any]] = [
        {
            "predictor": row.predictor,
            "encoding": row.encoding,
            "tau": f"{row.kendall_tau:.3f}",
            "90 % interval": f"{row.low:.3f} to {row.high:.3f}",
            f"RMSE ({card.unit})" if card.unit else "RMSE": ""
            if row.rmse is None
            else f"{row.rmse:.3g}",
            "": "" if row.status == "tried" else row.status,
        }
        for row in [*shown, *free]
    ]
    print_listing(rows, list(rows[0]), as_json=False, title="", wrap=False)
