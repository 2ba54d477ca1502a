"""The leaderboard's page in a headless browser: figures are drawn, tabs change, links lead on."""

import json
import re
import subprocess
from html import unescape

import hwbench.results.leaderboard as files
from hwbench.leaderboard.page import write_page

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--virtual-time-budget=10000",
    "--dump-dom",
    "--enable-logging=stderr",
)

OPEN_ALL = """
plotlyReady.then(() => {
  for (const item of document.querySelectorAll("details")) item.open = true;
  document.querySelectorAll("#others-sizes [role=tab]")[1].click();
  const hidden = () => {
    const { data } = document.querySelector("#others-curves .js-plotly-plot");
    return data.filter((trace) => trace.visible === false).map((trace) => trace.legendgroup);
  };
  const before = hidden();
  for (const key of document.querySelectorAll("#others-curves .others .key")) key.click();
  document.body.dataset.hidden = JSON.stringify([[...new Set(before)], hidden()]);
});
"""


def test_a_browser_draws_the_page_and_changes_tabs(shipped, tmp_path, chromium, monkeypatch):
    monkeypatch.setattr("hwbench.leaderboard.figures.MOST_SHOWN", 1)
    page = write_page(files.read_board(), tmp_path / "page.html")
    text = page.read_text(encoding="utf-8")
    page.write_text(f"<script>{OPEN_ALL}</script></body>".join(text.rsplit("</body>", 1)))
    done = subprocess.run(
        [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    drawn = re.sub(r"<script.*?</script>", "", done.stdout, flags=re.DOTALL)
    assert drawn.count('class="main-svg"') > 0
    panels = re.findall(r'<div role="tabpanel" id="others-sizes-(\d+)"[^>]*?( hidden="")?>', drawn)
    assert [(number, bool(hidden)) for number, hidden in panels] == [("0", True), ("1", False)]
    # The best is drawn, the others when they are switched on.
    folded = re.search(r"<details class=.others.*?</details>", text, flags=re.DOTALL)[0]
    groups = re.findall(r'data-group="([^"]+)" aria-pressed="false"', folded)
    hidden = json.loads(unescape(re.search(r'data-hidden="([^"]+)"', drawn)[1]))
    assert [sorted(each) for each in hidden] == [sorted(groups), []]
    assert groups
    # Every number leads to a run that the page holds.
    ids = set(re.findall(r'id="([\w.-]+)"', drawn))
    links = set(re.findall(r'<td[^>]*><a href="#([\w.-]+)"', drawn))
    assert links == {"run-hwbench-ours"}
    assert links <= ids
