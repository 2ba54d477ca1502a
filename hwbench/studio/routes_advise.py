"""Answers about advice: a file of measurements is dropped, and `hwbench advise` works on it."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from hwbench.errors import HwbenchError, unknown_name
from hwbench.files import atomic_path
from hwbench.regular_files import read_regular
from hwbench.results.names import ADVICE_PAGE
from hwbench.spaces import list_spaces
from hwbench.studio.asking import MOST_FILE, body_of, named, require_edit
from hwbench.studio.processes import OWN, Job, log_end
from hwbench.studio.state import Studio, studio_of
from hwbench.studio.summary import FINISHED, RUNNING, STOPPED

ENDINGS = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".xlsx", ".parquet")
PACKED = (".gz", ".bz2", ".xz", ".zst")
PACKABLE = (".csv", ".tsv", ".txt")
MOST_PAGE = 64 << 20
INTERRUPTED = (130, -signal.SIGINT)
USUAL_SPACE = "nasbench201"
_MAIN = re.compile(r"<main>(.*)</main>", re.DOTALL)
_STEPS = re.compile(r"^Next:\n((?:  \S.*:\n    hwbench .*\n)+)", re.MULTILINE)
_STEP = re.compile(r"  (\S.*):\n    (hwbench .*)\n")


async def advise(request: Request) -> Response:
    """Where a file is dropped."""
    spaces = await run_in_threadpool(list_spaces)
    given = request.query_params
    asked = {name: given.get(name, "") for name in ("metric", "work")}
    space = given.get("space", USUAL_SPACE)
    return studio_of(request).pages.answer("advise", spaces=spaces, space=space, **asked)


async def drop(request: Request) -> Response:
    """Keep a file of measurements, and start `hwbench advise` on it."""
    require_edit(request)
    studio, given = studio_of(request), request.query_params
    file = named(request, "file")
    options = {"space": named(request, "space")}
    options |= {name: given[name] for name in ("metric", "work") if given.get(name)}
    content = await body_of(request, MOST_FILE)
    return JSONResponse({"name": await run_in_threadpool(_begin, studio, file, options, content)})


def _begin(studio: Studio, file: str, options: Mapping[str, str], content: bytes) -> str:
    """The name of the advice that was started on a file's content.

    Raises
    ------
    HwbenchError
        Where the file is of another kind, or an option is no such one.
    """
    if options["space"] not in list_spaces():
        raise unknown_name("space", options["space"], list_spaces())
    work = options.get("work", "1")
    if not re.fullmatch(r"[1-9][0-9]{0,8}", work):
        raise HwbenchError(f"work: must be a whole number of units, at least 1, not {work!r}")
    stem, ending = _parts_of(file)
    name = _free_name(studio, f"advise-{stem}")
    path = studio.settings.runs / OWN / f"{name}{ending}"
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    command = ["advise", str(path)]
    for option, value in options.items():
        command += [f"--{option}", value]
    studio.jobs.start(name, [*command, "-o", str(studio.settings.runs / name)])
    return name


def _parts_of(file: str) -> tuple[str, str]:
    """The plain part of a file's name, and its ending.

    Raises
    ------
    HwbenchError
        Where it is of no kind that is read.
    """
    path = Path(file)
    packed = path.suffix.lower() if path.suffix.lower() in PACKED else ""
    kind = Path(path.stem) if packed else path
    ending = kind.suffix.lower()
    if ending not in (PACKABLE if packed else ENDINGS):
        raise HwbenchError(
            f"{file}: must end in {', '.join(ENDINGS)}; {', '.join(PACKABLE)} may be packed as "
            f"{', '.join(PACKED)}"
        )
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", kind.stem).strip("-.")[:60] or "file"
    return stem, ending + packed


def _free_name(studio: Studio, name: str) -> str:
    free, number = name, 2
    while (studio.settings.runs / free).exists() or studio.jobs.get(free) is not None:
        free, number = f"{name}-{number}", number + 1
    return free


async def job(request: Request) -> Response:
    """How far advice is, and what it says."""
    studio, name = studio_of(request), named(request)
    found = await run_in_threadpool(_advice, studio, name)
    return studio.pages.answer("advice", name=name, advice=found)


async def job_part(request: Request) -> Response:
    """The same, for a page that waits for it."""
    studio, name = studio_of(request), named(request)
    found = await run_in_threadpool(_advice, studio, name)
    text = studio.pages.part(
        "advice_parts", "advised", name=name, advice=found, edit=studio.settings.edit
    )
    return HTMLResponse(text)


def _advice(studio: Studio, name: str) -> dict[str, Any]:
    """The state of a command that this studio has started, and the page that it wrote.

    Only such a page is shown: it was made here a moment ago, from what hwbench escapes.
    """
    job = studio.jobs.get(name)
    if job is None or job.command[0] != "advise":
        folder = studio.settings.runs / name
        raise HwbenchError(
            f"{name}: no such advice was asked for since the studio was started; pages of earlier "
            f"ones are files, {folder / ADVICE_PAGE}"
        )
    code = job.exit_code
    log = log_end(studio.settings.runs, name)
    content = None
    if code == 0:
        path = studio.settings.runs / name / ADVICE_PAGE
        text = read_regular(path, most_bytes=MOST_PAGE).decode("utf-8")
        main = _MAIN.search(text)
        content = Markup(main[1]) if main is not None else None  # noqa: S704  see above
    return {
        "running": code is None,
        "state": _state(code),
        "exit_code": code,
        "command": job.words,
        "log": log,
        "seconds": job.seconds,
        "problem": _problem(log, job) if code else "",
        "steps": _steps(log) if code == 0 else [],
        "again": _options_of(job),
        "content": content,
        "folder": str(studio.settings.runs / name),
    }


def _state(code: int | None) -> str:
    if code is None:
        return RUNNING
    return FINISHED if code == 0 else STOPPED if code in INTERRUPTED else "failed"


def _problem(log: str, job: Job) -> str:
    """The line in which the command said what was wrong; it begins with the file's name alone."""
    said = [line for line in log.splitlines() if line.startswith("hwbench: ")]
    return said[-1].removeprefix("hwbench: ").removeprefix(f"{job.log.parent}/") if said else ""


def _steps(log: str) -> list[tuple[str, str]]:
    """What to do next, and its command, as the command line has said it."""
    found = _STEPS.search(log)
    return [] if found is None else _STEP.findall(found[1])


def _options_of(job: Job) -> dict[str, str]:
    """What was asked besides the file, so that it need not be chosen again for another one."""
    names = ("space", "metric", "work")
    pairs = zip(job.command, [*job.command[1:], ""], strict=True)
    return {word[2:]: value for word, value in pairs if word[2:] in names and word[:2] == "--"}


ROUTES = [
    Route("/advise", advise),
    Route("/advise/drop", drop, methods=["POST"]),
    Route("/advise/job", job),
    Route("/advise/part", job_part),
]
