"""A synthetic run folder with the shape, spread and quirks of a real one."""

import html
import json
import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hwbench.results.live import QUANTILES

PREDICTORS = [
    # id, title, family, encoding, tau at few samples, tau at many, fit seconds per sample
    ("linear", "Linear regression", "linear", "one-hot", 0.38, 0.80, 2e-5),
    ("ridge", "Ridge regression", "linear", "one-hot", 0.56, 0.81, 3e-5),
    ("bayes-linear", "Bayesian linear regression", "linear", "one-hot", 0.54, 0.81, 6e-5),
    ("gp", "Gaussian process", "kernel", "one-hot and counts", 0.66, 0.85, 4e-4),
    ("svm", "Support vector machine", "kernel", "one-hot", 0.47, 0.84, 1e-4),
    ("forest", "Random forest", "tree ensemble", "one-hot", 0.44, 0.82, 2e-3),
    ("xgboost", "XGBoost", "tree ensemble", "one-hot", 0.40, 0.87, 4e-3),
    ("lightgbm", "LightGBM", "tree ensemble", "one-hot", 0.20, 0.86, 3e-3),
    ("mlp", "MLP (large)", "neural network", "one-hot", 0.49, 0.90, 3e-2),
]
TARGETS = {"nb201-digits:latency": (3.1, 0.8), "nb201-digits:energy": (14.0, 4.2)}
SIZES = (25, 55, 124, 276, 614)
SEEDS = 5


def make_study(rng):
    rows = []
    for t, (target, (_, scale)) in enumerate(TARGETS.items()):
        for name, title, family, encoding, low, high, cost in PREDICTORS:
            for i, size in enumerate(SIZES):
                for seed in range(SEEDS):
                    tau = high - (high - low) * np.exp(-0.95 * i) - 0.03 * t
                    tau += rng.normal(0, 0.035 * np.exp(-0.5 * i))
                    rows.append(
                        {
                            "predictor": name,
                            "title": title,
                            "family": family,
                            "own_training_set": False,
                            "encoding": encoding,
                            "target": target,
                            "training_size": size,
                            "seed": seed,
                            "test_size": 4096,
                            "kendall_tau": tau,
                            "spearman": min(tau + 0.1, 1),
                            "pearson": min(tau + 0.11, 1),
                            "mae": scale * (1 - tau) * 0.8,
                            "deviation": 1.5 * (1 - tau),
                            "fit_seconds": cost * size * rng.lognormal(0, 0.2) + 1e-3,
                            "predict_seconds": 0.01,
                            "error": None,
                        }
                    )
        rows.append(
            rows[-1]
            | {
                "predictor": "lookup",
                "title": "Lookup table",
                "family": "table",
                "own_training_set": True,
                "encoding": "operations",
                "training_size": 25,
                "seed": 0,
                "kendall_tau": 0.735 - 0.02 * t,
            }
        )
    frame = pd.DataFrame(rows)
    scores = ["kendall_tau", "spearman", "pearson", "mae"]
    failed = frame.index[(frame["predictor"] == "lightgbm") & (frame["training_size"] == 25)][:2]
    frame.loc[failed, scores] = np.nan
    frame.loc[failed, "error"] = "Traceback ...\nValueError: too few rows for <leaf>"
    return frame


ENCODING_OF = {name: encoding for name, _, _, encoding, *_ in PREDICTORS}


def make_predictions(rng):
    frames = []
    for target, (mean, scale) in TARGETS.items():
        truth = mean + scale * rng.gamma(4, 0.5, 4096)
        for name in ("mlp", "ridge"):
            noise = rng.standard_t(4, 4096) * scale * (0.12 if name == "mlp" else 0.2)
            frames.append(
                pd.DataFrame(
                    {
                        "target": target,
                        "predictor": name,
                        "encoding": ENCODING_OF[name],
                        "training_size": 614,
                        "seed": 0,
                        "hwbench_index": np.arange(4096),
                        "truth": truth,
                        "prediction": truth + noise,
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)


def make_simulation(rng):
    rows = []
    for n, scale in ((100, 1.0), (1000, 1.35), (15625, 1.6)):
        for deviation in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
            for repeat in range(50):
                loss = scale * 1.6 * (1 - np.exp(-1.9 * deviation))
                mra = max(loss * rng.lognormal(-0.05, 0.35), 0.0)
                best = 3.0 + 0.4 * scale + rng.normal(0, 0.03)
                rows.append(
                    {
                        "accuracy_target": "nb201-digits:accuracy",
                        "metric_target": "nb201-digits:latency",
                        "pairing": "true",
                        "predictor": None,
                        "training_size": 0,
                        "n_candidates": n,
                        "deviation": deviation,
                        "repeat": repeat,
                        "mra_all": mra,
                        "mra_pareto": mra * (0.35 + 0.55 * deviation),
                        "hypervolume": best * (1 - 0.05 * deviation * rng.lognormal(0, 0.2)),
                        "hypervolume_true": best,
                        "hypervolume_space": 1.2 * best * (1 - 0.05 * deviation),
                        "hypervolume_space_true": 1.2 * best,
                        "kendall_tau": 1 - 0.6 * deviation + 0.17 * deviation**2,
                        "n_selected": int(rng.integers(8, 20)),
                        "n_selected_pareto": int(rng.integers(4, 8)),
                    }
                )
    return pd.DataFrame(rows)


def make_example(rng):
    n = 15625
    metric = 3.1 + 0.8 * rng.gamma(4, 0.5, n)
    quality = 1 - np.exp(-(metric - 3.0) / 0.9)
    accuracy = 97.8 - 9 * (1 - quality) - rng.gamma(1.1, 2.4, n)
    accuracy[rng.random(n) < 0.06] = 10.0
    predicted = metric + rng.normal(0, 0.35, n)

    def front(values):
        order = np.lexsort((-accuracy, values))
        best = np.maximum.accumulate(accuracy[order])
        new = np.r_[True, best[1:] > best[:-1]]
        flags = np.zeros(n, dtype=bool)
        flags[order[new]] = True
        return flags

    selected = front(predicted)
    stays = np.zeros(n, dtype=bool)
    chosen = np.flatnonzero(selected)
    for i in chosen:
        stays[i] = not np.any((metric[chosen] < metric[i]) & (accuracy[chosen] >= accuracy[i]))
    return pd.DataFrame(
        {
            "arch": [f"|conv3x3~0|+|skip~0|none~1|+|pool~{i % 5}|" for i in range(n)],
            "accuracy": accuracy,
            "metric": metric,
            "predicted_metric": predicted,
            "selected": selected,
            "selected_pareto": stays,
            "true_front": front(metric),
            "accuracy_target": "nb201-digits:accuracy",
            "metric_target": "nb201-digits:latency",
            "deviation": 0.4,
        }
    )


def make_info(title="Which predictor for digits on one CPU?"):
    def column(name, unit, direction, text):
        return {
            "title": name,
            "unit": unit,
            "direction": direction,
            "dataset": "digits",
            "description": text,
        }

    return {
        "scenario": "quick",
        "title": title,
        "spec": {"predictors": [p[0] for p in PREDICTORS], "training_sizes": SIZES, "seeds": 5},
        "started": "2026-03-14T15:09:26+00:00",
        "seconds": 754.2,
        "machine": {
            "processor": "Xeon Platinum 8370C",
            "cores": 2,
            "memory_gib": 7.8,
            "system": "Linux 6.1",
        },
        "versions": {"numpy": "2.4.0", "scikit-learn": "1.9.0", "xgboost": "3.2.0"},
        "tables": {
            "nb201-digits": {
                "title": "NAS-Bench-201 on digits",
                "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "rows": 15625,
                "space": "nasbench201",
                "columns": {
                    "latency": column("latency", "ms", "minimize", "median of 30 batches of 1"),
                    "energy": column("energy", "mJ", "minimize", "of one batch"),
                    "accuracy": column("test accuracy", "%", "maximize", "after 12 epochs"),
                },
            }
        },
    }


def write_run(folder, title="Which predictor for digits on one CPU?"):
    rng = np.random.default_rng(7)
    folder.mkdir(parents=True, exist_ok=True)
    make_study(rng).to_parquet(folder / "study.parquet")
    make_predictions(rng).to_parquet(folder / "predictions.parquet")
    make_simulation(rng).to_parquet(folder / "simulation.parquet")
    make_example(rng).to_parquet(folder / "selection_example.parquet")
    (folder / "run.json").write_text(json.dumps(make_info(title)), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def pristine(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("run"))


@pytest.fixture
def run_folder(pristine, tmp_path):
    """A copy that the test may damage."""
    folder = tmp_path / "run"
    folder.mkdir()
    for path in pristine.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def interval(values):
    """The 95 % interval, by another road than the package's."""
    return stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))


@pytest.fixture(name="interval")
def interval_fixture():
    return interval


LIVE_CONFIG = """title = "{title}"
seed = 0

[data]
name = "digits"

[space]
name = "{space}"

[strategy]
name = "darts"

[trainer]
name = "bilevel"
epochs = {epochs}

[ranking]
target = "nb201-digits:accuracy"
"""
CELL = "|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|avg_pool_3x3~1|nor_conv_1x1~2|"


def write_live_run(folder, title="DARTS on digits", epochs=5, ended=True, **result):
    """The folder of a live search; what was searched is made up."""
    rng = np.random.default_rng(3)
    folder.mkdir(parents=True, exist_ok=True)
    config = LIVE_CONFIG.format(title=title, space="nasbench201", epochs=epochs)
    (folder / "config.toml").write_text(config, encoding="utf-8")
    info = make_info()
    record = {name: info[name] for name in ("started", "machine", "versions")}
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    shares = np.linspace(0.2, 0.9, epochs)
    pd.DataFrame(
        {
            "epoch": np.arange(epochs),
            "learning_rate": 0.1 * (1 - shares),
            "train_loss": 2.3 - shares,
            "train_accuracy": 100 * shares,
            "validation_loss": 2.4 - shares,
            "validation_accuracy": 90 * shares,
            "variance_ratio": [0.0, *shares[1:]],
        }
    ).to_parquet(folder / "metrics.parquet")
    operations = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    pd.DataFrame(
        [
            {
                "epoch": epoch,
                "position": position,
                "operation": name,
                "strength": float(place),
                "probability": 0.2,
            }
            for epoch in range(epochs)
            for position in ("0->1", "0->2", "1->2", "0->3", "1->3", "2->3")
            for place, name in enumerate(operations)
        ]
    ).to_parquet(folder / "strengths.parquet")
    truth = rng.uniform(60, 92, 40)
    cells = [CELL.replace("skip_connect~0", f"{name}~0") for name in operations]
    ranking = pd.DataFrame(
        {
            "architecture": [cells[i % 5] for i in range(40)],
            "accuracy": truth - 10 + rng.normal(0, 4, 40),
            "loss": 1.0 - truth / 100,
        }
    )
    ranking = ranking.assign(score=ranking["accuracy"], true=truth)
    ranking.loc[3, "true"] = np.nan
    ranking = ranking.sort_values("score", ascending=False, ignore_index=True)
    ranking.to_parquet(folder / "ranking.parquet")
    if ended:
        found = {"architecture": CELL, "search_accuracy": 81.5, "test_accuracy": 80.25}
        (folder / "result.json").write_text(json.dumps({**found, "weight_sets": 30, **result}))
        retraining = {"architecture": CELL, "seed": 0, "test_accuracy": 91.5, "parameters": 35170}
        (folder / "retraining.json").write_text(json.dumps(retraining))
    return folder


SKIPS = "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|none~2|"
CONVS = SKIPS.replace("skip_connect", "nor_conv_3x3")
DRAWN = (75.5, 88.0, 90.5, 92.0, 93.5)
SPENT = {"preparation": 6.0, "training": 600.0, "ranking": 0.0, "selection": 54.0}


def held(value, percentile, tau=None):
    """What a result keeps of a true value; the table is made up."""
    names = ("low", "lower_quartile", "median", "upper_quartile", "high")
    large = {"value": 93.75, "rank": 167, "percentile": 98.5}
    return {
        "target": "bench:cifar10.test_accuracy",
        "title": "test accuracy, mean of the seeds",
        "dataset": "cifar10",
        "unit": "%",
        "sha256": "ab" * 32,
        "value": value,
        "rank": 15000,
        "of": 15625,
        "better_than": 0.04,
        "percentile": percentile,
        "best": 94.5,
        "random": {"of": 15284, "mean": 88.5, **dict(zip(names, DRAWN, strict=True))},
        "largest": [
            {"column": "cifar10.parameters", "what": "parameters", **large},
            {"column": "cifar10.flops", "what": "FLOPs", **large},
        ],
        "kendall_tau": tau,
        "quantiles": [10.0, 94.5],
    }


@pytest.fixture(scope="session")
def evidence_folders(tmp_path_factory):
    """Five seeds of DARTS that end in skips, three of GDAS that do not, one of SPOS."""
    place = tmp_path_factory.mktemp("evidence")
    found = []
    for title, values, percentile, chosen, tau in (
        ("DARTS", [54.3] * 5, 2.0, SKIPS, None),
        ("GDAS", [91.0, 92.0, 90.0], 60.0, CONVS, None),
        ("SPOS", [93.0], 90.0, CONVS, 0.25),
    ):
        for seed, value in enumerate(values):
            folder = place / f"{title.lower()}-seed{seed}"
            write_live_run(
                folder, title, epochs=3, truth=held(value, percentile, tau), architecture=chosen
            )
            config = folder / "config.toml"
            strategy = title.lower()
            text = config.read_text().replace("seed = 0", f"seed = {seed}")
            config.write_text(text.replace('name = "darts"', f'name = "{strategy}"'))
            record = json.loads((folder / "run.json").read_text())
            spent = {
                stage: {"seconds": 2 * cpu, "cpu_seconds": cpu + 60 * seed * (stage == "training")}
                for stage, cpu in SPENT.items()
            }
            (folder / "run.json").write_text(json.dumps({**record, "spent": spent}))
            if title != "SPOS":
                _write_epochs(folder, [89.0, 80.0 + seed, value], chosen)
            found.append(folder)
    return found


def _write_epochs(folder, values, chosen):
    path = folder / "metrics.parquet"
    drawn = {f"random_{q}": value for q, value in zip(QUANTILES, DRAWN, strict=True)}
    best = {f"best_random_{q}": value + 0.5 for q, value in zip(QUANTILES, DRAWN, strict=True)}
    pd.read_parquet(path).assign(
        architecture=[CONVS, CONVS.replace("none", "avg_pool_3x3"), chosen],
        true_value=values,
        true_percentile=50.0,
        best_true_value=np.maximum.accumulate(values),
        different=[1.0, 2.0, 3.0],
        **drawn,
        **best,
    ).to_parquet(path)


METRIC = {
    "name": "bench:cifar10.latency",
    "title": "latency on a phone",
    "unit": "ms",
    "direction": "minimize",
    "limit": None,
    "optimised": True,
    "source": "predictor",
    "predictor": "ridge",
    "samples": 60,
}


def write_selection(run, label, title, *, front=False, n=60, known=True, kept=True, **fields):
    """The folder of what was selected from a live search's supernet again; all is made up.

    Parameters
    ----------
    front : whether a front was selected, else one architecture.
    known : whether true values are.
    kept : whether evaluations and the true front are.
    fields : of the result, in place of what stands here.
    """
    rng = np.random.default_rng(5 + len(label))
    folder = run / "selections" / label
    folder.mkdir(parents=True)
    latency = rng.uniform(2, 9, n)
    truth = 94 - 30 / latency - rng.gamma(1, 1, n)
    told = latency + rng.normal(0, 0.4, n)
    chosen = np.argsort(-truth)[: 6 if front else 1]
    result = {
        "label": label,
        "selection": {"name": "nsga2" if front else "evolution", "population": 20},
        "title": title,
        "architecture": CELL,
        "search_accuracy": 81.5,
        "test_accuracy": 80.25,
        "evaluations": n,
        "seconds": 12.5,
        "truth": None,
        "metric": METRIC,
        "selected": len(chosen),
        "front": None,
        "single": None,
    }
    if known and front:
        measures = {"hypervolume_share": 0.912, "igd_plus": 0.021, "epsilon_additive": 0.053}
        result["front"] = {
            **measures,
            "baselines": [
                {
                    "name": "random",
                    "words": "random search by true values",
                    "evaluations": n,
                    "hypervolume_share": 0.874,
                    "igd_plus": 0.034,
                    "epsilon_additive": 0.081,
                }
            ],
        }
    elif known:
        result["single"] = {
            "true_accuracy": float(truth[chosen[0]]),
            "true_metric": float(latency[chosen[0]]),
            "baselines": [
                {
                    "name": "random",
                    "words": "one random architecture on average",
                    "true_accuracy": 86.25,
                    "true_metric": None,
                },
                {
                    "name": "largest",
                    "words": "the largest within the limit",
                    "true_accuracy": 88.75,
                    "true_metric": 8.5,
                },
            ],
        }
    (folder / "result.json").write_text(json.dumps({**result, **fields}), encoding="utf-8")
    if kept:
        pd.DataFrame(
            {
                "evaluation": np.arange(1, n + 1),
                "architecture": [f"{CELL}{i}" for i in range(n)],
                "accuracy": truth - 15 + rng.normal(0, 2, n),
                "loss": 1 - truth / 100,
                "metric": told,
                "true_accuracy": truth if known else np.nan,
                "true_metric": latency if known else np.nan,
                "selected": np.isin(np.arange(n), chosen),
            }
        ).to_parquet(folder / "evaluations.parquet")
        steps = np.linspace(2, 9, 12)
        if known:
            pd.DataFrame(
                {
                    "architecture": [f"best {i}" for i in range(12)],
                    "accuracy": 94 - 30 / steps,
                    "metric": steps,
                }
            ).to_parquet(folder / "true_front.parquet")
    return folder


def write_live_sweep(folder, values=("baseline", "2", "4"), seeds=3):
    """The folder of a sweep with a run's folder for every search."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sweep.toml").write_text(
        'title = "When to split"\nargument = "strategy.split_epoch"\n', encoding="utf-8"
    )
    rows = []
    for place, value in enumerate(values):
        for seed in range(seeds):
            write_live_run(folder / f"{value}-seed{seed}", f"split {value}, seed {seed}")
            rows.append(
                {
                    "value": value,
                    "seed": seed,
                    "kendall_tau": 0.4 + 0.1 * place + 0.01 * seed,
                    "architecture": CELL,
                    "search_accuracy": 80.0 + place,
                    "test_accuracy": 79.0 + seed,
                    "weight_sets": 30,
                }
            )
    pd.DataFrame(rows).to_parquet(folder / "sweep.parquet")
    return folder


@pytest.fixture(scope="session")
def live_folder(tmp_path_factory):
    return write_live_run(tmp_path_factory.mktemp("live") / "live-darts")


@pytest.fixture(name="write_run", scope="session")
def write_run_fixture():
    return write_run


@pytest.fixture(name="write_live_run", scope="session")
def write_live_run_fixture():
    return write_live_run


@pytest.fixture(name="write_selection", scope="session")
def write_selection_fixture():
    return write_selection


@pytest.fixture(name="write_live_sweep", scope="session")
def write_live_sweep_fixture():
    return write_live_sweep


def figures_of(path):
    """The figures of a page by name, as plain data."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(r'<script type="application/json">(.*?)</script>', text, flags=re.DOTALL)
    return {figure["name"]: figure for figure in map(json.loads, found)}


@pytest.fixture(name="figures_of", scope="session")
def figures_of_fixture():
    return figures_of


def words_of(path):
    """The text of a page, without tags, scripts and styles."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).split())


@pytest.fixture(name="words_of", scope="session")
def words_of_fixture():
    return words_of
