"""What the answers of one studio share."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from hwbench.studio.best import Bests
from hwbench.studio.index import RunIndex
from hwbench.studio.processes import Jobs
from hwbench.studio.rates import Rates
from hwbench.studio.rendering import Pages
from hwbench.studio.settings import Settings
from hwbench.studio.watch_page import RunPages


@dataclass(frozen=True)
class Studio:
    """What the answers of one studio share.

    Attributes
    ----------
    settings : of the studio.
    index : all runs.
    bests : the best that each has found.
    rates : how fast they go on.
    jobs : what was started here.
    run_pages : makes the pages of single runs.
    pages : makes answers from templates.
    """

    settings: Settings
    index: RunIndex
    bests: Bests
    rates: Rates
    jobs: Jobs
    run_pages: RunPages
    pages: Pages

    @classmethod
    def of(cls, settings: Settings) -> Studio:
        """What a studio with these settings needs."""
        index, jobs, rates = RunIndex(settings.runs), Jobs(settings.runs), Rates()
        return cls(
            settings,
            index,
            Bests(settings.runs),
            rates,
            jobs,
            RunPages(index, jobs, rates),
            Pages(settings.edit),
        )


def studio_of(request: Request) -> Studio:
    """The studio that a request asks."""
    found: Studio = request.app.state.studio
    return found
