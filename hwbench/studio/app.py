"""The application: routes behind a guard, and one line for whatever goes wrong."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hwbench.errors import HwbenchError
from hwbench.studio import routes_advise, routes_configs, routes_runs, routes_tables
from hwbench.studio.events import events
from hwbench.studio.folders import OutsideError
from hwbench.studio.rendering import static_file
from hwbench.studio.security import Guard
from hwbench.studio.settings import Settings
from hwbench.studio.state import Studio, studio_of


def make_app(settings: Settings) -> Starlette:
    """The application of a studio, for any ASGI server.

    Parameters
    ----------
    settings : of the studio.
    """
    studio = Studio.of(settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:  # noqa: ARG001  as it is called
        yield
        studio.bests.close()

    app = Starlette(
        routes=[
            *routes_runs.ROUTES,
            *routes_configs.ROUTES,
            *routes_tables.ROUTES,
            *routes_advise.ROUTES,
            Route("/events", events),
            Route("/static/{version}/{name}", static_file),
        ],
        middleware=[Middleware(Guard, settings=settings)],
        exception_handlers={HwbenchError: _mistake, HTTPException: _refused},
        lifespan=lifespan,
    )
    app.state.studio = studio
    return app


async def _mistake(request: Request, error: Exception) -> Response:
    status = 404 if isinstance(error, OutsideError) or "no such" in str(error) else 400
    return studio_of(request).pages.refusal(request, str(error), status)


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else "an error of the studio"
    return studio_of(request).pages.refusal(request, str(detail), status)
