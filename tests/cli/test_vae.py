import inspect
import json

import numpy as np
import pytest

from hwbench.cli import vae
from hwbench.vae.checkpoint import load_vae
from hwbench.vae.settings import GraphVAESettings

SMALL = ("--graphs", 60, "--epochs", 1, "--hidden-size", 8, "--latent-size", 6, "--threads", 1)


@pytest.fixture
def trained(hwbench, tmp_path):
    """A VAE that has hardly begun to learn, of the smallest space; gives its path."""
    path = tmp_path / "vae.npz"
    assert hwbench("vae", "train", "transnas_micro", "-o", path, *SMALL).code == 0
    return path


def test_train_says_what_it_came_to_and_goes_on_from_its_file(hwbench, tmp_path):
    path = tmp_path / "vae.npz"
    command = ("vae", "train", "nasbench201", "-o", path, *SMALL, "--variant", "d-vae")
    command += ("--noise-scale", 0.01)
    metric = ("--metric", "nb201-digits:latency", "--labelled", 20)
    told = json.loads(hwbench(*command, *metric, "--json").out)
    assert (told["space"], told["variant"], told["epochs"]) == ("nasbench201", "d-vae", 1)
    assert told["heads"] > 0
    vae = load_vae(path)
    assert vae.settings.metrics == ("nb201-digits:latency",)
    assert (vae.settings.hidden_size, vae.settings.latent_size) == (8, 6)
    assert vae.settings.noise_scale == 0.01
    again = hwbench(*command, *metric)
    assert again.code == 0
    assert "reconstruction" in again.out
    refused = hwbench(*command)
    assert refused.code == 2
    assert "was trained with metrics" in refused.err


def test_train_begins_with_another_vae(hwbench, trained, tmp_path):
    path = tmp_path / "next.npz"
    ours = ("--tallied", "--prior-share", 0.2, "--bidirectional")
    command = ("vae", "train", "transnas_micro", "-o", path, *SMALL, *ours)
    assert hwbench(*command, "--start", trained).code == 0
    settings = load_vae(path).settings
    assert settings.tallied
    assert settings.bidirectional
    assert settings.prior_share == 0.2
    assert settings.start is not None
    refused = hwbench(*command[:3], "-o", path, *SMALL, "--hidden-size", 9, "--start", trained)
    assert refused.code == 2
    assert "has hidden_size = 8, not 9" in refused.err
    refused = hwbench(
        *command[:3], "-o", tmp_path / "way.npz", *SMALL, "--one-way", "--start", trained
    )
    assert refused.code == 2
    assert "has both_ways = True, not False" in refused.err


def test_evaluate_prints_the_measures_of_every_file(hwbench, trained):
    asked = ("--samples", 5, "--decodes", 2, "--threads", 1)
    copy = trained.with_name("copy.npz")
    copy.write_bytes(trained.read_bytes())
    rows = json.loads(hwbench("vae", "evaluate", trained, copy, *asked, "--json").out)
    assert [row["file"] for row in rows] == [str(trained), str(copy)]
    assert {**rows[0], "file": ""} == {**rows[1], "file": ""}
    assert rows[0]["n_test"] == 6
    assert (rows[0]["n_prior"], rows[0]["n_decodes"]) == (5, 2)
    assert 0 <= rows[0]["validity"] <= 100
    assert not rows[0]["join_loose_ends"]
    joined = json.loads(
        hwbench("vae", "evaluate", trained, *asked, "--join-loose-ends", "--json").out
    )
    assert joined[0]["join_loose_ends"]
    chosen = ("--prior", "standard", "--join-loose-ends")
    text = hwbench("vae", "evaluate", trained, *asked, *chosen).out
    assert "standard, loose ends joined" in text
    assert all(name in text for name in ("accuracy %", "validity %", "uniqueness %", "unique"))


def test_evaluate_draws_latents(hwbench, tmp_path):
    path, page = tmp_path / "<vae>.npz", tmp_path / "latents.html"
    hwbench("vae", "train", "nasbench201", "-o", path, *SMALL[2:], "--graphs", 300)
    asked = ("--samples", 5, "--decodes", 2, "--page", page, "--colour", "nb201-digits:latency")
    result = hwbench("vae", "evaluate", path, path, *asked)
    assert result.code == 0, result.err
    assert f"latents: {page}" in result.out
    text = page.read_text()
    assert text.count('<div class="plot"') == 1  # the same file twice is one VAE
    assert "Coloured by" in text
    assert "&lt;vae&gt;" in text
    assert "<vae>" not in text
    assert "30 of 30 architectures" in text


def test_sample_prints_architectures_of_the_space(hwbench, tmp_path):
    path = tmp_path / "vae.npz"
    command = ("vae", "train", "transnas_micro", "-o", path, *SMALL)
    learns = ("--graphs", 1000, "--epochs", 6, "--hidden-size", 32, "--batch-size", 32)
    assert hwbench(*command, *learns, "--learning-rate", 0.005).code == 0
    lines = hwbench("vae", "sample", path, "-n", 50).out.splitlines()
    space = load_vae(path).space
    assert len(lines) == len(set(lines)) > 0
    archs = space.from_strings(lines)
    np.testing.assert_array_equal(space.check(archs), archs)
    assert json.loads(hwbench("vae", "sample", path, "-n", 50, "--json").out) == lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "nasbench202", "-o", "a.npz"), "did you mean 'nasbench201'"),
        (("train", "nasbench_macro", "-o", "a.npz"), "has no encoding 'graph'"),
        (("train", "darts", "-o", "a.npz"), "darts cannot tell the architecture of a graph"),
        (("train", "nasbench201", "-o", "a.pt"), "must end in .npz"),
        (("train", "nasbench201", "-o", "a.npz", "--variant", "dvae"), "unknown variant 'dvae'"),
        (("train", "nasbench201", "-o", "a.npz", "--epochs", 0), "epochs"),
        (("train", "nasbench201", "-o", "a.npz", "--metric", "nb201-digits:lat"), "latency"),
        (("evaluate", "absent.npz"), "absent.npz: no such file"),
        (("evaluate", "absent.npz", "--prior", "normal"), "unknown prior 'normal'"),
        (("evaluate", "absent.npz", "--page", "a.pdf"), "must end in .html"),
        (("evaluate", "absent.npz", "--colour", "a:b"), "name its file with --page"),
        (("sample", "absent.npz"), "absent.npz: no such file"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(refused, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in refused("vae", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_colours_must_be_of_the_space(refused, trained, tmp_path):
    page = ("--page", tmp_path / "latents.html")
    assert "name what colours" in refused("vae", "evaluate", trained, *page)
    message = refused("vae", "evaluate", trained, *page, "--colour", "nb201-digits:latency")
    assert "is of the space nasbench201" in message


def test_the_defaults_of_the_help_are_those_of_the_settings():
    named = {"n_graphs": "graphs", "n_labelled": "labelled"}
    parameters = inspect.signature(vae.train).parameters
    compared = 0
    for name, field in GraphVAESettings.model_fields.items():
        shown = parameters.get(named.get(name, name))
        if shown is not None and name != "start":
            assert shown.default == field.default, name
            compared += 1
    assert compared == 15
