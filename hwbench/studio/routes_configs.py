"""Answers about configs: forms of TOML texts, what is wrong with them, what they cost; starting."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hwbench.environment import available_cores
from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.regular_files import read_regular
from hwbench.results.names import CONFIG, SCENARIO, SWEEP
from hwbench.studio.asking import object_of, require_edit
from hwbench.studio.commands import STARTS, in_words, start_command
from hwbench.studio.folders import inside
from hwbench.studio.state import Studio, studio_of
from hwbench.toml import MOST_BYTES, Place, parse_toml

CONFIGS = "configs"
"""The folder, in that of runs, of configs that were started here."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_FILES = {"live": CONFIG, "scenario": SCENARIO, "sweep": SWEEP}


async def configs(request: Request) -> Response:
    """What a config can be begun from."""
    studio = studio_of(request)
    found = await run_in_threadpool(_sources, studio)
    return studio.pages.answer("configs", kinds=found)


def _sources(studio: Studio) -> list[dict[str, Any]]:
    from hwbench.studio.forms.kinds import KINDS

    return [
        {"name": kind.name, "title": kind.title, "sources": _names(studio, kind.name)}
        for kind in KINDS.values()
    ]


def _names(studio: Studio, kind: str) -> list[str]:
    """Texts that a config of a kind may be begun from: recipes, runs, and configs kept here."""
    from hwbench.studio.forms.kinds import kind_named

    found = [f"recipe:{name}" for name in kind_named(kind).recipes()]
    runs = studio.settings.runs
    found += [
        f"run:{name}" for name in studio.index.names() if (runs / name / _FILES[kind]).is_file()
    ]
    if (runs / CONFIGS).is_dir():
        found += [f"config:{path.stem}" for path in sorted((runs / CONFIGS).glob("*.toml"))]
    return found


def _source_text(studio: Studio, kind: str, source: str) -> str:
    from hwbench.studio.forms.kinds import kind_named

    where, _, name = source.partition(":")
    if where == "recipe":
        recipes = kind_named(kind).recipes()
        if name not in recipes:
            raise HwbenchError(f"{source}: no such recipe")
        path = recipes[name]
    elif where == "run":
        path = inside(studio.settings.runs, f"{name}/{_FILES[kind]}")
    elif where == "config":
        path = inside(studio.settings.runs, f"{CONFIGS}/{name}.toml")
    else:
        raise HwbenchError(f"{source}: must begin with recipe:, run: or config:")
    try:
        return read_regular(path, most_bytes=MOST_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise HwbenchError(f"{source}: is no text in UTF-8") from error


async def config(request: Request) -> Response:
    """The page of a config: its form and its text side by side."""
    studio = studio_of(request)
    given = request.query_params
    kind, source = given.get("kind", "live"), given.get("load", "")

    def made() -> dict[str, Any]:
        from hwbench.studio.forms.kinds import kind_named

        about = kind_named(kind)
        text = _source_text(studio, kind, source) if source else 'title = ""\n'
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", source.partition(":")[2]).strip("-.") or kind
        return {
            "kind": about,
            "name": _free_name(studio, name),
            "source": source,
            "sources": _names(studio, kind),
            "cores": available_cores(),
            "shown": _shown(studio, kind, text, f"{name}.toml"),
        }

    return studio.pages.answer("config", **await run_in_threadpool(made))


def _free_name(studio: Studio, name: str) -> str:
    name, number = name[:60], 2
    free = name
    while (studio.settings.runs / free).exists():
        free, number = f"{name}-{number}", number + 1
    return free


def _shown(studio: Studio, kind: str, text: str, where: str) -> dict[str, Any]:
    """What a page shows of a text: its form, what is wrong with it, and how it may be run."""
    from hwbench.studio.forms.kinds import kind_named

    about = kind_named(kind)
    try:
        tree = parse_toml(text, where=where)
    except HwbenchError as error:
        return {"text": text, "form": None, "problems": [_problem((), str(error))], "runs": []}
    problems = about.problems(tree, where)
    form = about.plan.form(tree, problems)
    return {
        "text": text,
        "form": studio.pages.part("form", "whole", root=form),
        "problems": [_problem(place, line) for place, line in problems],
        "runs": about.commands(tree),
    }


def _problem(place: Place, line: str) -> dict[str, str]:
    return {"key": "-".join(map(str, place)), "line": line}


async def form(request: Request) -> Response:
    """The form of a text after some edits, and the text after them."""
    studio, given = studio_of(request), await object_of(request)
    kind, text, where = _asked(given)

    def made() -> dict[str, Any]:
        changed = _edited(studio, kind, text, given.get("edits") or [], where)
        return _shown(studio, kind, changed, where)

    return JSONResponse(await run_in_threadpool(made))


def _asked(given: Mapping[str, Any]) -> tuple[str, str, str]:
    """Kind, text and file name that a request is about."""
    kind, text, name = given.get("kind"), given.get("text"), given.get("name") or "config"
    if not isinstance(kind, str) or not isinstance(text, str) or not isinstance(name, str):
        raise HwbenchError("a config needs a kind, a text and a name")
    return kind, text, f"{name}.toml"


def _edited(studio: Studio, kind: str, text: str, edits: Any, where: str) -> str:
    """A text after edits, each of which is an object with `op` and `place`."""
    from hwbench.studio.forms.edits import Text
    from hwbench.studio.forms.kinds import kind_named
    from hwbench.studio.forms.values import typed

    for edit in edits:
        op, place = edit.get("op"), _place(edit.get("place"))
        if op == "load" and not edit.get("section"):
            text = _source_text(studio, kind, str(edit.get("source")))
            continue
        changed = Text(text)
        if op == "set":
            changed.set(place, typed(str(edit.get("value")), str(edit.get("widget"))))
        elif op == "unset":
            changed.unset(place)
        elif op == "add":
            changed.add(place, str(edit.get("name") or ""))
        elif op == "name":
            name = str(edit.get("name"))
            changed.name(place, name, kind_named(kind).plan.arguments_of(place, name))
        elif op == "load":
            section = str(edit["section"])
            other = parse_toml(_source_text(studio, kind, str(edit.get("source"))), where=where)
            if section not in other:
                raise HwbenchError(f"{edit.get('source')}: has no section [{section}]")
            changed.put(section, other[section])
        else:
            raise HwbenchError(f"{op}: is no edit")
        text = str(changed)
    return text


def _place(given: Any) -> Place:
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(part, str | int) for part in given):
        raise HwbenchError("a place is a list of names and numbers")
    return tuple(given)


async def check(request: Request) -> Response:
    """What is wrong with a config whose text is right: what its tables do not hold."""
    given = await object_of(request)
    kind, text, where = _asked(given)

    def found() -> list[dict[str, str]]:
        from hwbench.studio.forms.kinds import kind_named
        from hwbench.studio.forms.violations import table_problems

        tree = parse_toml(text, where=where)
        if kind != "scenario" or kind_named(kind).problems(tree, where):
            return []
        return [_problem(place, line) for place, line in table_problems(tree, where)]

    return JSONResponse({"problems": await run_in_threadpool(found)})


async def estimate(request: Request) -> Response:
    """What a config will cost."""
    studio, given = studio_of(request), await object_of(request)
    kind, text, where = _asked(given)

    def said() -> str:
        from hwbench.studio.estimates import estimate as estimated

        tree = parse_toml(text, where=where)
        return estimated(kind, tree, text, _workers(given), studio.index)

    return JSONResponse({"line": await run_in_threadpool(said)})


def _workers(given: Mapping[str, Any]) -> int:
    workers = given.get("workers")
    if not isinstance(workers, int) or isinstance(workers, bool) or workers < 1:
        raise HwbenchError(f"workers must be a whole number of at least 1, not {workers!r}")
    return workers


async def command(request: Request) -> Response:
    """The command that runs a config kept as NAME.toml."""
    studio, given = studio_of(request), await object_of(request)
    _, _, where = _asked(given)
    words = _command(given, Path(where), studio.settings.runs / Path(where).stem)
    return JSONResponse({"command": in_words(words)})


def _command(given: Mapping[str, Any], path: Path, folder: Path) -> list[str]:
    part = given.get("run")
    if part not in STARTS:
        raise HwbenchError(f"run must be one of {', '.join(STARTS)}, not {part!r}")
    words = start_command(part, path, folder)
    if part in ("study", "simulation", "search"):
        words += ["--workers", str(_workers(given))]
    return words


async def start(request: Request) -> Response:
    """Write a config into the folder of runs, and start it."""
    require_edit(request)
    studio, given = studio_of(request), await object_of(request)
    kind, text, _ = _asked(given)
    name = str(given.get("name"))

    def begin() -> dict[str, str]:
        from hwbench.studio.forms.kinds import kind_named

        if not _NAME.fullmatch(name):
            raise HwbenchError(
                f"name {name!r}: must be letters, digits, dots, dashes and underscores, at most 80"
            )
        folder = studio.settings.runs / name
        if folder.exists() or name == CONFIGS:
            raise HwbenchError(f"{name}: is there already; choose another name, or resume it")
        path = studio.settings.runs / CONFIGS / f"{name}.toml"
        tree = parse_toml(text, where=f"{name}.toml")
        problems = kind_named(kind).problems(tree, f"{name}.toml")
        if problems:
            raise HwbenchError(problems[0][1])
        words = _command(given, path, folder)
        write_text(path, text)
        return {"started": studio.jobs.start(name, words).words, "name": name}

    return JSONResponse(await run_in_threadpool(begin))


ROUTES = [
    Route("/configs", configs),
    Route("/config", config),
    Route("/config/form", form, methods=["POST"]),
    Route("/config/check", check, methods=["POST"]),
    Route("/config/estimate", estimate, methods=["POST"]),
    Route("/config/command", command, methods=["POST"]),
    Route("/config/start", start, methods=["POST"]),
]
