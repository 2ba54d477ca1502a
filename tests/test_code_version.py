"""A version tells of every change of what runs, and of no other."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hwbench
from hwbench.code_version import code_version, counted_modules

ROOT = Path(hwbench.__file__).parent.parent

BEFORE = '''"""A module."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from somewhere import Something


def double(x: float = 1.0) -> float:
    """Twice x."""
    return 2 * x  # twice


class Numbers:
    """Of things."""

    ONE = 1
    """The first."""
'''


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write modules of one's own, by the path of their files, where they can be imported."""
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)

    def write(texts):
        for name, text in texts.items():
            path = folder / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        importlib.invalidate_caches()

    return write


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# twice", "# thrice"),
        ('"""A module."""', '"""Another\n\nmodule."""'),
        ('    """Twice x."""\n', ""),
        ('    """The first."""\n', ""),
        ("return 2 * x", "return (\n        2\n        * x\n    )"),
        ("1.0", "1."),
        ("import Something", "import Something, Another"),
    ],
)
def test_what_does_not_run_changes_nothing(write, old, new):
    write({"of_mine": BEFORE})
    before = code_version("of_mine")
    assert old in BEFORE
    write({"of_mine": BEFORE.replace(old, new)})
    assert code_version("of_mine") == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2 * x", "x * 2"),
        ("2 * x", "2.0 * x"),
        ("1.0", "1.5"),
        ("ONE", "TWO"),
        ("class Numbers", "class Numbers(float)"),
        ("TYPE_CHECKING:", "TYPE_CHECKING or 1:"),
        ("if TYPE_CHECKING:\n    from", "from"),
    ],
)
def test_what_runs_changes_it(write, old, new):
    write({"of_mine": BEFORE})
    before = code_version("of_mine")
    assert old in BEFORE
    write({"of_mine": BEFORE.replace(old, new)})
    assert code_version("of_mine") != before


def test_imports_are_found_wherever_they_stand(write):
    write(
        {
            "mine/models": "from . import layers\nfrom .losses import rank as loss\nimport beside",
            "mine/layers": "def make():\n    import mine.deep.parts\n    import numpy",
            "mine/losses": "import json\nfrom sklearn.base import clone\nrank = 1",
            "mine/unused": "import mine.models",
            "mine/deep/parts": "class A:\n    from mine.constants import ONE",
            "mine/constants": "ONE = 1",
            "beside": "from hwbench.predictors.models.mlp import MLP",
        }
    )
    own = [name for name in counted_modules("mine.models") if not name.startswith("hwbench")]
    assert own == [
        *("beside", "mine.constants", "mine.deep.parts"),
        *("mine.layers", "mine.losses", "mine.models"),
    ]
    assert "hwbench.predictors.models.batched_mlp" in counted_modules("mine.models")
    # The package that a module is in runs before it.
    write({"mine/__init__": "import mine.unused"})
    assert {"mine", "mine.unused"} < set(counted_modules("mine.models"))


@pytest.mark.parametrize(
    "text",
    [
        "import hwbench as hb\nclass Mine(hb.Space): train = hb.train_vae",
        "from hwbench import train_vae",
        "import hwbench\nhwbench.train_vae",
    ],
)
def test_names_of_the_public_interface_lead_to_their_modules(write, text):
    write({"mine_too": text})
    assert "hwbench.vae.training" in counted_modules("mine_too")


def test_packages_are_left_out_with_all_that_is_in_them(write):
    write(
        {"mine/models": "import mine.data.rows\nimport mine.database", "mine/data/rows": "ONE = 1"}
    )
    write({"mine/database": "TWO = 2"})
    assert "mine.data.rows" in counted_modules("mine.models")
    kept = counted_modules("mine.models", without=["mine.data"])
    assert [name for name in kept if "data" in name] == ["mine.database"]
    before = [code_version("mine.models"), code_version("mine.models", without=["mine.data"])]
    write({"mine/data/rows": "ONE = 2"})
    after = [code_version("mine.models"), code_version("mine.models", without=["mine.data"])]
    assert [one != other for one, other in zip(before, after, strict=True)] == [True, False]


def test_libraries_and_what_is_not_there_add_nothing():
    nothing = code_version()
    for name in ("sklearn.linear_model", "xgboost", "json", "not_there", "hwbench.not_there", ""):
        assert code_version(name) == nothing


def test_a_package_that_is_installed_counts_where_it_is_named(tmp_path, monkeypatch):
    folder = tmp_path / "site-packages"
    for name in ("plug_in", "library"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("")
    (folder / "plug_in" / "model.py").write_text("import library\nfrom plug_in import parts")
    (folder / "plug_in" / "parts.py").write_text("")
    monkeypatch.syspath_prepend(folder)
    assert counted_modules("plug_in.model") == ["plug_in", "plug_in.model", "plug_in.parts"]


def test_a_file_that_is_no_python_counts_as_it_is(write):
    write({"broken": "def f(:"})
    before = code_version("broken")
    assert before != code_version()
    write({"broken": "def f(::"})
    assert code_version("broken") != before


def test_what_is_loaded_counts_as_it_was_loaded(write, tmp_path):
    write({"loaded": "ONE = 1"})
    module = importlib.import_module("loaded")
    try:
        before = code_version("loaded")
        path = tmp_path / "modules" / "loaded.py"
        path.write_text("ONE = 1_000")
        assert module.ONE == 1
        assert code_version("loaded") == before
        importlib.reload(module)
        assert module.ONE == 1000
        assert code_version("loaded") != before
    finally:
        del sys.modules["loaded"]


# ---------------------------------------------------------------------- a copy of hwbench

VERSIONS = """
import json, sys
from pathlib import Path
import hwbench
from hwbench.code_version import READERS, code_version
from hwbench.predictors.card import list_predictors, predictor_card
from hwbench.predictors.identity import predictor_version
from hwbench.study.identity import CodeVersions

root = Path(hwbench.__file__).parent.parent
assert root == Path(sys.argv[1])

def versions():
    return {
        "trial": CodeVersions.of({}, {}).trial,
        "search": code_version("hwbench.search.run", without=READERS),
        "nasbench201": code_version("hwbench.spaces.nasbench201.space", without=READERS),
        **{name: predictor_version(predictor_card(name)) for name in list_predictors()},
    }

before, changes = versions(), []
for path, old, new in json.loads(sys.argv[2]):
    text = (root / path).read_text()
    assert old in text, path
    (root / path).write_text(text.replace(old, new, 1))
    changes.append(sorted(name for name, version in versions().items() if version != before[name]))
    (root / path).write_text(text)
print(json.dumps(changes))
"""

LIKE_GCN = ["binary_relation_gcn", "bonas", "gcn"]
"""Predictors that are made of the GCN's layers."""

GRAPH_NETWORKS = [*LIKE_GCN, "graph_vae", "nao"]

LIKE_MLP = ["auto", "bananas", "mlp_large", "mlp_small", *GRAPH_NETWORKS]

EDITS = {
    "a comment of the trial": ("hwbench/study/trial.py", "import json", "import json  # text", []),
    "a docstring": ("hwbench/spaces/base.py", '"""', '"""Of all: ', []),
    "a release": ("hwbench/version.py", "__version__ =", '__version__ = "9" +', []),
    "a message": ("hwbench/errors.py", "did you mean", "or is it", []),
    "a page": ("hwbench/report/page.py", "import ", "import json\nimport ", []),
    "the GCN": ("hwbench/predictors/models/gcn.py", "GCN(", "GCN(object, ", LIKE_GCN),
    "graph networks": (
        "hwbench/predictors/models/graph_network.py", "import torch", "import torch, json",
        GRAPH_NETWORKS,
    ),
    "the MLP": ("hwbench/predictors/models/mlp.py", "import torch", "import torch, json", LIKE_MLP),
    "the lookup table": (
        "hwbench/predictors/models/lookup_table.py", "1e-12", "1e-11", ["lookup_table"]
    ),
    "graph VAEs": ("hwbench/vae/decoder.py", "import torch", "import torch, json", ["graph_vae"]),
    "a card it uses": ("predictors/catboost.toml", "depth = 5", "depth = 6", ["auto"]),
    "a space": (
        "hwbench/spaces/nasbench201/space.py", "class ", "TWO = 2\n\n\nclass ", ["nasbench201"]
    ),
    "scores": ("hwbench/study/scores.py", '_tau": 0.0', '_tau": 0.1', ["trial"]),
    "a space more": (
        "hwbench/spaces/registry.py", '"darts":', '"mine": "a:B", "darts":', []
    ),
    "a model more": (
        "hwbench/predictors/registry.py", '"auto":', '"mine": "a:B", "auto":', []
    ),
    "searches": ("hwbench/search/objectives.py", "import numpy", "import numpy, json", ["search"]),
}  # fmt: skip


@pytest.fixture
def copy(tmp_path):
    """A copy of the package and its predictors."""
    root = tmp_path / "copy"
    for name in ("hwbench", "predictors"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def run_in(root, script, *arguments):
    """What a script prints as JSON where the copy is the package."""
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_a_change_is_of_those_whose_code_it_is(copy):
    edits = [edit[:3] for edit in EDITS.values()]
    found = run_in(copy, VERSIONS, str(copy), json.dumps(edits))
    assert dict(zip(EDITS, found, strict=True)) == {
        name: sorted(edit[3]) for name, edit in EDITS.items()
    }


OF_A_STUDY = """
import json
from dataclasses import asdict
from hwbench.predictors.card import list_predictors, predictor_card
from hwbench.search.identity import search_code
from hwbench.search.spec import StrategyChoice
from hwbench.spaces import get_space
from hwbench.study.identity import CodeVersions

space = get_space("nasbench201")
cards = {name: predictor_card(name) for name in list_predictors()}
search = search_code(StrategyChoice(name="random"), space)
print(json.dumps([search, asdict(CodeVersions.of(cards, {"target": space}))]))
"""


def test_how_tables_and_cards_are_read_is_no_part_of_a_study_or_a_search(copy):
    """Their identities hold what was read; a message about a broken file outdates no result."""
    before = run_in(copy, OF_A_STUDY)
    for path in ("toml.py", "assets.py", "tables/table_file.py", "formats/parquet_files.py"):
        file = copy / "hwbench" / path
        file.write_text(file.read_text() + "\nMORE = 1\n")
    assert run_in(copy, OF_A_STUDY) == before
    scores = copy / "hwbench" / "study" / "scores.py"
    scores.write_text(scores.read_text() + "\nMORE = 1\n")
    assert run_in(copy, OF_A_STUDY) != before
