"""A small study of models that can sleep, hang, die and eat memory, for the tests of running it."""

import json
import os
import sys
from pathlib import Path

import pytest

import hwbench as hb

MODELS = '''
import json, os, signal, time
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin


class Mean(RegressorMixin, BaseEstimator):
    """Predicts the sum of features; notes every fit in the file that FITS names."""

    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        self.before()
        if "FITS" in os.environ:
            with open(os.environ["FITS"], "a") as file:
                file.write(json.dumps([type(self).__name__, len(y), round(self.mean_, 12)]) + "\\n")
        return self

    def before(self):
        pass

    def predict(self, X):
        return np.asarray(X) @ np.arange(X.shape[1]) + self.mean_


class Sleepy(Mean):
    """Waits once HOLD_AFTER fits are noted, so that nobody is too late to stop a study."""

    def before(self):
        time.sleep(0.1)
        while "HOLD_AFTER" in os.environ and self.noted() >= int(os.environ["HOLD_AFTER"]):
            time.sleep(0.1)

    def noted(self):
        try:
            with open(os.environ["FITS"]) as file:
                return len(file.readlines())
        except FileNotFoundError:
            return 0


class Hangs(Mean):
    def before(self):
        while True:
            time.sleep(1)


class Hungry(Mean):
    def before(self):
        self.block = np.ones(80_000_000)
        while True:
            time.sleep(1)


class Dies(Mean):
    def before(self):
        print("last words")
        os.kill(os.getpid(), signal.SIGKILL)


class DiesOnce(Mean):
    def before(self):
        try:
            os.close(os.open(os.environ["DIED"], os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        os._exit(3)


class Raises(Mean):
    def before(self):
        if not os.path.exists(os.environ.get("MENDED", "")):
            raise RuntimeError("no luck")
'''

CARD = """
title = "{name}"
family = "linear"
paper = "none"
estimator = "study_models:{name}"
"""


@pytest.fixture
def models(tmp_path, hwbench_home, monkeypatch, make_table):
    """Cards mean, sleepy, hangs, hungry, dies, dies_once, raises; the table `small`."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "study_models.py").write_text(MODELS)
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "study_models", raising=False)
    monkeypatch.setenv("FITS", str(tmp_path / "fits"))
    monkeypatch.setenv("DIED", str(tmp_path / "died"))
    monkeypatch.setenv("MENDED", str(tmp_path / "mended"))
    (hwbench_home / "predictors").mkdir()
    for name in ("Mean", "Sleepy", "Hangs", "Hungry", "Dies", "DiesOnce", "Raises"):
        card = "dies_once" if name == "DiesOnce" else name.lower()
        path = hwbench_home / "predictors" / f"{card}.toml"
        path.write_text(CARD.format(name=name))
    make_table("small").save(hwbench_home / "tables" / "small.parquet")
    return tmp_path


@pytest.fixture
def make_spec():
    """A study of the table `small`."""

    def make(**changes):
        values = {
            "targets": ("small:latency",),
            "predictors": ("mean", "ridge"),
            "training_sizes": (10, 40),
            "seeds": (0, 1, 2),
            "test_size": 50,
        }
        return hb.StudySpec(**{**values, **changes})

    return make


@pytest.fixture
def scenario_file(tmp_path):
    """Write a spec as a scenario's file."""

    def write(spec, name="mine"):
        lines = [f"{key} = {json.dumps(value)}" for key, value in _given(spec).items()]
        path = Path(tmp_path / f"{name}.toml")
        path.write_text("\n".join(['title = "Mine"', "[study]", *lines]))
        return path

    return write


def _given(spec):
    names = ("targets", "predictors", "training_sizes", "seeds", "test_size")
    return {name: spec.model_dump(mode="json")[name] for name in names}


@pytest.fixture
def fits(tmp_path):
    """The fits that models noted so far."""

    def read():
        path = tmp_path / "fits"
        return path.read_text().splitlines() if path.exists() else []

    return read
