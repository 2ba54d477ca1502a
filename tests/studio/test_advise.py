"""Advice by dropping a file: what is refused, what is started, and what is said of it."""

from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

from hwbench.studio.app import make_app
from hwbench.studio.processes import Job
from hwbench.studio.settings import Settings
from hwbench.tables import load_table

HOST = "http://127.0.0.1:8642"
HOSTILE = "\"><img src=x onerror=alert(1)>'</script>"


@pytest.fixture
def measured():
    """60 latencies of the table that comes with hwbench, as the text of a CSV file."""
    table = load_table("nb201-digits")
    rows = np.random.default_rng(3).choice(len(table), 60, replace=False)
    archs = table.frame["arch"].to_numpy()[rows]
    frame = pd.DataFrame({"arch": archs, "latency_ms": table.column("latency")[rows]})
    return frame.to_csv(index=False)


@pytest.fixture
def client(tmp_path):
    settings = Settings(tmp_path / "runs", edit=True)
    made = TestClient(make_app(settings), base_url=HOST)
    made.get(f"/advise?token={settings.token}")
    return made


def drop(client, file, content="", **options):
    query = {"file": file, "space": "nasbench201", **options}
    return client.post("/advise/drop", params=query, content=content, headers={"Origin": HOST})


@pytest.fixture
def started(monkeypatch):
    """Commands that would have been started."""
    commands = []
    monkeypatch.setattr(
        "hwbench.studio.processes.Jobs.start", lambda _, name, command: commands.append(command)
    )
    return commands


@pytest.mark.parametrize(
    ("file", "options", "said"),
    [
        ("notes.pdf", {}, "notes.pdf: must end in .csv"),
        ("rows.xlsx.gz", {}, "may be packed as"),
        ("mine.csv", {"space": "nasbench202"}, "did you mean 'nasbench201'"),
        ("mine.csv", {"work": "0"}, "work: must be a whole number of units, at least 1, not '0'"),
        ("mine.csv", {"work": "-o x"}, "work: must be a whole number"),
    ],
)
def test_what_is_no_file_of_measurements_is_refused_in_a_line(
    client, tmp_path, started, file, options, said
):
    answer = drop(client, file, "arch,x\n", **options)
    assert answer.status_code == 400
    assert said in answer.text
    assert len(answer.text.splitlines()) == 1
    assert not started
    assert not list(tmp_path.rglob("*.csv"))


@pytest.mark.parametrize(
    ("file", "kept"),
    [
        ("mine.csv", "advise-mine.csv"),
        ("mine.csv.gz", "advise-mine.csv.gz"),
        ("../../etc/passwd.csv", "advise-passwd.csv"),
        (f"{HOSTILE}.csv", "advise-script.csv"),
        ("; rm -rf $(x).tsv", "advise-rm--rf-x.tsv"),
        ("-.csv", "advise-file.csv"),
    ],
)
def test_a_file_is_kept_under_a_plain_name(client, tmp_path, started, file, kept):
    answer = drop(client, file, "content", metric=HOSTILE, work="50")
    name = kept.partition(".")[0]
    assert answer.json() == {"name": name}
    path = tmp_path / "runs" / ".studio" / kept
    assert path.read_text() == "content"
    options = ["--space", "nasbench201", "--metric", HOSTILE, "--work", "50"]
    assert started == [["advise", str(path), *options, "-o", str(tmp_path / "runs" / name)]]


class Ended:
    """A process that has ended."""

    pid = 1

    def __init__(self, code):
        self.code = code

    def poll(self):
        return self.code


@pytest.fixture
def ended(client, tmp_path):
    """A maker of advice that has ended with a code and said something; gives the page's text."""

    def make(code, log, page=None):
        runs = tmp_path / "runs"
        (runs / ".studio").mkdir(parents=True, exist_ok=True)
        path = runs / ".studio" / "advise-mine.log"
        path.write_text(log.format(folder=path.parent))
        if page is not None:
            (runs / "advise-mine").mkdir(exist_ok=True)
            (runs / "advise-mine" / "advice.html").write_text(page)
        command = ["advise", "mine.csv", "--space", "nasbench201", "--metric", "a & b", "-o", "x"]
        job = Job("advise-mine", command, path, Ended(code))
        client.app.state.studio.jobs._jobs["advise-mine"] = job
        page = client.get("/advise/job?name=advise-mine")
        assert page.status_code == 200
        part = client.get("/advise/part?name=advise-mine")
        assert part.text.strip() in page.text
        return part.text

    return make


def test_what_went_wrong_is_said_and_mended_by_another_file(client, ended):
    said = "hwbench: {folder}/advise-mine.csv: holds several <b>columns</b>; `hwbench advise x`\n"
    text = ended(2, f"reading: 0 of 1\n{said}")
    assert 'class="state broken">failed<' in text
    assert ">advise-mine.csv: holds several &lt;b&gt;columns&lt;/b&gt;; <code>hwbench" in text
    link = text.partition('id="again" href="')[2].partition('"')[0].replace("&amp;", "&")
    asked = parse_qs(urlsplit(link).query)
    assert asked == {"space": ["nasbench201"], "metric": ["a & b"]}
    assert 'value="a &amp; b"' in client.get(link).text
    assert "It ended with 1." in ended(1, "Traceback\n")
    assert 'class="state stopped">stopped<' in ended(130, "stopped\n")


def test_the_next_commands_stand_below_the_advice(ended):
    log = "Use ridge.\nNext:\n  predict <all>:\n    hwbench predict m.hwb --all\nmodel: m.hwb\n"
    text = ended(0, log, "<body><main><h2>Summary</h2></main></body>")
    assert "<h2>Summary</h2>" in text
    assert "<dt>Predict &lt;all&gt;</dt>" in text
    assert 'data-copy="hwbench predict m.hwb --all"' in text
    assert "Use ridge." not in text  # the page says that


def test_what_was_not_asked_for_here_is_not_shown(client, tmp_path):
    folder = tmp_path / "runs" / "advise-given"
    folder.mkdir(parents=True)
    (folder / "advice.html").write_text("<main><form action=/run/stop></main>")
    answer = client.get("/advise/job?name=advise-given")
    assert answer.status_code == 404
    assert "<form action=/run/stop" not in answer.text
    assert str(folder / "advice.html") in answer.text


@pytest.mark.slow
def test_a_file_is_dropped_and_advice_comes(browser, serve, measured, tmp_path):
    runs = tmp_path / "runs"
    studio = serve(runs, "--edit")
    browser.view(1280)
    browser.open(studio.address)

    # A file whose column has to be named, chosen from the disk.
    first, *rest = measured.splitlines()
    two = [
        f"{first},energy <img src=x onerror=alert(1)>",
        *(f"{line},{line[-2:]}.5" for line in rest),
    ]
    path = tmp_path / "two.csv"
    path.write_text("\n".join(two))
    browser.open(f"{studio.origin}/advise")
    browser.fill("#work", "1")
    browser.choose_files("#file", path)
    browser.until("document.querySelector('#problem') !== null")
    said = browser.run("document.querySelector('#problem').textContent")
    assert said.startswith("advise-two.csv: holds several columns of numbers (latency_ms, ")
    assert browser.run("document.images.length") == 0
    browser.click("#again")
    browser.until("document.querySelector('#work')?.value === '1'")

    # What is no file of measurements is said at once, and the page stays.
    browser.drop_file("h1", "notes.pdf", "x")
    browser.until("document.querySelector('#said.wrong') !== null")
    assert browser.run("document.querySelector('#said').textContent").startswith("notes.pdf: must")
    browser.key("Escape")
    assert browser.run("document.querySelector('#said').textContent") == ""
    (refused,) = browser.errors
    assert "400" in refused  # the browser's own line on the refusal
    browser.errors.clear()

    browser.drop_file("#drop", "mine.csv", measured)
    browser.until("location.pathname === '/advise/job'")
    browser.run("globalThis.stayed = true")
    browser.until("/cross-validating: \\d/.test(document.querySelector('#log')?.textContent)")
    assert browser.run("document.querySelector('.state').textContent") == "running"
    browser.until("document.querySelector('.state').textContent === 'finished'")
    assert browser.run("stayed") is True
    plots = "[...document.querySelectorAll('.plot')]"
    browser.until(f"{plots}.every((plot) => plot.querySelector('.main-svg') !== null)")
    assert browser.run(f"{plots}.length") >= 4
    steps = browser.run("document.querySelector('.steps').textContent")
    assert "hwbench predict" in steps
    assert f"-o {runs / 'advise-mine-again'}" in steps
    folded = "document.querySelector('#grows details:not([open]) summary')"
    browser.run(f"{folded}.click()")
    browser.view(390, dark=True)
    browser.open(browser.run("location.href"))
    browser.until("document.documentElement.dataset.drawn !== undefined")
    assert browser.run("document.documentElement.scrollWidth") <= 390
    assert browser.errors == []
    assert browser.outside(studio.origin) == []
