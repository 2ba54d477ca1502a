"""Answers about runs: the list, the page of one, a comparison; stopping them and going on."""

from __future__ import annotations

import time

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from hwbench.studio.asking import named, object_of, require_edit
from hwbench.studio.commands import resume_command, retry_command
from hwbench.studio.comparing import compared
from hwbench.studio.folders import inside
from hwbench.studio.state import Studio, studio_of
from hwbench.studio.summary import RUNNING


async def home(request: Request) -> Response:  # noqa: ARG001  as all answers are asked
    """The list of runs is what readers see first."""
    return RedirectResponse("/runs", 303)


async def runs(request: Request) -> Response:
    """The page of all runs."""
    studio = studio_of(request)
    rows = await run_in_threadpool(_rows, studio)
    return studio.pages.answer("runs", rows=rows, folder=str(studio.settings.runs))


async def run_rows(request: Request) -> Response:
    """The table of all runs alone."""
    studio = studio_of(request)
    rows = await run_in_threadpool(_rows, studio)
    return HTMLResponse(studio.pages.part("runs_table", "table", rows=rows))


def _rows(studio: Studio) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for summary in studio.index.all():
        progress, left = summary.current, None
        if summary.state == RUNNING and progress is not None:
            studio.rates.seen(summary.name, progress.done)
            rate = studio.rates.rate(summary.name, progress.done, {"started": summary.started})
            if rate and progress.total:
                left = max(0, progress.total - progress.done) / rate
        rows.append(
            {
                "run": summary,
                "progress": progress,
                "left": left,
                "best": studio.bests.get(summary),
                "ago": max(0.0, time.time() - summary.changed),
            }
        )
    return rows


async def run_page(request: Request) -> Response:
    """The page of a run: its upper part; the report comes after, since it may take seconds."""
    studio, name = studio_of(request), named(request)
    now = await run_in_threadpool(studio.run_pages.now, name)
    return studio.pages.answer("run", now=now, name=name)


async def run_now(request: Request) -> Response:
    """The upper part of a run's page alone."""
    studio, name = studio_of(request), named(request)
    now = await run_in_threadpool(studio.run_pages.now, name)
    return HTMLResponse(studio.pages.part("run_parts", "upper", now=now, edit=studio.settings.edit))


async def run_report(request: Request) -> Response:
    """The report of a run: its contents and its body."""
    studio, name = studio_of(request), named(request)

    def made() -> dict[str, str]:
        sections = studio.run_pages.report(name)
        return {
            "contents": studio.pages.part("run_parts", "report_contents", sections=sections),
            "body": studio.pages.part("run_parts", "report_body", sections=sections),
        }

    return JSONResponse(await run_in_threadpool(made))


async def compare(request: Request) -> Response:
    """Two or more runs side by side."""
    studio = studio_of(request)
    names = list(dict.fromkeys(request.query_params.getlist("name")))
    page = await run_in_threadpool(compared, studio.index, studio.bests, names)
    return studio.pages.answer("compare", page=page, names=names)


async def stop(request: Request) -> Response:
    """Tell what works on a run to stop."""
    require_edit(request)
    studio, name = studio_of(request), str((await object_of(request)).get("name"))
    told = await run_in_threadpool(studio.jobs.stop, name)
    return JSONResponse({"told": told})


async def resume(request: Request) -> Response:
    """Go on with a run, or try what failed in it again."""
    require_edit(request)
    studio, given = studio_of(request), await object_of(request)
    name = str(given.get("name"))

    def start() -> str:
        path = inside(studio.settings.runs, name)
        summary = studio.index.summary(name)
        command = (
            retry_command(path) if given.get("failed") is True else resume_command(summary, path)
        )
        return studio.jobs.start(name, command).words

    return JSONResponse({"started": await run_in_threadpool(start)})


ROUTES = [
    Route("/", home),
    Route("/runs", runs),
    Route("/runs/table", run_rows),
    Route("/run", run_page),
    Route("/run/now", run_now),
    Route("/run/report", run_report),
    Route("/run/stop", stop, methods=["POST"]),
    Route("/run/resume", resume, methods=["POST"]),
    Route("/compare", compare),
]
