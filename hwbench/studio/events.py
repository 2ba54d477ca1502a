"""Telling pages that something has changed: server-sent events, made by looking at files' times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from sse_starlette.sse import EventSourceResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hwbench.errors import HwbenchError
from hwbench.studio.folders import inside
from hwbench.studio.index import fingerprint_of
from hwbench.studio.state import Studio, studio_of

INTERVAL = 1.0
"""Seconds between two looks."""


async def events(request: Request) -> Response:
    """A stream that says "changed" whenever a run, or the list of all, is no longer as it was."""
    studio = studio_of(request)
    name = request.query_params.get("name")
    look = (lambda: _list_state(studio)) if name is None else (lambda: _run_state(studio, name))
    return EventSourceResponse(_changes(request, look), ping=15)


async def _changes(request: Request, look: Callable[[], Any]) -> AsyncIterator[dict[str, str]]:
    before = await run_in_threadpool(look)
    count = 0
    yield {"event": "watching", "data": "0"}
    while not await request.is_disconnected():
        await asyncio.sleep(INTERVAL)
        now = await run_in_threadpool(look)
        if now != before:
            before = now
            count += 1
            yield {"event": "changed", "data": str(count)}


def _run_state(studio: Studio, name: str) -> Any:
    job = studio.jobs.get(name)
    started = None if job is None else (job.words, job.exit_code, _size(job.log))
    try:
        summary = studio.index.summary(name)
        path = inside(studio.settings.runs, name)
        return fingerprint_of(path), summary.state, started
    except HwbenchError as error:
        return str(error), started


def _size(log: Any) -> int:
    try:
        return int(log.stat().st_size)
    except OSError:
        return 0


def _list_state(studio: Studio) -> Any:
    return [
        (each.name, each.state, each.changed, studio.bests.get(each)) for each in studio.index.all()
    ]
