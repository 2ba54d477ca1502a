"""Every command, snippet, card and link of the README and of the documentation works."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest
import typer
import yaml
from scipy.stats import kendalltau

import hwbench
from hwbench.cli.app import app as cli
from hwbench.live.config import config_of
from hwbench.live.sweep import Sweep
from hwbench.predictors import PredictorCard
from hwbench.runs.scenario import Scenario
from hwbench.spaces.card_space import SpaceCard
from hwbench.testing import (
    architecture_strategy_checks,
    predictor_checks,
    search_strategy_checks,
    space_checks,
)

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(path for path in (ROOT / "docs").glob("**/*.md") if "generated" not in path.parts),
]
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in PAGES}
CONTENT = re.compile(r"`HWBENCH_HOME/([\w/-]+\.toml)`[^`]*```toml\n(.*?)```", re.DOTALL)
PUBLIC, SLOW = "tables fetch", "--preset quick"

MY_CSV = """arch,latency
|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|nor_conv_1x1~2|,3.25
|skip_connect~0|+|skip_connect~0|none~1|+|none~0|none~1|nor_conv_1x1~2|,1.5
"""
MY_CSV += "".join(
    f"|{first}~0|+|{second}~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|,{2 + i + j / 10}\n"
    for i, first in enumerate(("none", "nor_conv_1x1", "nor_conv_3x3"))
    for j, second in enumerate(("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3"))
)


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", TEXTS[page], flags=re.DOTALL)


def commands(page):
    lines = [line for block in blocks(page, "console") for line in block.splitlines() if line]
    return [line for line in lines if line.startswith("hwbench ")]


def pages_with(wanted):
    return [page for page in TEXTS if any(map(wanted, commands(page)))]


def everyday(command):
    return SLOW not in command and PUBLIC not in command


@pytest.fixture
def run(tmp_path):
    """Run commands in an own folder, with the files there that a page speaks of."""

    def run_all(page, lines):
        (tmp_path / "my.csv").write_text(MY_CSV)
        home = tmp_path / "home"
        for name, card in CONTENT.findall(TEXTS[page]):
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(card)
        for line in lines:
            result = subprocess.run(
                [sys.executable, "-m", *shlex.split(line)],
                cwd=tmp_path,
                env={**os.environ, "HWBENCH_HOME": str(home)},
                capture_output=True,
                text=True,
                check=False,
            )
            assert result.returncode == 0, f"{line}\n{result.stderr}"

    return run_all


@pytest.mark.parametrize("page", TEXTS)
def test_only_known_kinds_of_commands(page):
    lines = [line for block in blocks(page, "console") for line in block.splitlines() if line]
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    made = {f"make {target}" for target in targets}
    assert set(lines) - set(commands(page)) <= made


TRAINING_PAGES = tuple(
    f"docs/how-to/{name}.md"
    for name in (
        *("advice", "enas", "live", "own-device", "runtimes", "searches", "spiking", "studies"),
        "vae",
    )
)
"""Their commands measure or train for more than 20 seconds."""


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.slow) if page in TRAINING_PAGES else page
        for page in pages_with(everyday)
    ],
)
def test_commands(page, run):
    run(page, filter(everyday, commands(page)))


@pytest.mark.parametrize("page", pages_with(lambda command: PUBLIC in command))
def test_commands_on_a_public_benchmark(page, run, shared_data, monkeypatch):
    monkeypatch.setenv("HWBENCH_MIRROR", str(shared_data / "raw"))
    run(page, [command for command in commands(page) if PUBLIC in command])


@pytest.mark.slow
@pytest.mark.parametrize("page", pages_with(lambda command: SLOW in command))
def test_commands_on_quick_scenarios(page, run):
    run(page, [command for command in commands(page) if SLOW in command])


SHELL_LINES = [
    line for page in TEXTS for block in blocks(page, "sh") for line in block.splitlines() if line
]


@pytest.mark.parametrize("line", [line for line in SHELL_LINES if "hwbench " in line])
def test_commands_that_cannot_be_run_here_have_options_that_exist(line):
    command = re.search(r"hwbench ((?:[a-z][\w-]*\s?)+)", line)[1].split()[:2]
    shown = subprocess.run(
        [sys.executable, "-m", "hwbench", *command, "--help"],
        env={**os.environ, "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    given = re.findall(r"--[\w-]+", line.partition("hwbench")[2])
    assert all(option in shown for option in given)


@pytest.mark.parametrize("page", [page for page in TEXTS if blocks(page, "python")])
def test_python(page, tmp_path, monkeypatch, hwbench_home):
    monkeypatch.chdir(tmp_path)
    module = ModuleType("snippet")  # by which its classes are pickled
    monkeypatch.setitem(sys.modules, "snippet", module)
    names = vars(module)
    for snippet in blocks(page, "python"):
        exec(compile(snippet, page, "exec"), names)  # noqa: S102  our own text
    FOUND_BY_SNIPPETS[page](names)


def checks_passed_by(names):
    """Run the tests of a page's snippets, which are given one check each; gives how many."""
    tests = [found for name, found in names.items() if name.startswith("test_")]
    checks = [(test, check) for test in tests for check in test.pytestmark[0].args[1]]
    for test, check in checks:
        test(check)
    return len(checks)


def says_what_the_readme_does(names):
    assert names["best"].unit == "ms"
    assert names["board"]["predictor"].isin(["flops", "parameters", "operations"]).sum() == 3
    assert names["deviation"].shape == (15625,)
    assert names["X"].shape == (15625, 30)
    assert names["X"].dtype == "float32"
    assert len(names["losses"]) == 50
    assert names["predicted"].shape == (15625,)
    assert kendalltau(names["predicted"], names["latency"])[0] > 0.7


def finds_a_front_within_the_limit(names):
    assert len(names["strategy"].archs) == 200
    assert len(names["found"]) > 0
    assert (names["found"][:, 1] <= 4).all()


def has_a_search_strategy(names):
    assert checks_passed_by(names) == len(search_strategy_checks())


def draws_a_study(names):
    assert len(names["curves"].data) >= 4
    assert Path("curves.html").stat().st_size > 1000
    assert names["calibration"].layout.paper_bgcolor != names["curves"].layout.paper_bgcolor
    assert len(names["errors"].data[1].x) > 100


def gives_a_trained_network(names):
    assert names["labels"].shape == (len(names["images"].test_images),)
    assert names["found"].architecture == names["cells"][0]


def has_a_strategy(names):
    assert checks_passed_by(names) == len(architecture_strategy_checks())


def has_a_space(names):
    assert checks_passed_by(names) == len(space_checks())


def learns_to_rank(names):
    predicted = names["model"].predict(names["space"].encode(names["latency"].archs, "onehot"))
    assert kendalltau(predicted, names["latency"].column("latency_min"))[0] > 0.5
    assert checks_passed_by(names) == len(predictor_checks())


def proposes_near_the_best(names):
    proposed = names["vae"].propose(names["near"])
    assert len(proposed) <= len(names["near"]) == 50
    names["vae"].space.check(proposed)


def advises_and_suggests(names):
    assert 0.5 < names["tau"].low < names["tau"].value < names["tau"].high < 1
    latency = names["table"].column("cifar10.pixel3_latency")
    assert kendalltau(names["predicted"], latency)[0] > 0.5
    assert names["more"].shape == (20, 6)


def grows_and_goes_on(names):
    network = names["wider"].network
    momentum = names["after"].state[network[0].weight]["momentum_buffer"]
    assert momentum.shape == (12, 3, 3, 3)
    before = names["optimizer"].state[names["network"][0].weight]["momentum_buffer"]
    assert momentum[:8].equal(before)


def reads_devices_and_the_official_index(names):
    assert len(names["official"]) == 15625
    assert names["space"].official_index(names["cells"]).tolist() == [0, 1, 2]
    assert list(names["table"].card.columns) == ["latency_ms_a", "latency_ms_b"]


def reads_what_a_command_prints(names):
    assert names["milliseconds"] == pytest.approx([0.412])


def makes_a_table(names):
    assert names["table"].column("latency").tolist() == [1.0, 2.5]
    assert names["report"].rows_kept == 2


def gives_a_gradient(names):
    assert names["board"]["status"].eq("chosen").sum() == 1
    assert names["predicted"].shape == (1,)
    assert list(names["frame"]) == ["arch", "prediction", "deviation"]
    assert Path("latency.hwb").exists()
    gradient = names["weights"].grad
    # The longest of all operations, on every edge, against none.
    assert bool((gradient[:, 3] > gradient[:, 0]).all())


def makes_a_network_smaller(names):
    found = names["found"]
    assert found.flops <= 0.3 * found.whole_flops
    assert found.accuracy > 70
    import torch

    assert names["network"](3, 10)(torch.zeros(2, 3, 16, 16)).shape == (2, 10)


def keeps_what_it_has_exported(names):
    assert len(names["made"].written) == names["again"].kept == 3
    assert names["again"].written == ()
    assert set(names["manifest"]["format"]) == {"onnx opset 13"}
    assert all((names["made"].folder / file).is_file() for file in names["manifest"]["file"])


def reads_the_leaderboard(names):
    assert len(names["scores"]) > 1000
    assert set(names["scores"]["run"]) == set(names["runs"])
    assert names["curves"].index.names == ["target", "predictor"]


def has_accuracies_of_both(names):
    assert (names["digits"].table.archs == names["cifar"].table.archs).all()


FOUND_BY_SNIPPETS = {
    "README.md": says_what_the_readme_does,
    "docs/how-to/advice.md": advises_and_suggests,
    "docs/how-to/board.md": keeps_what_it_has_exported,
    "docs/how-to/compress.md": makes_a_network_smaller,
    "docs/findings.md": has_accuracies_of_both,
    "docs/how-to/leaderboard.md": reads_the_leaderboard,
    "docs/how-to/live.md": gives_a_trained_network,
    "docs/how-to/own-live-strategy.md": has_a_strategy,
    "docs/how-to/own-search-strategy.md": has_a_search_strategy,
    "docs/how-to/measurement-files.md": reads_devices_and_the_official_index,
    "docs/how-to/morphisms.md": grows_and_goes_on,
    "docs/how-to/own-numbers.md": makes_a_table,
    "docs/how-to/predictor-in-a-search.md": gives_a_gradient,
    "docs/how-to/own-predictor.md": learns_to_rank,
    "docs/how-to/own-space.md": has_a_space,
    "docs/how-to/reports.md": draws_a_study,
    "docs/how-to/runtimes.md": reads_what_a_command_prints,
    "docs/how-to/searches.md": finds_a_front_within_the_limit,
    "docs/how-to/vae.md": proposes_near_the_best,
}


@pytest.mark.parametrize("page", [page for page in TEXTS if blocks(page, "toml")])
def test_cards(page):
    for card in blocks(page, "toml"):
        content = tomllib.loads(card)
        if "strategy" in content:
            config_of(content, where=page)
            continue
        kinds = {"layers": SpaceCard, "study": Scenario, "values": Sweep}
        model = next((kinds[key] for key in kinds if key in content), PredictorCard)
        if "accuracy" in content.get("search", {}):  # else it is what tuning may search
            model = Scenario
        model.model_validate(content)


LINKS = [
    (page, target)
    for page, text in TEXTS.items()
    for target in re.findall(r"\]\((?!https?:)([\w./-]+)(?:#[\w-]+)?\)", text)
]


def test_links_lead_somewhere():
    assert {"README.md", "CONTRIBUTING.md", "docs/stability.md"} <= {page for page, _ in LINKS}
    broken = [
        (page, target)
        for page, target in LINKS
        if "generated/" not in target and not (ROOT / page).parent.joinpath(target).exists()
    ]
    assert not broken


def headings(page):
    """The anchors of a page's headings, as they are made of their words."""
    text = re.sub(r"```.*?```", "", TEXTS[page], flags=re.DOTALL)
    titles = re.findall(r"^#{1,3} (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_inside_pages_lead_to_a_heading():
    found = [
        (page, str((ROOT / page).parent.joinpath(target).resolve().relative_to(ROOT)), anchor)
        for page, text in TEXTS.items()
        for target, anchor in re.findall(r"\]\((?!https?:)([\w./-]*)#([\w.-]+)\)", text)
        if "generated/" not in target
    ]
    of_page = [(page, page if (ROOT / to).is_dir() else to, anchor) for page, to, anchor in found]
    assert len(of_page) > 10
    assert [each for each in of_page if each[2] not in headings(each[1])] == []


def documented_commands(group, words=()):
    """The commands below a group of click's, as words, with all that their help says."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from documented_commands(command, (*words, name))
        else:
            options = (getattr(parameter, "help", None) or "" for parameter in command.params)
            yield (*words, name), command.help or "", " ".join(options)


def test_help_says_what_is_experimental():
    page = TEXTS["docs/stability.md"].partition("**Experimental**")[2]
    named = {tuple(each.split()) for each in re.findall(r"^\| `hwbench ([a-z -]+)`", page, re.M)}
    commands = list(documented_commands(typer.main.get_command(cli)))
    assert {words for words, text, _ in commands if "xperimental" in text} == named
    assert len(named) >= 1
    for words, _, options in commands:
        assert ("cuda" in options) == ("cuda (experimental)" in options), words


def test_floors_are_those_of_the_import_contracts():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = contracts["contracts"][0]["layers"]
    rows = re.findall(r"^\| (\d+) \| (.*?) \|", TEXTS["CONTRIBUTING.md"], flags=re.MULTILINE)
    assert [int(floor) for floor, _ in rows] == list(range(len(layers), 0, -1))
    assert [set(re.findall(r"`(\w+)`", packages)) for _, packages in rows] == [
        set(layer.split(" | ")) for layer in layers
    ]


def test_news_are_a_sentence_each_of_a_known_kind():
    fragments = [path for path in (ROOT / "news").iterdir() if path.name != "README.md"]
    for path in fragments:
        assert re.fullmatch(r"\+[\w-]+\.(added|changed|fixed|removed)\.md", path.name), path
        text = path.read_text(encoding="utf-8")
        assert re.fullmatch(r"[^\n]+\.\n", text), path
    assert "<!-- towncrier release notes start -->" in (ROOT / "CHANGELOG.md").read_text()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The documentation as HTML; a warning is an error."""
    folder = tmp_path_factory.mktemp("docs")
    command = ["-m", "sphinx", "-q", "-W", "--keep-going", "-d", folder / "trees"]
    result = subprocess.run(
        [sys.executable, *command, ROOT / "docs", folder / "html"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return folder / "html"


def test_the_documentation_names_everything_public(built):
    text = (built / "genindex.html").read_text(encoding="utf-8")
    missing = [
        name
        for name in hwbench.__all__
        if f"#hwbench.{name}" not in text and f".{name}" not in text
    ]
    assert not missing


def test_a_page_for_every_predictor(built):
    for name in hwbench.list_predictors():
        assert (built / "generated" / "predictors" / f"{name}.html").exists()


class Anchors(HTMLParser):
    """What a page has that links can lead to, and its own links."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links = set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, _tag, attributes):
        found = dict(attributes)
        self.ids |= {found[key] for key in ("id", "name") if found.get(key)}
        self.links += [found[key] for key in ("href", "src") if found.get(key)]


def dead_links(folder):
    """Links of a site that lead to no file of it, or to no place in one."""
    pages = {path.resolve(): Anchors(path) for path in folder.glob("**/*.html")}
    dead = []
    for path, page in pages.items():
        for link in page.links:
            place, _, anchor = link.partition("#")
            place = unquote(place.partition("?")[0])
            if re.match(r"[a-z]+:", place):
                continue
            target = (path.parent / place).resolve() if place else path
            known = target not in pages or not anchor or unquote(anchor) in pages[target].ids
            if not target.exists() or not known:
                dead.append((str(path.relative_to(folder.resolve())), link))
    return dead


def test_a_dead_link_is_found(tmp_path):
    links = '<a href="b.html#there">1</a><a href="b.html#gone">2</a><a href="c.html">3</a>'
    (tmp_path / "a.html").write_text(f'{links}<a href="#here" id="here">4</a><a href="#no">5</a>')
    (tmp_path / "b.html").write_text('<h1 id="there">b</h1><a href="https://c.org/#x">6</a>')
    gone = [("a.html", link) for link in ("b.html#gone", "c.html", "#no")]
    assert dead_links(tmp_path) == gone


def test_no_link_of_the_documentation_is_dead(built):
    assert dead_links(built) == []


def test_the_documentation_asks_nothing_of_other_servers(built):
    pages = list(built.glob("**/*.html"))
    assert len(pages) > len(PAGES) - 2  # README and CONTRIBUTING are no pages of it
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"<(?:script|img|link|iframe)[^>]+(?:src|href)=\"https?:", text), page


def test_citation():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == hwbench.__version__
    assert citation["license"] == "Apache-2.0"
    assert {"message", "title", "authors", "abstract", "keywords"} <= set(citation)
