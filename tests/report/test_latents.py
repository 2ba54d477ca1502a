"""The page of latent spaces, from plain data."""

import json
import re
import subprocess

import numpy as np
import pytest

from hwbench.report.latents import MOST_POINTS, LatentPanel, write_latent_page


def panel(title="d-vae", metric="latency", unit="ms", n=50, **changes):
    rng = np.random.default_rng(0)
    made = {
        "title": title,
        "points": rng.normal(size=(n, 2)),
        "explained": (0.6, 0.25),
        "metric": metric,
        "unit": unit,
        "values": rng.normal(size=n),
        "names": tuple(f"arch <{row}>" for row in range(n)),
        "correlation": 0.5,
    }
    return LatentPanel(**{**made, **changes})


MEASURES = [{"file": "a.npz", "accuracy %": "99.90"}]


def figures(text):
    found = re.findall(r'<script type="application/json">(.*?)</script>', text, flags=re.DOTALL)
    return [json.loads(content) for content in found]


def test_panels_of_a_metric_share_their_colours(tmp_path):
    other = panel("d-vae-tmb", values=np.linspace(5, 9, 50))
    energy = panel(metric="energy", unit="mJ", correlation=None)
    path = write_latent_page([panel(), other, energy], MEASURES, "Latents", tmp_path / "a.html")
    text = path.read_text()
    one, two, three = figures(text)
    limits = [
        (f["data"][0]["marker"]["cmin"], f["data"][0]["marker"]["cmax"]) for f in figures(text)
    ]
    assert limits[0] == limits[1] != limits[2]
    assert len(one["data"][0]["x"]) == 50
    assert one["layout"]["xaxis"]["title"]["text"] == "component 1 (60 % of the variance)"
    assert two["data"][0]["text"][0] == "arch &lt;0&gt;<br>5 ms"
    assert three["data"][0]["marker"]["colorbar"]["title"]["text"] == "mJ"
    assert text.count("is 0.500.") == 2
    assert "Coloured by energy (mJ)" in text
    assert "99.90" in text


def test_many_points_are_thinned_and_said(tmp_path):
    path = write_latent_page([panel(n=MOST_POINTS + 10)], [], "Latents", tmp_path / "a.html")
    text = path.read_text()
    assert len(figures(text)[0]["data"][0]["x"]) == MOST_POINTS
    assert "4,000 of 4,010 architectures" in text
    assert 'id="measures"' not in text


def test_titles_cannot_bring_markup(tmp_path):
    path = write_latent_page([panel("<b>x</b>")], MEASURES, "<i>y</i>", tmp_path / "a.html")
    assert not {"<b>x", "<i>y"} & set(re.findall(r"<[bi]>.", path.read_text()))


@pytest.mark.parametrize("n_panels", [1, 3])
def test_a_browser_draws_every_figure_without_an_error(n_panels, tmp_path, chromium):
    panels = [panel(str(place)) for place in range(n_panels)]
    path = write_latent_page(panels, MEASURES, "Latents", tmp_path / "a.html")
    done = subprocess.run(
        [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--virtual-time-budget=10000", "--dump-dom", "--enable-logging=stderr",
            f"--user-data-dir={tmp_path / 'profile'}", path.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )  # fmt: skip
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    assert f'data-drawn="{n_panels}"' in done.stdout
    assert "NaN" not in re.sub(r"<script.*?</script>", "", done.stdout, flags=re.DOTALL)
