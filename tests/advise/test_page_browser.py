"""The page of advice in a browser: every figure is drawn, nothing is said on the console."""

import re
import shutil
import subprocess

import pytest

from hwbench import advise_on

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=10000",
    "--dump-dom",
    "--enable-logging=stderr",
]


def test_a_browser_draws_every_figure(measured, tmp_path):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("needs chromium")
    advice = advise_on(measured, "nasbench201", predictors=["bayesian_linear_regression"])
    page = advice.save(tmp_path / "advice")["page"]
    done = subprocess.run(
        [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    # What the browser made of the page, not what the page's scripts say.
    drawn = re.sub(r"<script.*?</script>", "", done.stdout, flags=re.DOTALL)
    assert 'data-drawn="5"' in drawn
    assert drawn.count('class="main-svg"') >= 5
    assert "NaN" not in drawn
