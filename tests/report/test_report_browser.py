import html
import io
import json
import re
import subprocess

import pandas as pd
import pytest

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


def dump(chromium, path, profile, *flags):
    done = subprocess.run(
        [chromium, *FLAGS, *flags, f"--user-data-dir={profile}", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    # What the browser made of the page, not what the page's scripts say.
    return re.sub(r"<script.*?</script>", "", done.stdout, flags=re.DOTALL)


def test_a_browser_draws_every_figure_without_an_error(pristine, tmp_path, chromium):
    path = write_report(pristine, tmp_path / "report.html")
    drawn = dump(chromium, path, tmp_path / "profile")
    holders = re.split(r'<div class="plot[ "]', drawn)[1:]
    assert len(holders) == 24
    assert 'data-drawn="24"' in drawn
    assert all('class="main-svg"' in holder for holder in holders)
    assert "NaN" not in drawn


PROBE = """
<script>
(async () => {
  const found = {};
  const table = document.querySelector("#ranking-all");
  const column = (n) => [...table.tBodies[0].rows].map((row) => row.cells[n].dataset.value);
  const buttons = table.tHead.querySelectorAll("button");
  found.first = column(5).map(Number);
  buttons[1].click(); found.down = column(1).map(Number);
  buttons[1].click(); found.up = column(1).map(Number);
  buttons[0].click(); found.names = column(0);
  found.sorted = [...table.tHead.rows[0].cells].map((cell) => cell.getAttribute("aria-sort"));

  let blob = null;
  const make = URL.createObjectURL;
  URL.createObjectURL = (given) => { blob = given; return make(given); };
  HTMLAnchorElement.prototype.click = function () { found.file = this.download; };
  document.querySelector("[data-csv=ranking-all]").click();
  found.csv = await blob.text();

  const drawn = () => document.querySelectorAll("#curve-0 .scatterlayer .trace").length;
  const keys = document.querySelectorAll("#curve-0 .key[data-group]");
  found.all = drawn();
  keys[0].click(); found.fewer = drawn();
  found.pressed = document.querySelector("#curve-1 .key[data-group]").getAttribute("aria-pressed");
  keys[0].click(); found.again = drawn();

  const ink = () => document.querySelector("#curve-0 .xtitle").style.fill;
  found.before = [document.documentElement.dataset.theme, ink()];
  document.getElementById("theme").click();
  await new Promise((done) => setTimeout(done, 500));
  found.after = [document.documentElement.dataset.theme, ink()];
  const result = document.createElement("pre");
  result.id = "probe";
  result.textContent = JSON.stringify(found);
  document.body.append(result);
})();
</script>
</body>
"""


@pytest.fixture(scope="module")
def probed(pristine, tmp_path_factory, chromium):
    folder = tmp_path_factory.mktemp("probe")
    path = write_report(pristine, folder / "report.html")
    text = path.read_text(encoding="utf-8")
    path.write_text(PROBE.join(text.rsplit("</body>", 1)), encoding="utf-8")
    found = re.search(r'<pre id="probe">(.*?)</pre>', dump(chromium, path, folder / "profile"))
    return json.loads(html.unescape(found[1]))


def test_a_heading_sorts_its_table(probed):
    assert probed["first"] == sorted(probed["first"], reverse=True)
    assert probed["down"] == sorted(probed["down"], reverse=True)
    assert probed["up"] == sorted(probed["up"])
    assert probed["names"] == sorted(probed["names"])
    assert probed["sorted"] == ["ascending"] + ["none"] * 5


def test_a_table_downloads_as_csv(probed):
    assert probed["file"] == "hwbench-ranking-all.csv"
    table = pd.read_csv(io.StringIO(probed["csv"]))
    assert table.columns[:4].tolist() == [
        "predictor",
        "encoding",
        "kendall_tau_25",
        "kendall_tau_25_low_95",
    ]
    assert len(table) == 9
    for size in (25, 55, 124, 276, 614):
        tau = table[f"kendall_tau_{size}"]
        low, high = table[f"kendall_tau_{size}_low_95"], table[f"kendall_tau_{size}_high_95"]
        assert ((low < tau) & (tau < high)).all()
    assert (table["kendall_tau_614_seeds"] == 5).all()


def test_a_legend_key_switches_its_predictor_everywhere(probed):
    assert probed["fewer"] == probed["all"] - 2
    assert probed["again"] == probed["all"]
    assert probed["pressed"] == "false"


def test_figures_follow_the_theme(probed):
    assert [probed["before"][0], probed["after"][0]] == ["light", "dark"]
    assert probed["before"][1] != probed["after"][1]
