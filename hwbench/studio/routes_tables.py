"""Answers about tables and their architectures."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from hwbench.pages.blocks import Section
from hwbench.studio.asking import named
from hwbench.studio.state import studio_of
from hwbench.studio.table_page import architecture_blocks, table_page, tables_listing


async def tables(request: Request) -> Response:
    """The list of all tables."""
    rows, problems = await run_in_threadpool(tables_listing)
    return studio_of(request).pages.answer("tables", rows=rows, problems=problems)


async def table(request: Request) -> Response:
    """The page of a table."""
    name, given = named(request), request.query_params
    page, chosen = await run_in_threadpool(table_page, name, given.get("x"), given.get("y"))
    return studio_of(request).pages.answer("table", name=name, page=page, chosen=chosen)


async def architecture(request: Request) -> Response:
    """The page of an architecture."""
    name, arch = named(request, "table"), named(request, "arch")
    blocks = await run_in_threadpool(architecture_blocks, name, arch)
    section = Section("architecture", "Architecture", blocks)
    return studio_of(request).pages.answer("architecture", name=name, arch=arch, sections=[section])


async def architecture_part(request: Request) -> Response:
    """An architecture alone, for a page that shows its table."""
    name, arch = named(request, "table"), named(request, "arch")
    blocks = await run_in_threadpool(architecture_blocks, name, arch)
    text = studio_of(request).pages.part("parts", "blocks", shown=blocks)
    return HTMLResponse(text)


ROUTES = [
    Route("/tables", tables),
    Route("/table", table),
    Route("/architecture", architecture),
    Route("/architecture/part", architecture_part),
]
