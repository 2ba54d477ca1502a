"""The core does without the libraries of extras, and what needs one says so in one line."""

import json
import os
import pickle
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from hwbench import extras
from hwbench.errors import HwbenchError
from hwbench.extras import EXTRAS, MissingExtraError, extra_of, missing_extra, remedy
from hwbench.predictors.registry import EXTRA_OF, MODELS

ROOT = Path(__file__).resolve().parent.parent
OWN_TOOLS = {"all", "dev", "docs", "test"}
DISTRIBUTIONS = {
    "yaml": "pyyaml",
    "pynvml": "nvidia-ml-py",
    "torch_pruning": "torch-pruning",
    "sse_starlette": "sse-starlette",
}


def without_extras(code, *, home):
    """What code finds, in a process in which no library of an extra is."""
    result = subprocess.run(
        [sys.executable, ROOT / "tests" / "without_extras.py", code],
        env={**os.environ, "HWBENCH_HOME": str(home), "COLUMNS": "200", "PYTHONPATH": str(ROOT)},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    line = result.stdout.splitlines()[-1]
    return json.loads(line.removeprefix("found:"))


def test_the_table_of_extras_is_that_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = project["optional-dependencies"]
    assert set(EXTRAS) == set(listed) - OWN_TOOLS
    assert set(re.findall(r"[\w-]+", listed["all"][0].partition("[")[2])) == set(EXTRAS)
    core = {re.split(r"[^\w-]", each)[0] for each in project["dependencies"]}
    for extra, modules in EXTRAS.items():
        names = {re.split(r"[^\w-]", each)[0] for each in listed[extra]}
        for module in modules:
            assert DISTRIBUTIONS.get(module, module) in names, extra
            assert DISTRIBUTIONS.get(module, module) not in core


def test_each_module_is_of_the_distribution_that_it_is_said_to_be_of():
    installed = packages_distributions()
    for modules in EXTRAS.values():
        for module in set(modules) & set(installed):
            wanted = DISTRIBUTIONS.get(module, module)
            assert wanted in {name.lower() for name in installed[module]}


def test_an_error_is_one_of_hwbench_and_of_imports(monkeypatch):
    monkeypatch.setattr(extras, "is_there", lambda module: module != "torch")
    error = MissingExtraError("predictor gcn", "torch")
    assert isinstance(error, HwbenchError)
    assert isinstance(error, ModuleNotFoundError)
    assert (error.owner, error.name, error.extra) == ("predictor gcn", "torch", "torch")
    assert str(error) == (
        "predictor gcn needs torch, which is not installed: pip install 'hwbench[torch]' "
        f"(without a GPU, before it: {extras.CPU_RECIPE})"
    )
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  its own
    assert (type(again), str(again)) == (MissingExtraError, str(error))
    assert str(error.of("hwbench live run")).startswith("hwbench live run needs torch")
    assert remedy("boost", "search") == "pip install 'hwbench[boost,search]'"


@pytest.mark.parametrize(
    ("name", "extra", "said"),
    [
        ("optuna", "", "search"),
        ("optuna.samplers", "tpe", "tpe"),
        ("optuna", "boost", "search"),
        ("xgboost", "", "boost"),
        ("numpy", "", None),
        ("no_such_library", "search", None),
        ("", "", None),
    ],
)
def test_which_extra_is_named(name, extra, said):
    found = missing_extra(ModuleNotFoundError("x", name=name), "who", extra)
    assert (None if found is None else found.extra) == said


def test_what_is_broken_rather_than_missing_is_no_case_of_it():
    assert missing_extra(ImportError("libcuda.so", name="torch"), "who") is None
    assert missing_extra(None, "who") is None


OTHERS = """
import importlib.util
found["spec"] = importlib.util.find_spec("torch") is None
try:
    import torch
except ModuleNotFoundError as error:
    found["plain"] = type(error).__name__
import hwbench.spaces.base as base
source = "try:\\n import torch\\nexcept ImportError as error:\\n caught = error"
exec(compile(source, "x", "exec"), vars(base))
found["own"] = [type(base.caught).__name__, str(base.caught)]
found["public"] = told(lambda: hb.train_vae)
"""


def test_imports_of_others_find_nothing_as_before(tmp_path):
    found = without_extras(OTHERS, home=tmp_path)
    assert found["spec"] is True
    assert found["plain"] == "ModuleNotFoundError"
    assert found["own"][0] == "MissingExtraError"
    assert found["own"][1].startswith("hwbench.spaces.base needs torch, which is not installed")
    assert found["public"].startswith("hwbench.train_vae needs torch")


PARTS = """
from hwbench.predictors.installed import missing_for
from hwbench.predictors.make import new_estimator
from hwbench.search.registry import STRATEGIES, list_strategies, make_strategy
found["predictors"] = {
    name: [told(lambda: new_estimator(hb.predictor_card(name), name)),
           getattr(missing_for(name), "extra", None)]
    for name in hb.list_predictors()
}
for name in hb.list_spaces():
    space = hb.get_space(name)
    archs = space.sample(2, 0)
    for encoding in space.encodings:
        space.encode(archs, encoding)
    space.from_string(space.to_string(archs[0]))
space = hb.get_space("nasbench201")
found["network"] = told(lambda: space.network(space.sample(1, 0)[0]))
found["strategies"] = {
    name: told(lambda: make_strategy(name, space="nasbench201", objectives=[hb.Objective("cost")])
                       .ask(2))
    for name in list_strategies()
}
import sklearn.linear_model
archs = space.sample(20, 0)
ridge = hb.make_predictor("ridge", space=space).fit(archs, space.flops(archs) / 1e6)
found["to_torch"] = told(ridge.to_torch)
"""

CHOICES = """
import warnings
from hwbench.advise.candidates import find_candidates
from hwbench.runs.scenario import load_scenario
from hwbench.study.plan import make_plan
space = hb.get_space("nasbench201")
archs = space.sample(60, 0)
auto = hb.make_predictor("auto", space=space, short_fits=True, folds=2)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    auto.fit(archs, space.flops(archs) / 1e6)
found["auto"] = [sorted(auto.estimator_.weights_), sorted(auto.estimator_.left_out_),
                 [str(each.message) for each in caught]]
candidates, left_out = find_candidates(space)
found["advise"] = [sorted({each.predictor for each in candidates}),
                   {each.predictor: each.extra for each in left_out if each.extra}]
found["named"] = told(lambda: find_candidates(space, ["ridge", "gcn"]))
quick = load_scenario("quick").study
plan = make_plan(quick, without_missing=True)
found["plan"] = [plan.spec.predictors, plan.missing]
found["refused"] = told(lambda: make_plan(quick))
search, said = load_scenario("search-quick").search.installed(without_missing=True)
found["search"] = [[each.name for each in search.strategies], said]
search = load_scenario("search-quick").search
found["search refused"] = told(lambda: search.installed(without_missing=False))
"""


def test_choosers_and_shipped_scenarios_do_without_what_is_missing_and_name_it(tmp_path):
    found = without_extras(CHOICES, home=tmp_path)
    chosen, left_out, warned = found["auto"]
    assert chosen == [
        "bayesian_ridge_counts", "gaussian_process:paths", "pairwise_ridge",
        "structural_gaussian_process",
    ]  # fmt: skip
    assert left_out == ["catboost", "mlp_small"]
    assert len(warned) == 1
    assert "catboost needs hwbench[catboost]" in warned[0]
    tried, absent = found["advise"]
    assert "ridge" in tried
    assert not set(tried) & set(absent)
    assert (absent["gcn"], absent["xgboost"]) == ("torch", "boost")
    assert found["named"].startswith("advise: gcn needs hwbench[torch]: pip install")
    predictors, sentences = found["plan"]
    assert not {"gcn", "xgboost", "mlp_small"} & set(predictors)
    assert {"auto", "ridge", "structural_gaussian_process"} <= set(predictors)
    assert sentences[0].startswith("Left out: xgboost needs hwbench[boost]; bananas, ")
    assert sentences[1].startswith("auto chooses without some predictors: catboost needs")
    assert found["refused"].startswith("study: xgboost needs hwbench[boost]; ")
    names, said = found["search"]
    assert "nsga2" not in names
    assert "random" in names
    assert said == [
        "Left out: search strategy NSGA-II needs pymoo, which is not installed: "
        "pip install 'hwbench[search]'."
    ]
    assert found["search refused"].startswith("search strategy NSGA-II needs pymoo")


def test_parts_that_need_nothing_work_and_the_others_name_their_extra(tmp_path):
    found = without_extras(PARTS, home=tmp_path)
    paths = {path: EXTRA_OF.get(name, "") for name, path in MODELS.built_in.items()}
    for name, (message, extra) in found["predictors"].items():
        if message is None:
            assert extra is None
        else:
            assert f"pip install 'hwbench[{extra}]'" in message, name
    lacking = {name for name, (message, _) in found["predictors"].items() if message}
    assert {"gcn", "mlp_small", "sparse_gaussian_process", "xgboost", "ngboost"} <= lacking
    for name in ("ridge", "random_forest", "lightgbm", "structural_gaussian_process", "svm",
                 "gaussian_process", "pairwise_ridge", "lookup_table", "auto"):  # fmt: skip
        assert name not in lacking
    assert set(paths.values()) == {"", "torch", "boost", "catboost"}
    assert "needs torch" in found["network"]
    assert "needs torch" in found["to_torch"]
    absent = {name: text for name, text in found["strategies"].items() if text}
    assert set(absent) == {"nsga2", "tpe", "bananas", "bonas", "npenas", "progressive"}
    assert all("pip install 'hwbench[" in text for text in absent.values())
    for name in ("nsga2", "tpe"):
        assert "pip install 'hwbench[search]'" in absent[name]


COMMANDS = """
ARCH = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
found["lists"] = {words: command(*words.split()) for words in (
    "predictors list", "predictors show gcn", "spaces list", "tables list", "tables runtimes",
    "search list", "live list", "live parts", "compress parts", "images list", "tables benchmarks")}
found["json"] = command("predictors", "list", "--json")
found["refused"] = {words: command(*words.split()) for words in (
    "live run gdas --recipe small", "live show gdas", "compress run lenet_300_100",
    "vae train nasbench201 -o x.npz", "tables train nasbench201 --name x",
    "tables measure nasbench201 --name x --limit 2", f"export {ARCH} --space nasbench201 -o x",
    "fit --target nb201-digits:latency --predictor gcn --samples 20 -o x.hwb",
    "study run named.toml", "study run searched.toml")}
"""

NAMED = """
title = "One of them needs torch"
[study]
targets = ["nb201-digits:latency"]
predictors = ["ridge", "gcn", "xgboost"]
training_sizes = [25]
seeds = [0]
"""


def test_commands_list_greyed_and_refuse_in_one_line(tmp_path):
    (tmp_path / "named.toml").write_text(NAMED)
    (tmp_path / "searched.toml").write_text(
        NAMED.replace(', "gcn", "xgboost"', "").replace(
            "[study]", "[study]\ntuning = { trials = 2, method = 'tpe' }"
        )
    )
    found = without_extras(COMMANDS, home=tmp_path)
    for words, (code, printed, said) in found["lists"].items():
        assert code == 0, words
        assert "Traceback" not in printed + said
        assert said == "", words
    for words in (
        "predictors list",
        "tables runtimes",
        "live list",
        "live parts",
        "compress parts",
    ):
        assert "hwbench[torch]" in found["lists"][words][1], words  # "needs" may stand above it
    rows = {row["name"]: row for row in json.loads(found["json"][1])}
    assert rows["gcn"]["needs"] == "hwbench[torch]"
    assert "needs" not in rows["ridge"]
    for words, (code, _, said) in found["refused"].items():
        assert code == 2, (words, said)
        assert said.count("\n") == 1, words
        assert "pip install 'hwbench[" in said, words
    assert not list(tmp_path.glob("x*"))
    assert not (tmp_path / "runs").exists()
    named = found["refused"]["study run named.toml"][2]
    assert "xgboost needs hwbench[boost]; gcn needs hwbench[torch]" in named
    assert "pip install 'hwbench[boost,torch]'" in named
    assert "hwbench live run needs torch" in found["refused"]["live run gdas --recipe small"][2]


def test_an_extra_s_own_finder_is_there_once():
    finders = [each for each in sys.meta_path if getattr(each, "__name__", "") == "_LastFinder"]
    extras.explain_missing_imports()
    assert len(finders) == 1
    assert extra_of("torch.nn") == "torch"
