"""A store keeps the last row of every trial, whatever it was stopped in."""

import itertools
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwbench.files
from hwbench.errors import HwbenchError
from hwbench.results import study_reading as store_module
from hwbench.results.study_columns import STUDY_SCHEMA
from hwbench.results.study_predictions import read_predictions
from hwbench.results.study_reading import list_parts, read_trials
from hwbench.results.study_writing import StudyStore

N_TEST = 3


def row_of(number, *, failed=False, attempt=0):
    row = dict.fromkeys(STUDY_SCHEMA.names)
    texts = {"predictor": "p", "title": "P", "family": "linear", "encoding": "onehot"}
    row |= {"trial": f"t{number}", "target": "t:c", "training_size": 10, "seed": number, **texts}
    row |= {"own_training_set": False, "test_size": N_TEST}
    row |= {"kendall_tau": float("nan") if failed else number + attempt / 8}
    row |= {"exception": "E" if failed else None, "error": "E: no" if failed else None}
    return row


def predictions_of(number, attempt=0):
    values = np.arange(N_TEST) + number + attempt / 8
    return {"hwbench_index": np.arange(N_TEST), "truth": values, "prediction": values * 2}


def add(store, number, *, failed=False, attempt=0):
    predictions = None if failed else predictions_of(number, attempt)
    store.add(row_of(number, failed=failed, attempt=attempt), predictions)


def expected_frames(history):
    """What a folder must hold: the last of every trial."""
    last = {number: (failed, attempt) for number, failed, attempt in history}
    rows = {f"t{number}": None if failed else number + attempt / 8
            for number, (failed, attempt) in last.items()}  # fmt: skip
    predictions = {
        f"t{number}": predictions_of(number, attempt)["prediction"].tolist()
        for number, (failed, attempt) in last.items()
        if not failed
    }
    return rows, predictions


def check(folder, history):
    rows, predictions = expected_frames(history)
    trials = read_trials(folder)
    assert trials["trial"].is_unique
    found = dict(zip(trials["trial"], trials["kendall_tau"], strict=True))
    assert {name: None if np.isnan(tau) else tau for name, tau in found.items()} == rows
    if predictions:
        frame = read_predictions(folder, ["trial", "prediction"])
        grouped = frame.groupby("trial")["prediction"].apply(list).to_dict()
        assert grouped == predictions


@settings(max_examples=25)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.integers(0, 9), st.booleans()),
            st.tuples(st.sampled_from(["flush", "compact", "reopen"]), st.none(), st.none()),
        ),
        min_size=1,
        max_size=40,
    ),
    fan_in=st.integers(2, 4),
)
def test_any_history_leaves_the_last_of_every_trial(tmp_path_factory, steps, fan_in):
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_module, "FAN_IN", fan_in)
        store, written, waiting = StudyStore(folder), [], []
        for attempt, (step, number, failed) in enumerate(steps):
            if step == "add":
                add(store, number, failed=failed, attempt=attempt)
                waiting.append((number, failed, attempt))
            elif step == "reopen":
                store.close()
                store, waiting = StudyStore(folder), []  # what waits is lost, and was not promised
            else:
                store.flush() if step == "flush" else store.compact()
                written, waiting = written + waiting, []
                if written:
                    check(folder, written)
        store.close()
    if written:
        check(folder, written)


def test_compacting_leaves_two_plain_files_in_the_order_of_keys(tmp_path):
    with StudyStore(tmp_path) as store:
        for number in (5, 2, 9):
            add(store, number)
            store.flush()
        store.compact()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "predictions.parquet",
        "study.parquet",
    ]
    assert pd.read_parquet(tmp_path / "study.parquet")["seed"].tolist() == [2, 5, 9]
    assert "arch" not in pq.read_schema(tmp_path / "predictions.parquet").names


def test_only_what_fits_is_read(tmp_path):
    with StudyStore(tmp_path) as store:
        for number in range(4):
            add(store, number)
            store.flush()
    frame = read_predictions(tmp_path, filters=pc.field("seed") == 2)
    assert set(frame["seed"]) == {2}
    assert frame.columns.tolist() == [
        *("target", "predictor", "encoding", "training_size", "seed"),
        *("hwbench_index", "truth", "prediction"),
    ]


def write_twice(store):
    for _ in range(2):
        add(store, 0)
        store.flush()
        store.compact()


class PowerCut:
    """What a disk holds for certain: contents and names that were waited for, and no others."""

    def __init__(self, monkeypatch):
        self.contents, self.names = {}, {}
        monkeypatch.setattr(hwbench.files, "sync", self.sync)

    def sync(self, path):
        if path.is_dir():
            self.names[path] = {each.name: each.stat().st_ino for each in path.iterdir()}
        else:
            self.contents[path.stat().st_ino] = path.read_bytes()

    def leave(self, folder, image):
        shutil.rmtree(image, ignore_errors=True)
        for path, names in self.names.items():
            there = image / path.relative_to(folder)
            there.mkdir(parents=True, exist_ok=True)
            for name, inode in names.items():
                if inode in self.contents or not (path / name).is_dir():
                    (there / name).write_bytes(self.contents.get(inode, b""))


def test_a_power_cut_loses_nothing_that_was_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "FAN_IN", 3)
    folder, image = tmp_path / "run", tmp_path / "image"
    disk = PowerCut(monkeypatch)
    history = []
    with StudyStore(folder) as store:
        for number in range(30):
            add(store, number % 12, failed=number < 4, attempt=number)
            history.append((number % 12, number < 4, number))
            if number % 11 == 10:
                store.compact()
            else:
                store.flush()
            disk.leave(folder, image)
            with StudyStore(image) as after:
                assert after.broken == []
            check(image, history)


@pytest.mark.parametrize("step", range(12))
def test_a_kill_between_any_two_steps_of_writing_loses_nothing(tmp_path, monkeypatch, step):
    """Every rename and removal may be the last thing that happens."""
    monkeypatch.setattr(store_module, "FAN_IN", 3)

    class Killed(BaseException):
        pass

    with StudyStore(tmp_path) as store:
        history = []
        for number in range(2):
            add(store, number, failed=number == 0)
            history.append((number, number == 0, 0))
            store.flush()
        counter = itertools.count()
        path_class = type(tmp_path)
        replace, unlink = path_class.replace, path_class.unlink

        def stop(method):
            def guarded(self, *arguments, **options):
                if self.exists() and next(counter) == step:
                    raise Killed
                return method(self, *arguments, **options)

            return guarded

        with monkeypatch.context() as patch:
            patch.setattr(path_class, "replace", stop(replace))
            patch.setattr(path_class, "unlink", stop(unlink))
            with pytest.raises(Killed):
                write_twice(store)
    with StudyStore(tmp_path) as store:
        assert store.broken == []
        done = read_trials(tmp_path)
        assert set(done["trial"]) == {"t0", "t1"}
        retried = bool(done.set_index("trial")["exception"].isna()["t0"])
        check(tmp_path, [*history, (0, False, 0)] if retried else history)
        add(store, 7)
        store.compact()
    assert "t7" in set(read_trials(tmp_path)["trial"])
    assert not list(tmp_path.rglob(".*.parquet*"))


def test_a_damaged_part_is_set_aside_and_its_trials_are_missing(tmp_path):
    with StudyStore(tmp_path) as store:
        for number in range(2):
            add(store, number)
            store.flush()
    path = list_parts(tmp_path)[0].path("study")
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(HwbenchError, match=r"00000001-00000001\.study\.parquet: cannot be read"):
        read_trials(tmp_path)
    with StudyStore(tmp_path) as store:
        assert store.broken == [path.name]
        assert set(store.failed) == {"t1"}
    assert read_trials(tmp_path)["trial"].tolist() == ["t1"]


@pytest.mark.parametrize(
    ("column", "values"),
    [("trial", [7]), ("trial", [None]), ("seconds", ["a while"]), ("seconds", None)],
)
def test_parts_that_do_not_fit_together_are_one_line(column, values, tmp_path):
    with StudyStore(tmp_path) as store:
        for number in range(2):
            add(store, number)
            store.flush()
    path = list_parts(tmp_path)[1].path("study")
    rows = pq.read_table(path)
    place = rows.column_names.index(column)
    rows = rows.remove_column(place)
    if values is not None:
        rows = rows.add_column(place, column, pa.array(values))
    pq.write_table(rows, path)
    with pytest.raises(HwbenchError) as reading:
        read_trials(tmp_path, ["trial", "seconds"])
    with StudyStore(tmp_path) as store, pytest.raises(HwbenchError) as writing:
        store.compact()
    for error in (reading, writing):
        assert str(error.value).startswith(str(tmp_path))
        assert "\n" not in str(error.value)


def test_a_full_disk_is_one_line_and_the_folder_opens(tmp_path, monkeypatch):
    with StudyStore(tmp_path) as store:
        add(store, 0)
        store.flush()
        add(store, 1)

        def full(*_arguments, **_options):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(pq, "write_table", full)
            with pytest.raises(
                HwbenchError, match=r"cannot be written \(No space left on device\)"
            ):
                store.flush()
        check(tmp_path, [(0, False, 0)])
    with StudyStore(tmp_path) as store:
        assert set(store.failed) == {"t0"}
    check(tmp_path, [(0, False, 0)])


def test_a_reader_beside_a_writer_sees_the_parts_or_what_they_became(tmp_path, monkeypatch):
    with StudyStore(tmp_path) as store:
        for number in range(3):
            add(store, number)
            store.flush()
        calls, listing = [], store_module.list_parts

        def stale(folder):
            parts = listing(folder)
            calls.append(len(parts))
            if len(calls) == 1:
                monkeypatch.setattr(store_module, "list_parts", listing)
                store.compact()  # between listing and reading
                monkeypatch.setattr(store_module, "list_parts", stale)
            return parts

        monkeypatch.setattr(store_module, "list_parts", stale)
        check(tmp_path, [(number, False, 0) for number in range(3)])
        assert calls[:2] == [3, 1]


def test_two_writers_are_kept_apart(held_elsewhere, tmp_path):
    held_elsewhere(tmp_path)
    with pytest.raises(HwbenchError, match="another process is writing it"):
        StudyStore(tmp_path)


def test_a_folder_without_results_is_named(tmp_path):
    with pytest.raises(HwbenchError, match="holds no results of a study"):
        read_trials(tmp_path)
    with pytest.raises(HwbenchError, match="no such run folder"):
        read_predictions(tmp_path / "absent")
    with StudyStore(tmp_path) as store:
        add(store, 0)
        store.compact()
    with pytest.raises(HwbenchError, match="column 'tau' is missing"):
        read_trials(tmp_path, ["tau"])


@pytest.mark.parametrize("compact", [False, True])
def test_results_of_0_1_0_say_by_the_family_who_has_a_training_set_of_its_own(tmp_path, compact):
    with StudyStore(tmp_path) as store:
        for number in range(2):
            add(store, number)
        store.flush()
    (part,) = list_parts(tmp_path)
    rows = pq.read_table(part.path("study"))
    families = pa.array(["lookup table", "linear"])
    place = rows.column_names.index("family")
    old = rows.set_column(place, "family", families).drop_columns("own_training_set")
    pq.write_table(old, part.path("study"))
    if compact:
        with StudyStore(tmp_path) as store:
            store.compact()
    trials = read_trials(tmp_path)
    assert list(trials) == STUDY_SCHEMA.names
    assert trials["own_training_set"].tolist() == [True, False]
    narrow = read_trials(tmp_path, ["seed", "own_training_set"])
    assert narrow.to_dict("list") == {"seed": [0, 1], "own_training_set": [True, False]}
    assert list(read_trials(tmp_path, ["seed"])) == ["seed"]
