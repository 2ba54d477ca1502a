"""Scenarios: TOML files that name a study, a simulation, a search, or several of them."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import PositiveFloat, model_validator

from hwbench.assets import SCENARIOS, assets_folder
from hwbench.search.spec import SearchSpec
from hwbench.simulation.spec import SimulationSpec
from hwbench.study.spec import StudySpec
from hwbench.toml import FrozenModel, read_toml


class Scenario(FrozenModel):
    """A study, a simulation, a search, or several of them, under one title.

    Attributes
    ----------
    title : a line for people.
    description : what it compares, and by what means.
    minutes : about how long it runs on two cores, as measured; None: nobody has measured it.
    study, simulation, search : its parts.
    """

    title: str
    description: str = ""
    minutes: PositiveFloat | None = None
    study: StudySpec | None = None
    simulation: SimulationSpec | None = None
    search: SearchSpec | None = None

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if self.study is None and self.simulation is None and self.search is None:
            raise ValueError("a scenario needs a section [study], [simulation] or [search]")
        return self


def scenario_files() -> dict[str, Path]:
    """Every scenario by name: of hwbench, under `HWBENCH_HOME`/simulations, and of packages."""
    return SCENARIOS.files()


def scenario_path(name: str) -> Path:
    """The file of a scenario: a name, or the path of a `.toml` file.

    Raises
    ------
    HwbenchError
        Where there is no such scenario; the message says the nearest one.
    """
    return SCENARIOS.find(name)


def is_shipped(name: str) -> bool:
    """Whether a scenario, by name or path, is one of hwbench's own, not one that a user wrote."""
    return scenario_path(name).resolve().parent == assets_folder("simulations").resolve()


def load_scenario(name: str) -> Scenario:
    """Read a scenario by name or path.

    Raises
    ------
    HwbenchError
        Where there is none, or its file is broken; the message names file and key.
    """
    return read_toml(scenario_path(name), Scenario)
