"""Rules that every command keeps; a new command is held to them without being named here.

An example that can be typed; options that read as sentences, with their default and their unit;
nothing taken for markup; pages as wide as the terminal; `--json`; an output looked at first.
"""

import io
import json
import re
import shlex
from pathlib import Path

import pytest
import typer

from hwbench.cli import help_text, output, output_paths, usage
from hwbench.cli.app import app

ROOT = typer.main.get_command(app)
ROOT_FOLDER = Path(__file__).resolve().parents[2]

UNITS = re.compile(
    r"\b(seconds?|minutes?|milliseconds|ms|rows?|columns? of|images?|architectures?|pixels?|MiB|MB|"
    r"bytes|epochs?|rounds|runs?|passes|repeats|trainings?|processes|threads?|trials?|"
    r"configurations|graphs|vertices|edges|layers?|cells?|channels|outputs?|classes|lines?|"
    r"selections?|candidates?|measurements?|points?|percent(age)?|shares?|weights?|deviations?|"
    r"seeds?|units?|version|dimensions?|latents?|decodings?|degree|power|rate|norm|tau|times|"
    r"number of|fraction|factor|port|loss|momentum|predictors|FLOPs)\b"
)
"""Words of which the help of a number has one: what it counts or measures."""

FRAGMENT = re.compile(r"(Of|And|By which|In which|For so|Also|Instead:) ")
"""How a text begins that can be read only beside the option's name."""


def walk(command, words=("hwbench",), parent=None):
    """Every command and group below a command: its words, itself, its context."""
    context = typer.Context(command, info_name=words[-1], parent=parent)
    yield words, command, context
    for name, each in getattr(command, "commands", {}).items():
        if not each.hidden:
            yield from walk(each, (*words, name), context)


PAGES = {" ".join(words): (command, context) for words, command, context in walk(ROOT)}
COMMANDS = {
    name: page
    for name, page in PAGES.items()
    if not hasattr(page[0], "commands") or (name != "hwbench" and page[0].invoke_without_command)
}


def parameters(name):
    """What can be given to a command, but for what typer adds by itself."""
    command, context = PAGES[name]
    added = ("help", "install_completion", "show_completion")
    return [
        each
        for each in command.get_params(context)
        if each.name not in added and not getattr(each, "hidden", False)
    ]


def plain(text):
    """A page without colours, blanks and line ends."""
    return "".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split())


def runs_alone(group, words):
    """Whether a group of commands is meant itself, and none of its commands."""
    return group.invoke_without_command and (not words or words[0].startswith("-"))


@pytest.mark.parametrize("name", PAGES)
def test_help_has_an_example_that_can_be_typed(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, examples = help_text.split_text(PAGES[name][0].help or "")
    assert examples, f"{name}: its docstring has no paragraph that begins with '{name}'"
    for example in examples:
        assert example == name or example.startswith(f"{name} "), f"{name}: shows '{example}'"
        words = shlex.split(example)[1:]
        command, context = ROOT, None
        while hasattr(command, "commands") and not (context and runs_alone(command, words)):
            context = typer.Context(command, info_name=command.name or "hwbench", parent=context)
            assert words[0] in command.commands, f"{example}: there is no command {words[0]}"
            command = command.commands[words.pop(0)]
        command.make_context(command.name, words, parent=context)  # refuses unknown options


@pytest.mark.parametrize("name", PAGES)
def test_help_says_in_a_sentence_what_a_command_does(name):
    text, _ = help_text.split_text(PAGES[name][0].help or "")
    assert text, f"{name}: has no help"
    assert text[0][0].isupper(), f"{name}: begins with a small letter: {text[0]}"
    for paragraph in text:
        assert paragraph[-1] in ".?!", f"{name}: no end of a sentence: {paragraph}"
    listed = PAGES[name][0].get_short_help_str(limit=10**6)
    assert listed.count("(") == listed.count(")"), f"{name}: is cut in lists of commands: {listed}"


def faults_of(parameter, shown, text):
    """What is wrong with an option's text, in words behind its name."""
    if not re.match(r"[A-Z0-9'`\"{]", text) or not text.endswith("."):
        yield "is no sentence that begins with a capital and ends in a period"
    if len(text.split()) < 3 or FRAGMENT.match(text):
        yield "cannot be understood alone"
    needs_none = parameter.required or (
        help_text.is_flag(parameter) and not parameter.secondary_opts
    )
    if not needs_none and "default" not in help_text.describe(parameter):
        yield "does not say its default, nor that it is required"
    if usage.number_kind(parameter) and not UNITS.search(f"{text} {parameter.metavar}".lower()):
        yield "does not say its unit"
    if "_" in shown.partition(" ")[2] or len(shown) > 34:
        yield "needs a short metavar"


@pytest.mark.parametrize("name", PAGES)
def test_options_are_sentences_with_default_and_unit(name):
    faults = []
    for each in parameters(name):
        shown, text = help_text.name_of(each), each.help or ""
        faults += [f"{name} {shown} {fault}: '{text}'" for fault in faults_of(each, shown, text)]
    assert not faults, "\n" + "\n".join(faults)


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_help_is_as_wide_as_the_terminal_and_holds_all(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    for name, (command, context) in PAGES.items():
        page = re.sub(r"\x1b\[[0-9;]*m", "", command.get_help(context))
        for line in page.splitlines():
            longest = max(map(len, line.split()), default=0)
            assert len(line) <= columns or longest > columns - 8, f"{name}: {line}"
        flat = plain(page)
        for each in parameters(name):
            assert plain(help_text.describe(each)) in flat, f"{name}: {each.name}"


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_finds_can_be_had_as_json(name):
    assert any("--json" in each.opts for each in parameters(name)), f"{name}: has no --json"


@pytest.mark.parametrize("name", COMMANDS)
def test_where_a_command_writes_is_looked_at_before_its_work(name):
    for each in parameters(name):
        if "--output" in each.opts:
            assert each.opts == ["--output", "-o"], f"{name}: {each.opts}"
            assert each.metavar in output_paths.KINDS, (
                f"{name}: -o is made by hwbench.cli.output_paths.output_file or output_folder"
            )


def test_what_can_be_shown_can_be_listed():
    for name in COMMANDS:
        if name.endswith(" show"):
            assert f"{name.removesuffix(' show')} list" in COMMANDS, name


def test_every_option_of_one_name_is_written_the_same_way():
    """A short name stands for one thing all over."""
    short = {}
    for name in PAGES:
        for each in parameters(name):
            for option in each.opts:
                if re.fullmatch(r"-[a-zA-Z]", option):
                    long = next((other for other in each.opts if other.startswith("--")), option)
                    assert short.setdefault(option, long) == long, f"{name}: {option}"


LISTINGS = [
    *(
        name
        for name in COMMANDS
        if name.split()[-1] in ("list", "parts", "runtimes", "benchmarks", "sweeps")
    ),
    *("hwbench predictors show xgboost", "hwbench tables show nb201-digits"),
    *("hwbench tables benchmarks hw-nas-bench", "hwbench spaces formats nasbench201"),
    *("hwbench spaces show nasbench201", "hwbench spaces show fbnet", "hwbench spaces show darts"),
]


def test_all_that_lists_and_shows_is_known():
    """So that a listing of a new command is looked at below."""
    shown = {" ".join(each.split()[:3]) for each in LISTINGS}
    for name in COMMANDS:
        if name.split()[-1] in ("show", "formats"):
            own_text = name in ("hwbench live show", "hwbench scenarios show")  # a file, to copy
            assert name in shown or own_text, f"add an example of {name} to LISTINGS"


@pytest.mark.parametrize("line", LISTINGS)
def test_listings_are_as_wide_as_the_terminal(hwbench, line):
    found = hwbench(*shlex.split(line)[1:], columns=80)
    assert found.code == 0, found
    table = found.out.split("\nNext:\n")[0]  # commands to copy are not broken
    for each in table.splitlines():
        longest = max(map(len, each.split()), default=0)
        assert len(each) <= 80 or longest > 40, each


DOCUMENTED = {
    command: line.partition(" | ")[2]
    for line in (ROOT_FOLDER / "docs" / "json.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
    for command in re.findall(r"`([\w -]+)`", line.split(" | ")[0])
}
OF_CARDS = ("predictors list", "predictors show", "live show", "scenarios show")
"""Their documents are cards and trees, whose keys are documented where these are."""


def test_every_document_is_described():
    assert {f"hwbench {name}" for name in DOCUMENTED} == set(COMMANDS)


@pytest.mark.parametrize("line", LISTINGS)
def test_json_is_one_document_and_nothing_else(hwbench, line):
    found = hwbench(*shlex.split(line)[1:], "--json")
    assert found.code == 0
    assert found.err == ""
    document = json.loads(found.out, parse_constant=pytest.fail)
    words = line.split()
    name = " ".join(words[1:3])
    keys = set(document[0] if isinstance(document, list) else document)
    if name not in OF_CARDS:
        assert keys <= set(re.findall(r"`([^`]+)`", DOCUMENTED[name])), f"{name}: docs/json.md"


def example_of(name):
    """The words of a command's first example, without its own output."""
    words = shlex.split(help_text.split_text(COMMANDS[name][0].help)[1][0])[1:]
    for place, word in enumerate(words):
        if word in ("-o", "--output"):
            del words[place : place + 2]
            break
    return words


WRITING = [
    (name, option)
    for name in COMMANDS
    for option in parameters(name)
    if option.metavar in output_paths.KINDS and option.callback is not None
]


@pytest.mark.parametrize(("name", "option"), WRITING, ids=[f"{n} {o.opts[0]}" for n, o in WRITING])
def test_an_output_that_cannot_be_written_is_found_before_the_work(
    refused, name, option, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    endings = re.findall(r"\.[a-z]+", option.help) or [""]
    ending = {"Parquet": ".parquet", "page": ".html"}.get(option.help.split()[1], endings[0])
    ending = ".html" if "page" in option.help and "HTML" in option.help else ending
    if option.metavar == output_paths.FOLDER:
        ending = ""
    below = Path("file") / f"out{ending}"
    found = refused(*example_of(name), option.opts[0], below)
    assert found == f"{below}: cannot be written (file is a file, no folder)"
    if option.metavar == output_paths.FOLDER:
        assert refused(*example_of(name), option.opts[0], "file").startswith("file: is a file;")
    else:
        (tmp_path / f"folder{ending}").mkdir()
        found = refused(*example_of(name), option.opts[0], f"folder{ending}")
        assert found.startswith(f"folder{ending}: is a folder;")
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ending) in (
        ["file"],
        ["file", "folder"],
        [],
    )


def test_an_output_whose_name_no_file_can_have_is_one_line(refused, tmp_path):
    for line in ("tables export nb201-digits -o", "study run quick -o"):
        kind = ".csv" if "export" in line else ""
        assert "choose another one" in refused(*line.split(), f"{tmp_path}/\udcff{kind}")


@pytest.mark.parametrize(
    "line",
    [
        *("benchmark quick", "study run quick", "search run search-quick", "simulate run quick"),
        *("live run darts --recipe small", "live sweep window", "compress run lenet_300_100"),
        *("export --space nasbench201 --limit 2", "advise my.csv --space nasbench201"),
    ],
)
def test_where_a_command_writes_by_default_is_looked_at_too(refused, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").write_text("")
    assert "cannot be written (runs is a file, no folder)" in refused(*line.split())


def test_a_command_that_is_stopped_says_the_whole_command_to_begin_again(hwbench, monkeypatch):
    def stopped(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("hwbench.predictors.fitting.fit_model", stopped)
    line = ["fit", "--target", "nb201-digits:latency", "--predictor", "ridge", "-o", "my model.hwb"]
    found = hwbench(*line)
    assert found.code == 130
    assert found.out == ""
    again = "hwbench fit --target nb201-digits:latency --predictor ridge -o 'my model.hwb'"
    assert found.err == f"stopped; nothing was written, begin again with: {again}\n"


WRONG = {
    "tabels list": "of hwbench 'tabels'; did you mean 'tables'? use: hwbench tables list",
    "zzzzzz": "see: hwbench --help",
    "tables list --jsno": "did you mean '--json'? use: hwbench tables list --json",
    "tables list here": "tables list: 'here' is one argument too many; use: hwbench tables list",
    "tables show": "tables show: TABLE is missing; use: hwbench tables show TABLE",
    "fit --target a:b": "--output is missing; use: hwbench fit --target a:b --output FILE",
    "fit --target": "option '--target' requires",
    "benchmark --preset quik": "did you mean 'quick'? use: hwbench benchmark --preset quick",
    "simulate expect --tau high": "--tau must be a number, not high",
    "simulate expect --tau nan": "--tau must be a finite number, not nan",
    "simulate expect --tau=-inf": "--tau must be a finite number, not -inf",
    "simulate expect --candidates 1": "--candidates must be a whole number of at least 2, not 1",
    "simulate expect --candidates 1e3": "must be a whole number of at least 2, not 1e3",
    "simulate expect --candidates 99999999999999999999": "--candidates must be at most 92233",
    "simulate expect --accuracy ''": "--accuracy is empty; give a value or leave it out",
    "simulate expect --accuracy=": "--accuracy is empty",
    "spaces show ''": "'' is empty; give a value",
    "spaces show nasbench102": "did you mean 'nasbench101'? use: hwbench spaces show nasbench101",
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_command_line_is_one_line_with_the_way_out(refused, line):
    assert WRONG[line] in refused(*shlex.split(line))


def test_an_error_beside_json_is_the_same_line(refused):
    assert refused("tables", "show", "nb201-digit", "--json").endswith(
        "use: hwbench tables show nb201-digits --json"
    )


def test_brackets_are_shown_as_they_are(hwbench, refused, hwbench_home):
    folder = hwbench_home / "predictors"
    folder.mkdir()
    (folder / "mine.toml").write_text(
        'title = "Mine [red]1[/red]"\nfamily = "[dask]"\npaper = "[link=a]b[/link]"\n'
        'estimator = "sklearn.linear_model:Lasso"\n'
    )
    for command in (["predictors", "list"], ["predictors", "show", "mine"]):
        for columns in (40, 80, 200):
            text = hwbench(*command, columns=columns).out
            assert "Mine [red]1[/red]" in " ".join(text.split())
            assert "[dask]" in text
    assert "'a[b]'" in refused("predictors", "show", "a[b]")
    assert "hwbench[cluster-dask]" in plain(hwbench("study", "run", "--help").out)


def test_a_progress_bar_takes_nothing_for_markup(monkeypatch, hwbench_home):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    text = io.StringIO()
    monkeypatch.setattr("sys.stderr", text)
    with output.progress_bar("fitting a[dask]", seconds=100) as update:
        update(0, 10)
        update(1, 10)
    assert "fitting a[dask]" in text.getvalue()
    assert "left" in text.getvalue()
