"""Predictions are the same rows whether they are read at once, as categories, or some at a time."""

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from hwbench.errors import HwbenchError
from hwbench.results.study_columns import STUDY_SCHEMA
from hwbench.results.study_predictions import iter_predictions, read_predictions
from hwbench.results.study_writing import StudyStore


def write(folder, *, compact, name="hwbench_index", later=None):
    """Six trials in three parts, one of them run twice, on tables of indices and of strings."""
    with StudyStore(folder) as store:
        for attempt, number in enumerate((3, 1, 2, 0, 4, 5, 1)):
            row = dict.fromkeys(STUDY_SCHEMA.names)
            row |= {"trial": f"t{number}", "target": f"t{number % 2}:c", "predictor": "p"}
            row |= {"encoding": "onehot", "training_size": 10, "seed": number, "test_size": 4}
            values = np.arange(4) + 10.0 * number + 100 * attempt
            key = (
                {"arch": list("abca")}
                if number % 2
                else {(later or name) if attempt > 3 else name: np.arange(4)}
            )
            store.add(row, {**key, "truth": values, "prediction": values / 2})
            if attempt % 2:
                store.flush()
        store.flush()
        if compact:
            store.compact()
    return folder


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("filters", [None, pc.field("seed") > 1, pc.field("seed") > 9])
@pytest.mark.parametrize("columns", [None, ["prediction", "target"], ["arch", "trial"]])
def test_all_ways_of_reading_give_the_same_rows(tmp_path, compact, filters, columns):
    folder = write(tmp_path, compact=compact)
    if columns == ["arch", "trial"] and not compact:
        columns = ["trial"]  # not every part has strings
    whole = read_predictions(folder, columns, filters=filters)
    n_trials = 6 if filters is None else 4 if filters.equals(pc.field("seed") > 1) else 0
    assert len(whole) == 4 * n_trials
    as_categories = read_predictions(folder, columns, filters=filters, categories=True)
    texts = [name for name in whole if whole[name].dtype == object]
    assert texts
    assert all(isinstance(as_categories[name].dtype, pd.CategoricalDtype) for name in texts)
    plain = as_categories.astype(dict.fromkeys(texts, object))
    plain = plain.where(plain.notna(), None).astype(whole.dtypes)
    pd.testing.assert_frame_equal(plain, whole)
    for rows in (1, 3, 1000):
        pieces = list(iter_predictions(folder, columns, filters=filters, rows=rows))
        assert all(0 < len(piece) <= rows for piece in pieces)
        if n_trials:
            joined = {name: [v for piece in pieces for v in piece[name]] for name in whole}
            # A piece without missing numbers has whole ones.
            frame = pd.DataFrame(joined, dtype=object)
            frame = frame.where(frame.notna(), None).astype(whole.dtypes)
            pd.testing.assert_frame_equal(frame, whole)


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("later", [None, "hwbench_index"])
def test_predictions_of_earlier_versions_are_named_as_now(tmp_path, compact, later):
    now = read_predictions(write(tmp_path / "now", compact=compact))
    old = write(tmp_path / "old", compact=compact, name="arch_index", later=later)
    pd.testing.assert_frame_equal(read_predictions(old)[list(now)], now)


def test_one_column_of_predictions_of_earlier_versions(tmp_path):
    old = write(tmp_path, compact=True, name="arch_index")
    one = read_predictions(old, ["hwbench_index", "truth"], filters=pc.field("seed") == 2)
    assert one["hwbench_index"].tolist() == [0, 1, 2, 3]


def test_the_last_of_a_trial_counts(tmp_path):
    folder = write(tmp_path, compact=False)
    frame = read_predictions(folder)
    assert frame.query("seed == 1")["truth"].tolist() == [610.0, 611.0, 612.0, 613.0]
    assert frame["hwbench_index"].dtype == np.float64  # some are missing
    assert frame["arch"].isna().sum() == 12


def test_broken_folders_are_one_line(tmp_path):
    with pytest.raises(HwbenchError, match="no such run folder"):
        next(iter_predictions(tmp_path / "absent"))
    with pytest.raises(HwbenchError, match="holds no results of a study"):
        read_predictions(tmp_path)
    folder = write(tmp_path / "run", compact=True)
    with pytest.raises(HwbenchError, match="column 'tau' is missing"):
        read_predictions(folder, ["tau"])
    path = folder / "predictions.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(HwbenchError, match="cannot be read as Parquet"):
        next(iter_predictions(folder))


def test_a_file_can_be_read_to_its_end_while_a_writer_removes_it(tmp_path):
    folder = write(tmp_path, compact=True)
    pieces = iter_predictions(folder, rows=1)
    first = next(pieces)
    count = pq.read_metadata(folder / "predictions.parquet").num_rows
    (folder / "predictions.parquet").unlink()
    assert len(first) + sum(len(piece) for piece in pieces) == count
