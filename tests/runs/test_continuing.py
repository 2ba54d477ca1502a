"""What changed is run again and replaced, all else stays; nothing of two codes is ever mixed."""

import json
import os
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.results import study_writing
from hwbench.results.study_columns import KEY, MEASURED
from hwbench.runs.continuing import remove_outdated
from hwbench.runs.merging import compact_study, merge_studies
from hwbench.runs.run import read_plan, resume_study, run_scenario
from hwbench.runs.status import study_status
from hwbench.study.plan import make_plan
from hwbench.study.run import Resources, run_plan

SCENARIO = """
title = "Mine and others"
[study]
targets = ["small:latency"]
predictors = ["mine", "ridge"]
training_sizes = [10, 40]
seeds = [0, 1, 2]
test_size = 50
"""

MODEL = '''
import os
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from my_features import weigh


class Mine(RegressorMixin, BaseEstimator):
    """Weighs features."""

    def fit(self, X, y):
        with open(os.environ["FITS"], "a") as file:
            file.write("x")
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return weigh(X) + self.mean_
'''

FEATURES = """
import numpy as np


def weigh(X):
    return np.asarray(X) @ np.arange(X.shape[1])
"""

CARD = """
title = "Mine"
family = "linear"
paper = "none"
estimator = "my_model:Mine"
"""


class Mine:
    """An estimator of one's own: two files, that can be edited, and how often it was fitted."""

    def __init__(self, folder):
        self.folder = folder
        self.noted = folder / "fits"
        folder.mkdir()
        (folder / "my_model.py").write_text(MODEL)
        (folder / "my_features.py").write_text(FEATURES)

    def forget(self):
        """As in a new process."""
        for name in ("my_model", "my_features"):
            sys.modules.pop(name, None)

    def edit(self, old, new, file="my_features.py"):
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        shutil.rmtree(self.folder / "__pycache__", ignore_errors=True)
        self.forget()

    def change(self):
        """Edit what predictions are."""
        self.edit("return", "return 0.5 +")

    def fits(self):
        """Fits since this was last asked."""
        count = len(self.noted.read_text()) if self.noted.exists() else 0
        self.noted.unlink(missing_ok=True)
        return count


@pytest.fixture
def mine(tmp_path, hwbench_home, make_table, monkeypatch):
    mine = Mine(tmp_path / "modules")
    monkeypatch.syspath_prepend(mine.folder)
    monkeypatch.setenv("PYTHONPATH", f"{mine.folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("FITS", str(mine.noted))
    (hwbench_home / "predictors").mkdir()
    (hwbench_home / "predictors" / "mine.toml").write_text(CARD)
    make_table("small").save(hwbench_home / "tables" / "small.parquet")
    yield mine
    mine.forget()


@pytest.fixture
def scenario(mine, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(SCENARIO)
    return str(path)


@pytest.fixture
def folder(scenario, mine, tmp_path):
    """A finished study."""
    folder = run_scenario(scenario, tmp_path / "run")
    assert mine.fits() == 6
    return folder


def trials_of(folder):
    assert hb.read_trials(folder)["exception"].isna().all()
    frame = hb.read_trials(folder).drop(columns=list(MEASURED))
    return frame.sort_values(list(KEY), ignore_index=True)


def predictions_of(folder):
    return hb.read_predictions(folder).sort_values(list(KEY), kind="stable", ignore_index=True)


def assert_same(one, other):
    pd.testing.assert_frame_equal(trials_of(one), trials_of(other))
    pd.testing.assert_frame_equal(predictions_of(one), predictions_of(other))


def record_of(folder):
    return json.loads((folder / "run.json").read_text())


@pytest.mark.parametrize("how", ["run", "resume"])
def test_a_predictor_whose_code_changed_is_run_again_alone(scenario, mine, folder, tmp_path, how):
    before = trials_of(folder)
    mine.change()
    status = study_status(folder)
    assert (status["trials"], status["done"], status["missing"]) == (12, 6, 6)
    assert [each["done"] for each in status["predictors"]] == [0, 6]  # mine, ridge
    assert status["notes"] == ["note: to be run again, since their code changed: 6 trials of mine"]
    told = []
    if how == "run":
        run_scenario(scenario, folder, note=told.append)
    else:
        assert resume_study(folder, note=told.append) == 6
    assert told == ["run again, since their code changed: 6 trials of mine"]
    assert mine.fits() == 6
    after = trials_of(folder)
    of_ridge = before["predictor"] == "ridge"
    pd.testing.assert_frame_equal(after[of_ridge], before[of_ridge])
    assert not set(after["trial"][~of_ridge]) & set(before["trial"])
    assert_same(folder, run_scenario(scenario, tmp_path / "fresh"))
    sessions = record_of(folder)["sessions"]
    assert [each["trials_run"] for each in sessions] == [12, 6]
    assert [each["run_again"] for each in sessions] == [{}, {"mine": 6}]
    assert study_status(folder)["missing"] == 0
    mine.fits()
    assert resume_study(folder, note=told.append) == 0
    assert len(told) == 1
    assert mine.fits() == 0


def test_a_comment_runs_nothing_again(scenario, mine, folder):
    mine.edit("import numpy", "# A comment.\nimport numpy")
    mine.edit("Weighs features.", "Weighs all features.", "my_model.py")
    assert study_status(folder)["missing"] == 0
    assert resume_study(folder) == 0


def test_a_study_may_grow_and_change_at_once(scenario, mine, folder, tmp_path):
    mine.change()
    more = SCENARIO.replace('["mine", "ridge"]', '["mine", "ridge", "linear"]')
    Path(scenario).write_text(more.replace("[0, 1, 2]", "[0, 1, 2, 3]"))
    told = []
    run_scenario(scenario, folder, note=told.append)
    assert told == ["run again, since their code changed: 6 trials of mine"]
    assert mine.fits() == 8
    assert_same(folder, run_scenario(scenario, tmp_path / "fresh"))


def test_a_study_of_one_predictor_is_run_again_as_a_whole(scenario, mine, tmp_path):
    Path(scenario).write_text(SCENARIO.replace(', "ridge"', ""))
    folder = run_scenario(scenario, tmp_path / "run")
    mine.change()
    assert resume_study(folder) == 6
    assert_same(folder, run_scenario(scenario, tmp_path / "fresh"))


def test_rows_in_parts_are_replaced_too(scenario, mine, tmp_path, monkeypatch):
    monkeypatch.setattr(study_writing, "FLUSH_SECONDS", 0.0)
    folder = tmp_path / "run"
    stopped = _stop_after(8)
    with pytest.raises(KeyboardInterrupt):
        run_scenario(scenario, folder, stage=stopped)
    assert not (folder / "study.parquet").exists()
    done = trials_of(folder)["predictor"].value_counts()
    mine.change()
    assert resume_study(folder) == 12 - done["ridge"]
    assert_same(folder, run_scenario(scenario, tmp_path / "fresh"))


def _stop_after(n_trials):
    def progress(done, _total):
        if done >= n_trials:
            raise KeyboardInterrupt

    return lambda _title: progress


@pytest.mark.parametrize("steps", range(6))
def test_a_crash_while_rows_are_taken_out_loses_no_other(
    scenario, mine, folder, tmp_path, monkeypatch, steps
):
    before = trials_of(folder)
    mine.change()

    class Crash(Exception):  # noqa: N818
        pass

    done = 0
    replace, unlink = Path.replace, Path.unlink

    def counted(change):
        def run(path, *args, **kwargs):
            nonlocal done
            if folder in path.parents:
                if done == steps:
                    raise Crash
                done += 1
            return change(path, *args, **kwargs)

        return run

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", counted(replace))
        patch.setattr(Path, "unlink", counted(unlink))
        try:
            resume_study(folder)
        except Crash:
            crashed = True
        else:
            crashed = False
    assert crashed
    kept = trials_of(folder)
    of_ridge = kept["predictor"] == "ridge"
    pd.testing.assert_frame_equal(
        kept[of_ridge].reset_index(drop=True),
        before[before["predictor"] == "ridge"].reset_index(drop=True),
    )
    found = predictions_of(folder)
    assert len(found[found["predictor"] == "ridge"]) == 6 * 50
    resume_study(folder)
    assert_same(folder, run_scenario(scenario, tmp_path / "fresh"))


def test_a_stop_between_taking_out_and_running_again(scenario, mine, folder, tmp_path):
    mine.change()
    record, plan, _ = read_plan(folder)
    assert remove_outdated(folder, record, plan) == {"mine": 6}
    assert set(hb.read_trials(folder)["predictor"]) == {"ridge"}
    assert set(hb.read_predictions(folder)["predictor"]) == {"ridge"}
    assert study_status(folder)["missing"] == 6
    assert compact_study(folder) == 6
    assert resume_study(folder) == 6
    assert_same(folder, run_scenario(scenario, tmp_path / "fresh"))


def test_a_folder_that_another_process_writes_is_left_alone(mine, folder, held_elsewhere):
    mine.change()
    before = record_of(folder)
    held_elsewhere(folder)
    with pytest.raises(HwbenchError, match="another process is writing it"):
        resume_study(folder)
    assert record_of(folder) == before
    assert len(hb.read_trials(folder)) == 12


def test_other_code_of_all_trials_is_refused(scenario, folder):
    record = record_of(folder)
    here = record["study"]["code"]["trial"]
    record["study"]["code"]["trial"] = "0123456789abcdef"
    (folder / "run.json").write_text(json.dumps(record))
    message = (
        rf'run: holds results of another run \(code that all trials run: "0123456789abcdef" there, '
        rf'"{here}" now\); choose another folder with -o, or replace them with --fresh'
    )
    for act in (lambda: run_scenario(scenario, folder), lambda: resume_study(folder)):
        with pytest.raises(HwbenchError, match=message):
            act()
    with pytest.raises(HwbenchError, match="code that all trials run"):
        study_status(folder)
    assert len(hb.read_trials(folder)) == 12
    run_scenario(scenario, folder, fresh=True)
    assert record_of(folder)["study"]["code"]["trial"] == here


def test_shards_of_several_codes_do_not_merge(scenario, mine, tmp_path):
    first = run_scenario(scenario, tmp_path / "first", shard=(1, 2))
    mine.change()
    second = run_scenario(scenario, tmp_path / "second", shard=(2, 2))
    with pytest.raises(HwbenchError) as refused:
        merge_studies(tmp_path / "whole", [first, second])
    versions = [record_of(each)["study"]["code"]["predictors"]["mine"] for each in (first, second)]
    assert str(refused.value) == (
        f"{second}: cannot be merged, it holds another study (code of predictors.mine: "
        f'"{versions[0]}" there, "{versions[1]}" now)'
    )
    resume_study(first)
    assert merge_studies(tmp_path / "whole", [first, second]) == 12
    assert_same(tmp_path / "whole", run_scenario(scenario, tmp_path / "fresh"))


def test_a_folder_of_an_older_version_is_read_and_not_added_to(scenario, folder, tmp_path):
    record = record_of(folder)
    record["study"]["code"] = "0.1.0+0123456789abcdef"
    del record["predictors"]["ridge"]["uses"]
    (folder / "run.json").write_text(json.dumps(record))
    message = (
        r"run: holds trials of hwbench 0.1.0, to which this version can add none; read them with "
        r"hwbench report write or hwbench study scores, go on with that version, or run the "
        r"scenario in another folder or with --fresh"
    )
    for act in (resume_study, lambda folder: run_scenario(scenario, folder)):
        with pytest.raises(HwbenchError, match=message):
            act(folder)
    assert len(hb.read_trials(folder)) == 12
    hb.write_report(folder)
    assert (folder / "report.html").exists()
    shutil.copytree(folder, tmp_path / "copy")
    assert merge_studies(tmp_path / "whole", [folder, tmp_path / "copy"]) == 12
    now = run_scenario(scenario, tmp_path / "now")
    with pytest.raises(HwbenchError, match=r"cannot be merged.*\(by hwbench 0.1.0, to which"):
        merge_studies(tmp_path / "another", [folder, now])


def test_a_study_whose_code_changes_while_it_runs_is_stopped(scenario, mine, tmp_path):
    spec = hb.StudySpec(
        targets=("small:latency",),
        predictors=("mine", "ridge"),
        training_sizes=(10,),
        seeds=(0, 1),
        test_size=50,
    )
    plan = make_plan(spec)
    mine.change()
    with pytest.raises(HwbenchError, match="predictor mine on small:latency: its code is not what"):
        run_plan(plan, tmp_path / "run", resources=Resources(2))
    assert mine.fits() == 0
    kept = hb.read_trials(tmp_path / "run") if list((tmp_path / "run").glob("**/*.parquet")) else []
    assert all(name == "ridge" for name in getattr(kept, "predictor", []))
