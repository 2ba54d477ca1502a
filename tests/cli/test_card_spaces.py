"""Spaces of others that need no code: a card, their measurements, a predictor."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from hwbench.spaces import get_space
from hwbench.tables import load_table
from hwbench.toml import to_toml

N_LAYERS = 6
N_ROWS = 140


def transformer_layers():
    """Widths, and for each layer heads and feed-forward widths, as in HAT (Wang et al. 2020).

    A number says how many decoder layers there are, and these choose what they attend to.
    """
    layers = {
        "encoder_embedding": ["512", "640"],
        "decoder_embedding": ["512", "640"],
        "decoder_layers": [str(number) for number in range(1, N_LAYERS + 1)],
    }
    for layer in range(1, N_LAYERS + 1):
        layers[f"encoder_feed_forward{layer}"] = ["1024", "2048", "3072"]
        layers[f"encoder_heads{layer}"] = ["4", "8"]
        layers[f"decoder_feed_forward{layer}"] = ["1024", "2048", "3072"]
        layers[f"decoder_self_heads{layer}"] = ["4", "8"]
        layers[f"decoder_cross_heads{layer}"] = ["4", "8"]
        layers[f"decoder_attends{layer}"] = ["last", "last-two", "last-three"]
    return layers


def transformer_latency(chosen):
    number = int(chosen["decoder_layers"])
    encoder, decoder = int(chosen["encoder_embedding"]), int(chosen["decoder_embedding"])
    work = 0.0
    for layer in range(1, N_LAYERS + 1):
        work += encoder * int(chosen[f"encoder_feed_forward{layer}"])
        if layer <= number:
            attended = {"last": 1, "last-two": 2, "last-three": 3}[
                chosen[f"decoder_attends{layer}"]
            ]
            work += 3 * decoder * int(chosen[f"decoder_feed_forward{layer}"]) + 2e5 * attended
    return 20 + work / 4e5


def transformer_cell(chosen):
    """Choices of layers in lists, the others by themselves."""
    listed = {}
    for name, value in chosen.items():
        stem = name.rstrip("0123456789")
        number = value if stem == "decoder_attends" else int(value)
        if stem == name:
            listed[stem] = number
        else:
            listed.setdefault(stem, []).append(number)
    return json.dumps(listed)


def elastic_layers():
    """A once-for-all network: kernel and expansion of 20 blocks, depths of five units."""
    layers = {f"ks{block}": ["3", "5", "7"] for block in range(1, 21)}
    layers |= {f"e{block}": ["3", "4", "6"] for block in range(1, 21)}
    return layers | {f"d{unit}": ["2", "3", "4"] for unit in range(1, 6)}


def elastic_latency(chosen):
    work = 0.0
    for unit in range(5):
        for block in range(4 * unit + 1, 4 * unit + 1 + int(chosen[f"d{unit + 1}"])):
            work += int(chosen[f"e{block}"]) * (4 + int(chosen[f"ks{block}"]) ** 2 / 8)
    return 2 + work / 20


def elastic_cell(chosen):
    """As Once-for-all writes its samples: {"ks": [...], "e": [...], "d": [...]}."""
    return str(
        {
            stem: [
                int(value) for name, value in chosen.items() if name.rstrip("0123456789") == stem
            ]
            for stem in ("ks", "e", "d")
        }
    )


@pytest.mark.parametrize(
    ("layers", "latency", "cell"),
    [
        (transformer_layers(), transformer_latency, transformer_cell),
        (elastic_layers(), elastic_latency, elastic_cell),
    ],
    ids=["encoder-decoder", "kernel-expansion-depth"],
)
def test_a_card_its_measurements_and_a_predictor(
    hwbench, hwbench_home, tmp_path, layers, latency, cell
):
    (hwbench_home / "spaces").mkdir()
    card = {"title": "Of others", "separator": "/", "layers": layers}
    (hwbench_home / "spaces" / "others.toml").write_text(to_toml(card))
    space = get_space("others")
    archs = space.sample(N_ROWS, 0)
    chosen = [
        dict(zip(space.positions, (space.choices[p][op] for p, op in enumerate(arch)), strict=True))
        for arch in archs
    ]
    measured = np.array([latency(each) for each in chosen])
    measured *= 1 + 0.01 * np.random.default_rng(0).standard_normal(N_ROWS)
    path = tmp_path / "measured.csv"
    frame = pd.DataFrame({"config": [cell(each) for each in chosen], "latency_ms": measured})
    frame.to_csv(path, index=False)

    imported = hwbench("tables", "import", "--space", "others", path, "--name", "measured")
    assert imported.code == 0, imported.err
    table = load_table("measured")
    assert np.array_equal(table.archs, archs)
    np.testing.assert_allclose(table.column("latency_ms"), measured, rtol=1e-12)

    model = tmp_path / "latency.hwb"
    fitted = hwbench(
        "fit", "--target", "measured:latency_ms", "--samples", 100, "-o", model, "--json",
        "--predictor", "bayesian_linear_regression",
    )  # fmt: skip
    assert fitted.code == 0, fitted.err
    told = json.loads(fitted.out)
    assert told["held_out"] == 40
    assert told["kendall_tau"] > 0.5

    new = space.sample(60, 1)
    (tmp_path / "new.txt").write_text("\n".join(space.to_strings(new)))
    predicted = hwbench(
        "predict", model, "--architectures", tmp_path / "new.txt", "-o", tmp_path / "predicted.csv"
    )
    assert predicted.code == 0, predicted.err
    found = pd.read_csv(tmp_path / "predicted.csv")
    assert list(found["arch"]) == space.to_strings(new)
    names = [[space.choices[p][op] for p, op in enumerate(arch)] for arch in new]
    true = [latency(dict(zip(space.positions, each, strict=True))) for each in names]
    assert kendalltau(found["prediction"], true).statistic > 0.5
