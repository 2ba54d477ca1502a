"""Speed of fitting, beside the same work done one network at a time: `make bench`."""

import time
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau

import hwbench as hb
from hwbench.predictors.card import predictor_card
from hwbench.predictors.models.mlp import MLP
from hwbench.predictors.tuning import draw, fold_of_rows

N_ARCHS, N_CONFIGURATIONS, N_FOLDS = 276, 50, 5
SPACE = hb.get_space("nasbench201")
ACTIVATIONS = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "hardswish": torch.nn.Hardswish}


@pytest.fixture(scope="module")
def work():
    """Features, targets, folds and configurations of a search for the small MLP."""
    generator = np.random.default_rng(0)
    archs = SPACE.sample(N_ARCHS, seed=0)
    features = SPACE.encode(archs)
    live = SPACE.encode(archs, "live")
    latency = live @ generator.uniform(size=live.shape[1]) + SPACE.flops(archs) / 1e8
    latency += 0.2 * generator.normal(size=N_ARCHS)
    targets = (latency - latency.mean()) / latency.std()
    search = predictor_card("mlp_small").search
    configurations = [
        {name: draw(each, generator) for name, each in search.items()}
        for _ in range(N_CONFIGURATIONS)
    ]
    return features, targets, fold_of_rows(N_ARCHS, N_FOLDS, 0), configurations


def side_by_side(features, targets, folds, configurations):
    return MLP(random_state=0).cross_val_predict(features, targets, folds, configurations)


def one_by_one(features, targets, folds, configurations):
    """A plain loop: a module, PyTorch's own start, Adam, a schedule, shuffled batches."""
    steps, batch_size = MLP().steps, 16
    X, y = torch.from_numpy(features), torch.from_numpy(targets.astype(np.float32))
    predictions = np.empty((len(configurations), len(targets)))
    for place, configuration in enumerate(configurations):
        for fold in range(N_FOLDS):
            torch.manual_seed(fold)
            sizes = [X.shape[1]] + [configuration["width"]] * configuration["n_layers"]
            layers = []
            for a, b in pairwise(sizes):
                layers += [torch.nn.Linear(a, b), ACTIVATIONS[configuration["activation"]]()]
            network = torch.nn.Sequential(*layers, torch.nn.Linear(sizes[-1], 1))
            rate = configuration["learning_rate"]
            optimizer = torch.optim.Adam(network.parameters(), lr=rate)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
            rows = torch.from_numpy(np.flatnonzero(folds != fold))
            step = 0
            while step < steps:
                for batch in rows[torch.randperm(len(rows))].split(batch_size):
                    optimizer.zero_grad()
                    loss = torch.nn.functional.smooth_l1_loss(network(X[batch])[:, 0], y[batch])
                    loss.backward()
                    optimizer.step()
                    schedule.step()
                    step += 1
                    if step == steps:
                        break
            left_out = folds == fold
            with torch.no_grad():
                predictions[place, left_out] = network(X[left_out])[:, 0].numpy()
    return predictions


def quality(predictions, targets):
    return float(np.mean([kendalltau(targets, row).statistic for row in predictions]))


def test_searching_for_a_small_mlp(benchmark, work):
    """All 250 networks side by side; of the plain loop every tenth configuration is timed."""
    features, targets, folds, configurations = work
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        one_by_one(features, targets, folds, [{**configurations[0], "width": 16}])  # imports
        start = time.perf_counter()
        plain = one_by_one(features, targets, folds, configurations[::10])
        seconds = (time.perf_counter() - start) * 10
        found = benchmark.pedantic(side_by_side, args=work, rounds=1, warmup_rounds=0)
    finally:
        torch.set_num_threads(threads)
    ours = benchmark.stats.stats.min if benchmark.stats else float("nan")
    benchmark.extra_info["times faster than one by one"] = round(seconds / ours, 1)
    benchmark.extra_info["tau side by side"] = round(quality(found[::10], targets), 3)
    benchmark.extra_info["tau one by one"] = round(quality(plain, targets), 3)
    assert quality(found[::10], targets) > quality(plain, targets) - 0.02
