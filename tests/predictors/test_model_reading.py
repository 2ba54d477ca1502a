"""Nothing that a model's file says is ever run, and nothing is imported that the list lacks."""

import contextlib
import os
import pickle
import resource
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.predictors import model_pickle, model_reading
from hwbench.predictors.model_file import load_model, save_model
from hwbench.predictors.model_pickle import dump_model
from hwbench.predictors.model_reading import load_pickled_model
from hwbench.predictors.regressor import ArchitectureRegressor

SPACE = hb.get_space("nasbench201")


@pytest.fixture
def saved(data, tmp_path):
    """A saved ridge regression; gives its path."""
    path = tmp_path / "model.hwb"
    save_model(hb.make_predictor("ridge", space=SPACE).fit(*data), path)
    return path


@pytest.fixture
def told(saved, model_files):
    """Gives the line by which a file with this in the place of its model is refused."""

    def tell(model, **options):
        content = model if isinstance(model, bytes) else model_files.written(model)
        model_files.rewrite(saved, model=content)
        return model_files.refused(saved, **options)

    return tell


# ---------------------------------------------------------------------- what travels


def test_arrays_and_generators_travel():
    value = {
        "table": np.array([(1, 2.5)], dtype=[("a", "<i4"), ("b", "<f8")]),
        "order": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "objects": np.array([[1, 2], None, "x"], dtype=object),
        "scalar": np.float32(1.5),
        "dtype": np.dtype("float64"),
        "old": np.random.RandomState(3),
        "new": np.random.default_rng(3),
        "bytes": bytearray(b"abc"),
        "large": 2**100,
        ("a", 1): {1, 2},
    }
    again = load_pickled_model(dump_model(value)[0])
    assert again["table"].tolist() == [(1, 2.5)]
    assert again["order"].flags.f_contiguous
    assert again["objects"].tolist() == [[1, 2], None, "x"]
    assert again["scalar"].dtype == np.float32
    assert again["dtype"] == np.float64
    assert again["old"].uniform() == value["old"].uniform()
    assert again["new"].uniform() == value["new"].uniform()
    assert again["bytes"] == b"abc"
    assert again["large"] == 2**100
    assert again["a", 1] == {1, 2}


def test_tensors_travel_as_arrays():
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.BatchNorm1d(4))
    network[0].bias.requires_grad_(False)
    value = {
        "weight": network[0].weight,
        "half": torch.arange(4, dtype=torch.float16).reshape(2, 2).T,
        "number": torch.tensor(3),
    }
    again = load_pickled_model(dump_model(value)[0])
    assert isinstance(again["weight"], torch.nn.Parameter)
    assert torch.equal(again["half"], value["half"])
    assert again["half"].dtype == torch.float16
    assert again["number"].item() == 3
    content, classes = dump_model({"network": network, "weight": network[0].weight})
    assert ("torch.nn.modules.linear", "Linear") in classes
    with pytest.raises(HwbenchError, match="Sequential, which no predictor"):
        load_pickled_model(content)
    trusted = load_pickled_model(content, trust=("torch",))
    assert trusted["weight"] is trusted["network"][0].weight
    assert not trusted["network"][0].bias.requires_grad
    rows = torch.randn(5, 3)
    assert torch.equal(trusted["network"](rows), network(rows))


# ---------------------------------------------------------------------- functions and classes


def _run(*_arguments):
    raise AssertionError("a file has had its way")


@pytest.mark.parametrize(
    "call",
    [
        (os.system, "exit 1"),
        (eval, "1"),
        (exec, "1"),
        (getattr, "x", "format"),
        (__import__, "os"),
        (open, "/dev/null"),
        (np.load, "x"),
        (np.memmap, "x"),
        (torch.load, "x"),
        (pickle.loads, b""),
        (textwrap.dedent, "x"),
        (hb.load_table, "x"),
        (load_model, "x"),
        (_run,),
    ],
    ids=lambda call: call[0].__name__,
)
def test_functions_are_never_called(call, told, model_files):
    for protocol in (0, 1, 2, 4, 5):
        message = told(pickle.dumps(model_files.Call(*call), protocol))
        assert "names " in message or (protocol == 5 and "no model is written so" in message)
        assert "trust=" not in message or call[0] in (_run, torch.load)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        # the reader's own marks, which say what may be called
        ("hwbench.predictors.model_reading", "_Maker"),
        ("hwbench.predictors.model_reading", "_Class"),
        ("hwbench.predictors.model_reading", "_Reader"),
        ("hwbench.predictors.model_pickle", "_Maker"),
        ("hwbench.predictors.model_pickle", "sys"),
        ("hwbench.predictors.make", "make_predictor"),
        ("hwbench.predictors.model_file", "FittedModel"),
        # objects that can be called, and such that are told what to call
        ("sklearn.metrics._scorer", "_PredictScorer"),
        ("sklearn.utils._available_if", "_AvailableIfDescriptor"),
        ("sklearn.utils.deprecation", "deprecated"),
        ("sklearn.gaussian_process.kernels", "RBF"),
        ("sklearn.preprocessing._function_transformer", "FunctionTransformer"),
        ("sklearn.pipeline", "Pipeline"),
        ("sklearn.ensemble._stacking", "StackingRegressor"),
        ("sklearn.compose._target", "TransformedTargetRegressor"),
        ("sklearn.model_selection._search", "GridSearchCV"),
        ("sklearn.feature_selection._from_model", "SelectFromModel"),
        ("sklearn.utils._mocking", "CheckingClassifier"),
        # what frees memory, reads and writes files, generates code
        ("lightgbm.basic", "_InnerPredictor"),
        ("xgboost.core", "DMatrix"),
        ("xgboost.callback", "TrainingCheckPoint"),
        ("torch.jit", "ScriptModule"),
        ("torch.nn.modules.linear", "Linear"),
        ("torch.serialization", "load"),
        ("torch_geometric.nn.sequential", "Sequential"),
        ("sklearn.base", "warnings"),
        ("sklearn.utils", "Path"),
        # near misses of the list
        ("sklearn.linear_model", "Ridge"),
        ("sklearn.linear_model._ridge", "Ridge.fit"),
        ("sklearn.linear_model._ridge", "RidgeCV"),
        ("hwbench.predictors.models.mlp", "np"),
        ("numpy", "float64"),
        ("builtins", "object"),
        ("builtins", "type"),
    ],
)
def test_only_the_classes_of_the_list(module, name, told, model_files):
    for model in (
        model_files.Named(module, name),
        model_files.Made(module, name, {"predict": 1}),
        {"x": [model_files.Named(module, name)]},
    ):
        assert f"{module}.{name}" in told(model)


@pytest.mark.parametrize("name", ["Ridge.fit.__globals__", "fit\x00", "a b", ""])
def test_names_that_reach_further(name, told, model_files):
    told(model_files.Named("sklearn.linear_model._ridge", name))


def test_constructors_are_never_called(told, model_files):
    for model in (
        model_files.Call(Ridge, 1.0),
        model_files.Made("sklearn.linear_model._ridge", "Ridge", None, arguments=(1.0,)),
        model_files.Made("collections", "OrderedDict", None),
        model_files.Made("builtins", "list", None),
        model_files.Made("ngboost.scores", "LogScore", None),
    ):
        assert "made with malice" in told(model)


def test_classes_are_no_values(told, model_files):
    for module, name in (
        ("sklearn.linear_model._ridge", "Ridge"),
        ("ngboost.scores", "LogScore"),
        ("builtins", "list"),
        ("hwbench.predictors.model_pickle", "array"),
    ):
        named = model_files.Named(module, name)
        for model in (
            named,
            {"x": (named,)},
            model_files.Made("sklearn.linear_model._ridge", "Ridge", {"coef_": named}),
        ):
            assert "is part of no model" in told(model)


def test_nothing_is_imported_that_the_list_lacks(saved, model_files, tmp_path):
    (tmp_path / "sklearn_extra_evil.py").write_text("raise SystemExit(7)")
    names = [
        ("torch.utils.model_dump.__main__", "x"),
        ("torch.utils.bottleneck.__main__", "main"),
        ("sklearn.conftest", "x"),
        ("sklearn.datasets", "load_iris"),
        ("xgboost.testing", "x"),
        ("lightgbm.dask", "DaskLGBMRegressor"),
        ("hwbench.__main__", "x"),
        ("this", "s"),
        ("antigravity", "x"),
        ("sklearn_extra_evil", "x"),
    ]
    (tmp_path / "honest.hwb").write_bytes(saved.read_bytes())
    for place, (module, name) in enumerate(names):
        model_files.rewrite(
            saved, model=model_files.written(model_files.Made(module, name, {"a": 1}))
        )
        (tmp_path / f"{place}.hwb").write_bytes(saved.read_bytes())
    program = f"""
        import sys
        import hwbench as hb
        sys.path.insert(0, {str(tmp_path)!r})
        hb.load_model("{tmp_path}/honest.hwb")
        before = set(sys.modules)
        for place in range({len(names)}):
            try:
                hb.load_model(f"{tmp_path}/{{place}}.hwb")
            except hb.HwbenchError as error:
                print(error)
        print(sorted(set(sys.modules) - before))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), "--model", "x"],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    *lines, imported = done.stdout.splitlines()
    assert len(lines) == len(names)
    assert imported == "[]"
    for (module, name), line in zip(names, lines, strict=True):
        assert f"names {module}.{name}" in line


# ---------------------------------------------------------------------- states


@pytest.mark.parametrize(
    "key",
    ["predict", "fit", "get_params", "set_params", "__class__", "__dict__", "__getstate__",
     "__sklearn_tags__", "_repr_html_", "__reduce__", "score"],
)  # fmt: skip
def test_attributes_take_no_methods_place(key, told, model_files):
    for module, name in (
        ("sklearn.linear_model._ridge", "Ridge"),
        ("hwbench.predictors.regressor", "ArchitectureRegressor"),
        ("hwbench.predictors.models.mlp", "MLP"),
    ):
        assert f"the place of {name}.{key}" in told(model_files.Made(module, name, {key: [1]}))


def test_states_are_names_and_values(told, model_files):
    for state in ([1], {1: 2}, (None, {"a": 1}), None, "x"):
        ridge = model_files.Made("sklearn.linear_model._ridge", "Ridge", state)
        told(ridge)


def test_what_is_kept_to_save_time_is_computed_again(data):
    model = hb.make_predictor("structural_gaussian_process", space=SPACE).fit(*data)
    model.predict(data[0][:3])
    structure = model.estimator_.structure_
    cached = {name for name in vars(structure) if name in dir(type(structure))}
    assert cached
    again = load_pickled_model(dump_model(model)[0])
    assert not cached & set(vars(again.estimator_.structure_))
    np.testing.assert_array_equal(again.predict(data[0]), model.predict(data[0]))


def test_what_is_shared_is_not_changed(told, model_files):
    state = {"n_positions": 3, "choices": ()}
    change = model_files.Change(hb.get_space, ("nasbench201",), state)
    assert "changes what it did not make" in told(pickle.dumps(change, 4))
    assert SPACE.n_positions == 6


def test_pydantic_checks_its_own(told, model_files):
    for fields in ({"low": "x"}, {"model_validate": 1}, {"low": 1, "high": 2, "predict": 3}, 5):
        state = {"__dict__": fields, "__pydantic_fields_set__": set()}
        told(model_files.Made("hwbench.predictors.card", "SearchRange", state))


def test_keys_end(told):
    nested = b"\x80\x04}" + b")" + b"\x85" * 500_000 + b"K\x01s."
    assert "as a key" in told(nested)


@pytest.mark.parametrize(
    "maker",
    [
        (model_pickle.number_type, "O"),
        (model_pickle.array, b"\x93NUMPY\x01\x00\x76\x00{'descr': '|O'}"),
        (model_pickle.array, model_pickle._npy(np.zeros(4))[:-8]),
        (
            model_pickle.array,
            model_pickle._npy(np.zeros(4)).replace(b"(4,),         ", b"(4000000000,),"),
        ),
        (model_pickle.array, model_pickle._npy(np.zeros(3, dtype="V0"))),
        (model_pickle.generator, {"bit_generator": "seed"}),
        (model_pickle.random_state, {"state": {"pos": 10**6}}),
        (bytearray, 10**12),
        (model_pickle.object_array, (10**9,), [1]),
        (model_pickle.scalar, b""),
        (model_pickle.tensor, "x", True, True),
        (hb.get_space, "../../etc/passwd"),
        (hb.get_space, "os:system"),
        (hb.get_space, 3),
    ],
    ids=lambda call: f"{call[0].__name__}-{str(call[1])[:12]}",
)
def test_makers_check_what_they_are_given(maker, told, model_files):
    assert "\n" not in told(pickle.dumps(model_files.Call(*maker), 4))


def _changed_state(model, change):
    """A model whose parts' states are changed as they are written: a file of bad numbers."""

    class Writer(model_pickle._Writer):
        def reducer_override(self, obj):
            how = super().reducer_override(obj)
            if how is NotImplemented and type(obj).__name__ in ("Tree", "SVR"):
                new, arguments, state, *rest = obj.__reduce_ex__(4)
                arguments, state = change(arguments, dict(state))
                return (new, arguments, state, *rest)
            return how

    import io

    stream = io.BytesIO()
    Writer(stream, model_pickle.PROTOCOL).dump(model)
    return stream.getvalue()


def _looped(arguments, state):
    nodes = state["nodes"].copy()
    nodes["left_child"][0] = 0
    return arguments, state | {"nodes": nodes}


def _far_child(arguments, state):
    nodes = state["nodes"].copy()
    nodes["right_child"][0] = 10**6
    return arguments, state | {"nodes": nodes}


def _far_feature(arguments, state):
    nodes = state["nodes"].copy()
    nodes["feature"][0] = 29_999
    return arguments, state | {"nodes": nodes}


def _many_features(arguments, state):
    _, state = _far_feature(arguments, state)
    return (30_000, *arguments[1:]), state


def _no_nodes(arguments, state):
    return arguments, state | {"nodes": state["nodes"][:0], "node_count": 0}


@pytest.mark.parametrize("change", [_looped, _far_child, _far_feature, _many_features, _no_nodes])
def test_trees_end_on_features_that_there_are(change, data, told):
    tree = DecisionTreeRegressor(max_depth=3, random_state=0)
    model = ArchitectureRegressor(tree, SPACE).fit(*data)
    told(_changed_state(model, change))


@pytest.mark.parametrize(
    "changes",
    [
        {"support_vectors_": np.zeros((3, 30))},
        {"_dual_coef_": np.zeros((1, 10**6))},
        {"_n_support": np.array([10**6, 0], dtype=np.int32)},
        {"kernel": "precomputed"},
        {"_sparse": True},
        {"_intercept_": np.zeros(0)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_support_vectors_fit_each_other(changes, data, told):
    model = ArchitectureRegressor(SVR(), SPACE).fit(*data)
    content = _changed_state(model, lambda arguments, state: (arguments, state | changes))
    assert "broken support vector machine" in told(content)


def test_a_bare_tree_is_no_part_of_a_model(data, told):
    model = ArchitectureRegressor(DecisionTreeRegressor(max_depth=3), SPACE).fit(*data)
    model.estimator_ = model.estimator_.tree_
    assert "a Tree is part of no model" in told(dump_model(model)[0])


def test_broken_boosters_are_told(data, told, model_files):
    for module, name, state in (
        ("lightgbm.basic", "Booster", {"_handle": 12345}),
        ("lightgbm.basic", "Booster", {"_handle": None}),
        ("lightgbm.basic", "Booster", {"handle": 12345}),
        ("xgboost.core", "Booster", {"handle": 12345}),
        ("xgboost.core", "Booster", {"handle": None}),
        ("catboost.core", "CatBoostRegressor", {"__model": 1}),
        ("catboost.core", "CatBoostRegressor", {}),
        ("ngboost.api", "NGBRegressor", {"Dist": 1, "Score": 2}),
        ("ngboost.api", "NGBRegressor", {"uncensor": True}),
    ):
        assert f"broken {name}" in told(model_files.Made(module, name, state))
    for module, name, state in (
        ("lightgbm.basic", "Booster", {"_handle": "no trees"}),
        ("xgboost.core", "Booster", {"handle": bytearray(b"no trees")}),
        ("catboost.core", "CatBoostRegressor", {"__model": b"no trees"}),
    ):
        told(model_files.Made(module, name, state))


def test_objects_of_other_kinds_are_no_models(told):
    for value in (1, {"a": 2}, Ridge(), ArchitectureRegressor(Ridge(), SPACE)):
        assert "holds no fitted predictor" in told(dump_model(value)[0])


def test_a_model_that_cannot_predict_is_told(data, told):
    model = hb.make_predictor("ridge", space=SPACE).fit(*data)
    del model.estimator_.coef_
    assert "Ridge" in told(dump_model(model)[0])
    model.estimator_ = {"predict": 1}
    assert "it cannot predict" in told(dump_model(model)[0])
    model.fit(*data).estimator_.coef_ = np.zeros((3, 30))
    model.estimator_.intercept_ = np.zeros(3)
    assert "for 1 architecture it predicts (3,)" in told(dump_model(model)[0])


def test_jobs_are_bounded(data, told):
    model = hb.make_predictor("random_forest", space=SPACE, n_estimators=2).fit(*data)
    model.estimator_.n_jobs = 10**6
    assert "jobs at once" in told(dump_model(model)[0])


# ---------------------------------------------------------------------- sizes


def test_more_steps_than_are_read(told):
    content = b"\x80\x04](" + b"N" * (model_reading.MOST_STEPS + 10) + b"e."
    assert "steps to read" in told(content)


BOMBS = {
    "nones": b"\x80\x04](" + b"N" * 300_000_000 + b"e.",
    "marks": b"\x80\x04" + b"(" * 60_000_000,
    "lists": b"\x80\x04" + b"]" * 60_000_000,
    "bytes": b"\x80\x04\x8e" + (2**40).to_bytes(8, "little") + b"x" * 60_000_000,
    "frame": b"\x80\x04\x95" + (2**60).to_bytes(8, "little") + b"N" * 60_000_000,
    "nested": b"\x80\x04)" + b"\x85" * 60_000_000 + b".",
}


def test_bombs_are_refused_in_bounded_memory(saved, model_files, tmp_path):
    for name, content in BOMBS.items():
        model_files.rewrite(saved, model=content)
        assert saved.stat().st_size < 2**20
        (tmp_path / f"{name}.hwb").write_bytes(saved.read_bytes())
    program = f"""
        import resource, sys
        import hwbench as hb
        import hwbench.predictors.model_file
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for name in {list(BOMBS)}:
            try:
                hb.load_model(f"{tmp_path}/{{name}}.hwb")
            except hb.HwbenchError as error:
                print(error)
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (2**32, 2**32)),
    )
    *messages, megabytes = done.stdout.splitlines()
    for name, message in zip(BOMBS, messages, strict=True):
        assert message.startswith(f"{tmp_path}/{name}.hwb: ")
    assert int(megabytes) < 2000


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content):
    for whole in (content, b"\x80\x04" + content):
        with contextlib.suppress(HwbenchError):
            load_pickled_model(whole)


def test_whatever_a_model_lacks_or_holds_in_a_parts_place_it_is_refused_in_one_line(data, told):
    whole = hb.make_predictor("ridge", space=SPACE).fit(*data)
    wrong = [None, 1, -1.5, "x", (), {}, [np.nan], np.zeros(0), Ridge()]
    for of in (whole, whole.estimator_):
        for name in list(vars(of)):
            kept = vars(of).pop(name)
            for absent in (True, *wrong):
                if absent is not True:
                    vars(of)[name] = absent
                with contextlib.suppress(pytest.fail.Exception):  # read, where it can predict so
                    told(dump_model(whole)[0])
            vars(of)[name] = kept
    assert "'space'" in told(_without(whole, "space"))


def _without(model, name):
    """A model's pickle where the model itself lacks an attribute."""
    kept = vars(model).pop(name)
    content = dump_model(model)[0]
    vars(model)[name] = kept
    return content
