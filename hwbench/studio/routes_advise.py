"""Answers about advice: a file of measurements is dropped, and `hwbench advise` works on it."""

from __future__ import annotations

import re
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
from hwbench.studio.processes import OWN, log_end
from hwbench.studio.state import Studio, studio_of

ENDINGS = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".xlsx", ".parquet")
MOST_PAGE = 64 << 20
_MAIN = re.compile(r"<main>(.*)</main>", re.DOTALL)


async def advise(request: Request) -> Response:
    """Where a file is dropped."""
    spaces = await run_in_threadpool(list_spaces)
    return studio_of(request).pages.answer("advise", spaces=spaces)


async def drop(request: Request) -> Response:
    """Keep a file of measurements, and start `hwbench advise` on it."""
    require_edit(request)
    studio, given = studio_of(request), request.query_params
    space, metric = named(request, "space"), given.get("metric", "")
    file = named(request, "file")
    content = await body_of(request, MOST_FILE)

    def begin() -> dict[str, str]:
        if space not in list_spaces():
            raise unknown_name("space", space, list_spaces())
        ending = Path(file).suffix.lower()
        if ending not in ENDINGS:
            raise HwbenchError(f"{file}: must end in {', '.join(ENDINGS)}")
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(file).stem).strip("-.")[:60] or "file"
        name = _free_name(studio, f"advise-{stem}")
        path = studio.settings.runs / OWN / f"{name}{ending}"
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
        command = ["advise", str(path), "--space", space]
        command += ["-o", str(studio.settings.runs / name)]
        command += ["--metric", metric] if metric else []
        studio.jobs.start(name, command)
        return {"name": name}

    return JSONResponse(await run_in_threadpool(begin))


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
    text = studio.pages.part("advice_parts", "advised", name=name, advice=found)
    return HTMLResponse(text)


def _advice(studio: Studio, name: str) -> dict[str, Any]:
    """The state of a command that this studio has started, and the page that it wrote.

    Only such a page is shown: it was made here a moment ago, from what hwbench escapes.
    """
    job = studio.jobs.get(name)
    if job is None or job.command[0] != "advise":
        raise HwbenchError(f"{name}: no such advice was asked for since the studio was started")
    content = None
    if job.exit_code == 0:
        path = studio.settings.runs / name / ADVICE_PAGE
        text = read_regular(path, most_bytes=MOST_PAGE).decode("utf-8")
        main = _MAIN.search(text)
        content = Markup(main[1]) if main is not None else None  # noqa: S704  see above
    return {
        "running": job.running,
        "exit_code": job.exit_code,
        "command": job.words,
        "log": log_end(studio.settings.runs, name),
        "content": content,
        "folder": str(studio.settings.runs / name),
    }


ROUTES = [
    Route("/advise", advise),
    Route("/advise/drop", drop, methods=["POST"]),
    Route("/advise/job", job),
    Route("/advise/part", job_part),
]
