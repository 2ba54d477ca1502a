"""The commands and their groups."""

from __future__ import annotations

from typing import Annotated

import typer

from hwbench.cli import (
    advise,
    benchmark,
    compress,
    export,
    images,
    leaderboard,
    live,
    models,
    morph,
    new,
    predictors,
    report,
    scenarios,
    search,
    simulate,
    spaces,
    studio,
    study,
    study_results,
    tables,
    vae,
)
from hwbench.cli.groups import with_manners

app = typer.Typer(
    name="hwbench",
    help="Compare hardware-metric predictors for neural architecture search, and learn what their "
    "errors cost the search.\n\nhwbench benchmark --preset quick\n\nhwbench advise my.csv --space "
    "nasbench201",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(name="benchmark")(benchmark.benchmark)
app.command(name="advise")(advise.advise)
app.command(name="export")(export.export)
app.command(name="fit")(models.fit)
app.command(name="predict")(models.predict)
app.add_typer(tables.app, name="tables")
app.add_typer(images.app, name="images")
app.add_typer(predictors.app, name="predictors")
app.add_typer(spaces.app, name="spaces")
study_results.add_to(study.app)
app.add_typer(scenarios.app, name="scenarios")
app.add_typer(study.app, name="study")
app.add_typer(leaderboard.app, name="leaderboard")
app.add_typer(simulate.app, name="simulate")
app.add_typer(search.app, name="search")
app.add_typer(live.app, name="live")
app.command(name="morph")(morph.morph)
app.add_typer(compress.app, name="compress")
app.add_typer(vae.app, name="vae")
app.add_typer(report.app, name="report")
app.command(name="new")(new.new)
app.command(name="check")(new.check)
app.command(name="studio")(studio.studio)


def _version(wanted: bool) -> None:
    if wanted:
        from hwbench import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


with_manners(app)
