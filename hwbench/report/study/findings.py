"""The findings in sentences, every number of them computed from the result files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from hwbench.analysis.study import OwnSetScore, best_at, expected_loss, first_above
from hwbench.pages.blocks import Finding
from hwbench.results.run import Run


def study_findings(
    run: Run,
    curves: pd.DataFrame,
    own_sets: Mapping[str, Sequence[OwnSetScore]],
    titles: Mapping[str, str],
    simulated: pd.DataFrame | None,
) -> list[Finding]:
    """Per target: the best predictor, when it passes those that need no sample, what it costs."""
    findings = []
    for key in sorted(curves["target"].unique()):
        target = run.target(key)
        own = curves[curves["target"] == key]
        small, large = int(own["training_size"].min()), int(own["training_size"].max())
        best = best_at(own, key, large)
        sentences = []
        if small < large:
            first = best_at(own, key, small)
            sentences.append(
                Markup(
                    "With {} measurements the best predictor is <b>{}</b>, at a Kendall's tau of {}"
                    "; with {} it is <b>{}</b>, at {}."
                ).format(
                    f"{small:,}",
                    titles[first["predictor"]],
                    _tau(first),
                    f"{large:,}",
                    titles[best["predictor"]],
                    _tau(best),
                )
            )
        else:
            sentences.append(
                Markup("With {} measurements the best predictor is <b>{}</b>, at {}.").format(
                    f"{large:,}", titles[best["predictor"]], _tau(best)
                )
            )
        if np.isfinite(best["mae"]):
            sentences.append(
                Markup("Its predictions are then off by <b>{}</b> on average.").format(
                    target.amount(f"{best['mae']:.3g}")
                )
            )
        sentences += [_passing(own, key, each, titles, small) for each in own_sets.get(key, ())]
        if simulated is not None:
            sentences.append(_cost(run, simulated, key, float(best["tau"])))
        findings.append(Finding(target.with_unit, tuple(s for s in sentences if s)))
    return findings


def _tau(row: pd.Series) -> Markup:
    if not np.isfinite(row["low"]):
        return Markup("<b>{:.2f}</b> (one seed)").format(row["tau"])
    # Two digits would print a narrow interval as a point.
    digits = 2 if row["high"] - row["low"] >= 0.02 else 3
    mean, low, high = (f"{row[name]:.{digits}f}" for name in ("tau", "low", "high"))
    return Markup(
        '<b>{}</b> <span class="interval">(95 % interval {} to {}, {} seeds)</span>'
    ).format(mean, low, high, int(row["seeds"]))


def _passing(
    curves: pd.DataFrame, key: str, own: OwnSetScore, titles: Mapping[str, str], small: int
) -> Markup:
    start = Markup("{} needs {} measurements of its own and reaches {:.2f}").format(
        own.title, f"{own.training_size:,}", own.tau
    )
    passing = first_above(curves, key, own.tau)
    if passing is None:
        return start + Markup("; no predictor passes it.")
    size = int(passing["training_size"])
    already = "already " if size == small else ""
    return start + Markup("; {} passes it {}with <b>{} measurements</b> ({:.2f}).").format(
        titles[passing["predictor"]], already, f"{size:,}", passing["tau"]
    )


def _cost(run: Run, simulated: pd.DataFrame, key: str, tau: float) -> Markup:
    loss = expected_loss(simulated, key, tau, run.space)
    if loss is None:
        return Markup("")
    where = "" if loss.own_metric else " (simulated on other metrics of the same space)"
    bound = f"{loss.bound} " if loss.bound else ""
    return Markup(
        "What that costs a search over {} candidates{}: with tau {:.2f} the selected architectures "
        "lose {}<b>{:.2f} points</b> of accuracy in the median search, {:.2f} in one of twenty, "
        "{}<b>{:.2f}</b> and {:.2f} if the picks are verified by measuring."
    ).format(
        f"{loss.n_candidates:,}",
        where,
        tau,
        bound,
        loss.all_range[1],
        loss.all_range[2],
        bound,
        loss.pareto_range[1],
        loss.pareto_range[2],
    )


def simulation_findings(run: Run, simulated: pd.DataFrame) -> list[Finding]:
    """Per searched metric: what a good and a poor simulated predictor cost."""
    findings = []
    keys = ["accuracy_target", "metric_target"]
    for (accuracy_key, metric_key), rows in simulated.groupby(keys, sort=True):
        largest = rows[rows["n_candidates"] == rows["n_candidates"].max()]
        wrong = largest[largest["deviation"] > 0].sort_values("deviation")
        if wrong.empty:
            continue
        n = f"{int(largest['n_candidates'].max()):,}"
        good, poor = wrong.iloc[0], wrong.iloc[-1]
        sentence = Markup(
            "Searching {} candidates for {}, a simulated predictor with deviation {:.2g} "
            "(tau {:.2f}) "
            "loses <b>{:.2f} points</b> of accuracy in the median, {:.2f} if the picks are "
            "verified by measuring"
        ).format(
            n,
            run.target(accuracy_key).title,
            good["deviation"],
            good["tau"],
            good["mra_all_median"],
            good["mra_pareto_median"],
        )
        if len(wrong) > 1:
            sentence += Markup(
                "; with deviation {:.2g} (tau {:.2f}) it is <b>{:.2f} points</b>, {:.2f} if "
                "verified, and {:.1f} % of the hypervolume."
            ).format(
                poor["deviation"],
                poor["tau"],
                poor["mra_all_median"],
                poor["mra_pareto_median"],
                poor["hypervolume_loss_median"],
            )
        else:
            sentence += Markup(".")
        findings.append(Finding(f"Searching for {run.target(metric_key).with_unit}", (sentence,)))
    return findings


def failure_sentence(failed: pd.DataFrame, n_trials: int) -> Markup:
    """How many trials failed and of which predictors; empty where none did."""
    if failed.empty:
        return Markup("")
    count = int(failed["count"].sum())
    named = [
        f"{row.title} ({row.count_:,})"
        for row in failed.rename(columns={"count": "count_"}).itertuples()
    ]
    return Markup("<b>{} of {} trials failed</b> and are left out of every figure: {}.").format(
        f"{count:,}", f"{n_trials:,}", ", ".join(named)
    )


def left_out_sentences(run: Run) -> list[Markup]:
    """What the study could not run, a sentence a predictor and target; empty where it ran all."""
    return [
        Markup("<b>{}</b> ({}) on {}: {}.").format(
            run.predictor_title(each["predictor"]),
            each["encoding"],
            run.target(each["target"]).title,
            each["reason"],
        )
        for each in run.left_out
    ]
