"""The simulation as a whole: both pairings side by side, and what they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from hwbench.pages.plotting import Figure
from hwbench.report.simulation.published import (
    PAIRINGS,
    deviations_figure,
    fronts_figure,
    limits_figure,
    losses_by_metric_figure,
    losses_figure,
    main_pairing,
    sanity_figure,
    volumes_figure,
    with_ranges,
)
from hwbench.results.run import Run

KEYS = ["pairing", "metric_target", "n_candidates", "deviation"]
MEANS = [
    "kendall_tau",
    "mra_all",
    "mra_pareto",
    "hypervolume",
    "hypervolume_true",
    "hypervolume_space",
    "hypervolume_space_true",
]


@dataclass(frozen=True)
class SimulationStudy:
    """What the section shows: sentences, and figures with their own legends."""

    sentences: tuple[Markup, ...]
    figures: tuple[Figure, ...]


def simulation_study(run: Run) -> SimulationStudy | None:
    """The section of a run, or None where it has no simulated predictors."""
    if run.simulation is None:
        return None
    simulated = run.simulation[run.simulation["predictor"].isna()]
    if simulated.empty:
        return None
    means = simulated.groupby(KEYS)[MEANS].mean().reset_index()
    by = ["pairing", "deviation"]
    pooled = means.groupby(by)[MEANS].mean().reset_index()
    pooled = with_ranges(pooled, simulated, by, ["mra_all", "mra_pareto"])
    figures = [losses_figure(pooled), losses_by_metric_figure(means, simulated)]
    if means["n_candidates"].nunique() > 1:
        for pairing in PAIRINGS:
            rows = means[means["pairing"] == pairing]
            if len(rows):
                own = simulated[simulated["pairing"] == pairing]
                figures.append(volumes_figure(rows, own, pairing, "hypervolume"))
        main = main_pairing(means), main_pairing(simulated)
        figures.append(volumes_figure(*main, "", "hypervolume_space"))
    if run.example is not None:
        figures += [fronts_figure(run, run.example), deviations_figure(run.example)]
    figures += [limits_figure(simulated), sanity_figure(means, trained_qualities(run))]
    sentences = [*_pairing_sentences(means, pooled), *_equivalence_sentences(means, simulated)]
    return SimulationStudy(tuple(sentences), tuple(figures))


def _pairing_sentences(means: pd.DataFrame, pooled: pd.DataFrame) -> list[Markup]:
    by_pairing = {str(key): rows.set_index("deviation") for key, rows in pooled.groupby("pairing")}
    if set(by_pairing) != set(PAIRINGS):
        return []
    true, published = by_pairing["true"], by_pairing["as_published"]
    wrong = true.index[true.index > 0]
    if not len(wrong):
        return []
    deviation = float(min(wrong, key=lambda value: abs(value - 0.2)))
    most = means[means["n_candidates"] == means["n_candidates"].max()]
    best = most.groupby("pairing")["hypervolume_true"].mean()
    return [
        Markup(
            "The published code sorts the metric values before it pairs them with accuracies, so "
            "that an architecture is given the metric of another. Repeated that way, a predictor "
            "of deviation {:.2g} (tau {:.2f}) loses <b>{:.2f} points</b> of accuracy ({}), {:.2f} "
            "if the picks are verified ({}); with each architecture's own metric it loses "
            "<b>{:.2f}</b> ({}), {:.2f} if verified ({}). These are means over metrics and numbers "
            "of candidates, in brackets of all their selections the median and what nine in ten "
            "lie between. The mean hypervolume of "
            "the true front of {} candidates is {:.2f} that way and {:.2f} in truth."
        ).format(
            deviation,
            published.loc[deviation, "kendall_tau"],
            published.loc[deviation, "mra_all"],
            _range(published.loc[deviation], "mra_all"),
            published.loc[deviation, "mra_pareto"],
            _range(published.loc[deviation], "mra_pareto"),
            true.loc[deviation, "mra_all"],
            _range(true.loc[deviation], "mra_all"),
            true.loc[deviation, "mra_pareto"],
            _range(true.loc[deviation], "mra_pareto"),
            f"{int(means['n_candidates'].max()):,}",
            best["as_published"],
            best["true"],
        )
    ]


def _range(row: pd.Series, measure: str) -> str:
    least, median, most = (row[f"{measure}_{end}"] for end in ("least", "median", "most"))
    return f"median {median:.2f}, {least:.2f} to {most:.2f}"


def _equivalence_sentences(means: pd.DataFrame, simulated: pd.DataFrame) -> list[Markup]:
    """How good a predictor must be for more candidates to make up for measuring fewer."""
    sizes = sorted(means["n_candidates"].unique())
    if len(sizes) < 2:
        return []
    measured, predicted = sizes[-2:]
    medians = simulated.groupby(KEYS)[MEANS].median().reset_index()
    by_mean, by_median = (
        [
            f"{_equivalent_tau(rows, measured, predicted, 'hypervolume')} and "
            f"{_equivalent_tau(rows, measured, predicted, 'hypervolume_space')} ({title})"
            for pairing, title in PAIRINGS.items()
            if len(rows := centres[centres["pairing"] == pairing])
        ]
        for centres in (means, medians)
    )
    return [
        Markup(
            "Measuring {} candidates and predicting {} give the same hypervolume where the "
            "predictor's tau is {} by means; by medians {}. The first number takes the published "
            "reference point, 1.1 times the largest metric of each selection's candidates, which "
            "moves away as candidates become more; the second takes one reference point for all, "
            "and is the one to go by."
        ).format(f"{measured:,}", f"{predicted:,}", ", ".join(by_mean), ", ".join(by_median))
    ]


def _equivalent_tau(rows: pd.DataFrame, measured: int, predicted: int, measure: str) -> str:
    """Interpolated between simulated deviations; with a bound where none is good or bad enough."""
    wanted = rows.loc[rows["n_candidates"] == measured, f"{measure}_true"].mean()
    points = (
        rows[rows["n_candidates"] == predicted]
        .groupby("deviation")[["kendall_tau", measure]]
        .mean()
    )
    points = points.dropna().sort_values(measure)
    if points.empty or not np.isfinite(wanted):
        return "unknown"
    volumes, taus = points[measure].to_numpy(), points["kendall_tau"].to_numpy()
    if wanted < volumes[0]:
        return f"less than {taus[0]:.2f}"
    if wanted > volumes[-1]:
        return "1 or more than any"
    return f"{np.interp(wanted, volumes, taus):.2f}"


def trained_qualities(run: Run) -> pd.DataFrame:
    """Deviation (in standard deviations of the truth) and tau of a run's trained predictors.

    Of the predictors fitted for the simulation, and of the study's stored predictions; a row each.
    """
    found = []
    if run.simulation is not None:
        fitted = run.simulation[run.simulation["predictor"].notna()]
        found.append(fitted[["deviation", "kendall_tau"]])
    if run.predictions is not None and run.study is not None:
        keys = ["target", "predictor", "training_size", "seed"]
        stored = run.predictions.dropna(subset=["truth", "prediction"])
        errors = stored.assign(error=stored["prediction"] - stored["truth"]).groupby(keys)
        spread = errors[["error", "truth"]].std(ddof=0)
        deviation = (spread["error"] / spread["truth"]).rename("deviation").reset_index()
        taus = run.study[[*keys, "kendall_tau"]]
        found.append(deviation.merge(taus, on=keys)[["deviation", "kendall_tau"]])
    if not found:
        return pd.DataFrame(columns=["deviation", "kendall_tau"])
    joined = pd.concat(found, ignore_index=True)
    return joined.replace([np.inf, -np.inf], np.nan).dropna()
