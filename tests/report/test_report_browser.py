import re
import subprocess

from hwbench.report import write_report

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


def test_a_browser_draws_every_figure_without_an_error(pristine, tmp_path, chromium):
    path = write_report(pristine, tmp_path / "report.html")
    done = subprocess.run(
        [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    # What plotly drew into each holder, not what its source says about it.
    drawn = re.sub(r"<script.*?</script>", "", done.stdout, flags=re.DOTALL)
    holders = len(re.findall(r'<div class="plot[ "]', drawn))
    assert holders == 14
    assert f'data-drawn="{holders}"' in drawn
    for holder in re.split(r'<div class="plot[ "]', drawn)[1:]:
        assert 'class="main-svg"' in holder
    assert "NaN" not in drawn
