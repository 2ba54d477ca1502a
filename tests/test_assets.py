"""Content is hwbench's, the user's, and that of packages; a name has one owner."""

import pytest

from hwbench.assets import PREDICTORS, SPACES, TABLES, live_content
from hwbench.predictors import list_predictors, make_predictor, predictor_card
from hwbench.spaces import get_space, list_spaces

CARD = """
title = "Nearest"
family = "of my own"
paper = "none"
estimator = "sklearn.neighbors:KNeighborsRegressor"
"""
SPACE = 'title = "Mine"\nlayers = 3\nchoices = ["a", "b"]\n'


def test_a_package_brings_content_and_is_not_imported(install, hwbench_home):
    files = {
        "my_parts/__init__.py": "1 / 0",
        "my_parts/predictors/mine.toml": CARD,
        "my_parts/spaces/my_space.toml": SPACE,
        "my_parts/data/mine.parquet": "no table",
        "my_parts/simulations/live/published/mine.toml": "",
    }
    install("my-parts", {"content": {"mine": "my_parts"}}, files)
    assert "mine" in list_predictors()
    assert predictor_card("mine").title == "Nearest"
    assert make_predictor("mine", space="my_space").space is get_space("my_space")
    assert "my_space" in list_spaces()
    assert TABLES.find("mine").name == "mine.parquet"
    assert "mine" in live_content("published").files()
    assert PREDICTORS.hidden() == SPACES.hidden() == []


@pytest.mark.parametrize("path", ["no_such_package", "my_parts_module", "broken.inside"])
def test_a_package_without_a_folder_is_named(install, hwbench_home, path):
    files = {"my_parts_module.py": "", "broken/__init__.py": "1 / 0"}
    install("my-parts", {"content": {"mine": path}}, files)
    (line,) = PREDICTORS.hidden()
    assert line.startswith("content of the package my-parts 1.0")
    assert path in line
    assert line.endswith("mend it or uninstall it")
    assert "ridge" in list_predictors()


def test_who_has_a_name_that_several_give(install, hwbench_home):
    for package in ("b-parts", "a-parts"):
        folder = package.replace("-", "_")
        names = ("ridge", "mine", "theirs")
        cards = {f"{folder}/predictors/{name}.toml": CARD for name in names}
        install(package, {"content": {"x": folder}}, {f"{folder}/__init__.py": "", **cards})
    own = hwbench_home / "predictors"
    own.mkdir()
    for name in ("ridge", "mine"):
        (own / f"{name}.toml").write_text(CARD)
    files = PREDICTORS.files()
    assert predictor_card("ridge").title == "Ridge regression"
    assert files["mine"].parent == own
    assert files["theirs"].parts[-3] == "a_parts"
    told = [line.split(" is left out: ") for line in PREDICTORS.hidden()]
    assert [(path.split("/")[-3:], reason.removesuffix(" has a predictor of that name"))
            for path, reason in told] == [
        (["home", "predictors", "ridge.toml"], "hwbench"),
        (["a_parts", "predictors", "mine.toml"], "HWBENCH_HOME"),
        (["a_parts", "predictors", "ridge.toml"], "hwbench"),
        (["b_parts", "predictors", "mine.toml"], "HWBENCH_HOME"),
        (["b_parts", "predictors", "ridge.toml"], "hwbench"),
        (["b_parts", "predictors", "theirs.toml"], "a-parts 1.0"),
    ]  # fmt: skip
