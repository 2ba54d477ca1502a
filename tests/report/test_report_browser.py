"""Pages in a headless browser: everything is drawn, in every theme and width, and works."""

import html
import io
import json
import re
import subprocess

import pandas as pd
import pytest

from hwbench.report import write_comparison, write_report

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-file-access-from-files",
    "--virtual-time-budget=10000",
    "--dump-dom",
    "--enable-logging=stderr",
]
DARK = "--blink-settings=preferredColorScheme=0"
LIGHT = "--blink-settings=preferredColorScheme=1"


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


def with_script(path, script, name):
    """A copy of a page with a script of the test's own at its end."""
    text = path.read_text(encoding="utf-8")
    copy = path.with_name(name)
    copy.write_text(f"<script>{script}</script></body>".join(text.rsplit("</body>", 1)))
    return copy


@pytest.fixture(scope="module")
def page(pristine, live_folder, tmp_path_factory):
    """A study, a simulation and a live search on one page."""
    return write_report([pristine, live_folder], tmp_path_factory.mktemp("page") / "page.html")


N_PLOTS = 24 + 4 + 6 + 1
"""Of study and simulation; epochs, architecture weights and ranking of the live search."""

UNFOLD = """
for (const item of document.querySelectorAll("details")) item.open = true;
"""


@pytest.mark.parametrize(("flag", "theme"), [(LIGHT, "light"), (DARK, "dark")])
def test_a_browser_draws_every_figure_without_an_error(page, tmp_path, chromium, flag, theme):
    folded = dump(chromium, page, tmp_path / "folded", flag)
    assert 'data-drawn="1"' in folded  # of the answer; the rest is drawn when it is unfolded
    unfolded = with_script(page, UNFOLD, f"{theme}.html")
    drawn = dump(chromium, unfolded, tmp_path / "profile", flag)
    assert f'data-theme="{theme}"' in drawn
    holders = re.split(r'<div class="plot[ "]', drawn)[1:]
    assert len(holders) == N_PLOTS
    assert f'data-drawn="{N_PLOTS}"' in drawn
    assert all('class="main-svg"' in holder for holder in holders)
    assert "NaN" not in drawn
    assert drawn.count('<svg class="cell"') == 1


NARROW = """
(async () => {
  for (const item of document.querySelectorAll("details")) item.open = true;
  await new Promise((done) => setTimeout(done, 2000));
  while (document.documentElement.dataset.drawn === undefined)
    await new Promise((done) => setTimeout(done, 50));
  const beyond = (item) => item.getBoundingClientRect().right > innerWidth + 1;
  const wide = [...document.querySelectorAll("body *")].filter(
    (item) => !item.closest(".scroll, svg") && beyond(item));
  parent.postMessage(JSON.stringify({
    inner: innerWidth,
    scroll: document.documentElement.scrollWidth,
    wide: wide.map((item) => item.outerHTML.slice(0, 80)),
    drawn: Number(document.documentElement.dataset.drawn),
    requests: performance.getEntriesByType("resource").map((entry) => entry.name),
  }), "*");
})();
"""
FRAME = """<!doctype html><body style="margin: 0"><iframe src="{}" width="390" height="844"
style="border: 0"></iframe><pre id="probe"></pre>
<script>addEventListener("message", (e) => {{ probe.textContent = e.data; }});</script></body>"""


def probed_in_a_frame(chromium, path, folder):
    """What a page that posts to its parent says in the width of a phone."""
    frame = path.with_name("frame.html")
    frame.write_text(FRAME.format(path.name))
    found = re.search(r'<pre id="probe">(.*?)</pre>', dump(chromium, frame, folder))
    return json.loads(html.unescape(found[1]))


def test_a_phone_shows_the_page_without_scrolling_sideways(page, tmp_path, chromium):
    narrow = with_script(page, NARROW, "narrow.html")
    found = probed_in_a_frame(chromium, narrow, tmp_path / "profile")
    assert found["inner"] == 390
    assert found["wide"] == []
    assert found["scroll"] <= 390
    assert found["drawn"] == N_PLOTS


def test_methods_are_shown_on_a_phone(evidence_folders, tmp_path, chromium):
    path = write_report(evidence_folders, tmp_path / "methods.html")
    narrow = with_script(path, NARROW, "narrow.html")
    found = probed_in_a_frame(chromium, narrow, tmp_path / "profile")
    assert found["wide"] == []
    assert found["scroll"] <= 390
    assert found["drawn"] == path.read_text(encoding="utf-8").count('<div class="plot"')


def test_a_comparison_works_in_a_browser(pristine, tmp_path, chromium):
    path = write_comparison(pristine, pristine, tmp_path / "compare.html")
    narrow = with_script(path, NARROW, "narrow.html")
    found = probed_in_a_frame(chromium, narrow, tmp_path / "profile")
    assert found["wide"] == []
    assert found["scroll"] <= 390
    assert found["drawn"] == 2


PROBE = """
(async () => {
  const found = {};
  for (const item of document.querySelectorAll("details")) item.open = true;
  await new Promise((done) => setTimeout(done, 2000));
  const table = document.querySelector("#ranking-all");
  const column = (n) => [...table.tBodies[0].rows].map((row) => row.cells[n].dataset.value);
  const buttons = table.tHead.querySelectorAll("button");
  found.first = column(5).map(Number);
  buttons[1].click(); found.down = column(1).map(Number);
  buttons[1].click(); found.up = column(1).map(Number);
  buttons[0].click(); found.names = column(0);
  found.sorted = [...table.tHead.rows[0].cells].map((cell) => cell.getAttribute("aria-sort"));

  let text = "";
  const Real = Blob;
  window.Blob = function (parts, options) {
    text = parts.join("");
    return new Real(parts, options);
  };
  HTMLAnchorElement.prototype.click = function () { found.file = this.download; };
  found.csv = {};
  for (const button of document.querySelectorAll("[data-csv]")) {
    button.click();
    found.csv[found.file] = text;
  }
  found.tables = {};
  for (const each of document.querySelectorAll("table.data")) {
    const before = each.tBodies[0].rows.length;
    for (const heading of each.tHead.querySelectorAll("button")) {
      heading.click();
      heading.click();
    }
    found.tables[each.id] = before === each.tBodies[0].rows.length;
  }

  const reachable = [...document.querySelectorAll("button, a[href], summary, .scroll, pre")];
  found.reachable = reachable.every((item) => item.tabIndex === 0);
  reachable[5].focus();
  found.focused = document.activeElement === reachable[5];
  const refuse = (event) => { found.refused = event.blockedURI; };
  found.requests = performance.getEntriesByType("resource").map((entry) => entry.name);
  document.addEventListener("securitypolicyviolation", refuse);
  new Image().src = "https://example.org/a.png";

  const drawn = () => document.querySelectorAll("#curve-0 .scatterlayer .trace").length;
  const keys = document.querySelectorAll("#answer-chart .key[data-group]");
  const legend = document.querySelector("#curve-0").closest(".grid").previousElementSibling;
  found.all = drawn();
  keys[0].click(); found.fewer = drawn();
  const same = legend.querySelector(`[data-group="${keys[0].dataset.group}"]`);
  found.pressed = same.getAttribute("aria-pressed");
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
"""


@pytest.fixture(scope="module")
def probed(page, tmp_path_factory, chromium):
    path = with_script(page, PROBE, "probe.html")
    profile = tmp_path_factory.mktemp("probe") / "profile"
    done = subprocess.run(
        [chromium, *FLAGS, LIGHT, f"--user-data-dir={profile}", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    # The probe's own request is refused by the page's policy, which the console says.
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert all("Content Security Policy" in line for line in console)
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout)
    return json.loads(html.unescape(found[1]))


def test_a_heading_sorts_its_table(probed):
    assert probed["first"] == sorted(probed["first"], reverse=True)
    assert probed["down"] == sorted(probed["down"], reverse=True)
    assert probed["up"] == sorted(probed["up"])
    assert probed["names"] == sorted(probed["names"])
    assert probed["sorted"] == ["ascending"] + ["none"] * 5


def test_the_ranking_downloads_as_csv(probed):
    table = pd.read_csv(io.StringIO(probed["csv"]["hwbench-ranking-all.csv"]))
    assert table.columns[:4].tolist() == [
        "predictor",
        "features",
        "kendall_tau_25",
        "kendall_tau_25_low_95",
    ]
    assert len(table) == 10  # and the lookup table, which has one score
    assert table["features"].iloc[-1] == "25 measurements of its own"
    table = table.iloc[:-1]
    for size in (25, 55, 124, 276, 614):
        tau = table[f"kendall_tau_{size}"]
        low, high = table[f"kendall_tau_{size}_low_95"], table[f"kendall_tau_{size}_high_95"]
        assert ((low < tau) & (tau < high)).all()
    assert (table["kendall_tau_614_seeds"] == 5).all()


def test_every_table_sorts_and_downloads(probed):
    assert len(probed["csv"]) == len(probed["tables"]) > 10
    assert all(probed["tables"].values())
    for name, text in probed["csv"].items():
        table = pd.read_csv(io.StringIO(text))
        assert len(table) > 0, name
        assert not any(str(column).startswith("Unnamed") for column in table.columns), name


def test_everything_is_reached_by_keyboard_and_nothing_leaves_the_page(probed):
    assert probed["reachable"]
    assert probed["focused"]
    assert [name for name in probed["requests"] if not name.startswith("data:")] == []
    assert probed["refused"] == "https://example.org/a.png"


def test_a_legend_key_switches_its_predictor_everywhere(probed):
    assert probed["fewer"] == probed["all"] - 2
    assert probed["again"] == probed["all"]
    assert probed["pressed"] == "false"


def test_figures_follow_the_theme(probed):
    assert [probed["before"][0], probed["after"][0]] == ["light", "dark"]
    assert probed["before"][1] != probed["after"][1]


def test_a_page_prints(page, tmp_path, chromium):
    output = tmp_path / "page.pdf"
    flags = [flag for flag in FLAGS if flag != "--dump-dom"]
    subprocess.run(
        [
            chromium,
            *flags,
            f"--print-to-pdf={output}",
            f"--user-data-dir={tmp_path / 'profile'}",
            page.as_uri(),
        ],
        capture_output=True,
        timeout=120,
        check=True,
    )
    pages = len(re.findall(rb"/Type\s*/Page\b", output.read_bytes()))
    assert 2 <= pages <= 12
