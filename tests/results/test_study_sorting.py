"""Equal studies leave equal files, in whatever order and pieces their trials came."""

import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwbench.results import study_writing
from hwbench.results.study_columns import KEY, STUDY_SCHEMA
from hwbench.results.study_sorting import in_order_of_trials
from hwbench.results.study_writing import StudyStore, prediction_table

PREDICTORS = ("one", "other")


def trials(n_seeds=4):
    """Rows of trials in the order of their keys; those of seed 2 failed."""
    rows = []
    for predictor in PREDICTORS:
        for size in (5, 10):
            for seed in range(n_seeds):
                row = dict.fromkeys(STUDY_SCHEMA.names)
                row |= {"trial": f"{predictor}-{size}-{seed}", "predictor": predictor}
                row |= {"target": "t:c", "encoding": "onehot", "training_size": size, "seed": seed}
                row |= {"test_size": 3 + seed, "exception": "E" if seed == 2 else None}
                rows.append(row)
    return rows


def predictions_of(row):
    if row["exception"]:
        return None
    n_test, seed = row["test_size"], row["seed"]
    keys = np.random.default_rng(seed).permutation(100)[:n_test]  # the test set's own order
    return {"hwbench_index": keys, "truth": keys / 2, "prediction": keys + row["training_size"]}


def digests(folder):
    return [
        hashlib.sha256((folder / f"{kind}.parquet").read_bytes()).hexdigest()
        for kind in ("study", "predictions")
    ]


@settings(max_examples=10, deadline=None)
@given(
    order=st.permutations(range(16)),
    breaks=st.lists(st.sampled_from(["", "flush", "compact", "reopen"]), min_size=16, max_size=16),
    block=st.sampled_from([1, 7, 20, 10_000]),
)
def test_no_history_can_be_told_from_the_files(tmp_path_factory, order, breaks, block):
    rows = trials()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_writing, "ROW_GROUP", block)
        whole, pieces = (tmp_path_factory.mktemp(name) for name in ("whole", "pieces"))
        with StudyStore(whole) as store:
            for row in rows:
                store.add(row, predictions_of(row))
            store.compact()
        store = StudyStore(pieces)
        for place, then in zip(order, breaks, strict=True):
            store.add(rows[place], predictions_of(rows[place]))
            if then in ("flush", "compact"):
                getattr(store, then)()
            if then == "reopen":
                store.flush()
                store.close()
                store = StudyStore(pieces)
        store.compact()
        store.close()
    assert digests(pieces) == digests(whole)
    found = pd.read_parquet(whole / "predictions.parquet")
    expected = [prediction for row in rows if (prediction := predictions_of(row)) is not None]
    for name in ("hwbench_index", "truth", "prediction"):
        assert found[name].tolist() == np.concatenate([each[name] for each in expected]).tolist()
    assert sorted(path.name for path in whole.iterdir()) == [
        "predictions.parquet",
        "study.parquet",
    ]


def test_no_more_than_a_block_is_given_at_a_time(tmp_path):
    rows = trials(n_seeds=40)
    table = pa.Table.from_pylist(rows, schema=STUDY_SCHEMA)
    parts = [
        prediction_table([{**{name: row[name] for name in ("trial", *KEY)}, **predictions}])
        for row in reversed(rows)
        if (predictions := predictions_of(row)) is not None
    ]
    largest = max(row["test_size"] for row in rows)
    found = list(in_order_of_trials(table, parts, tmp_path, 100))
    assert max(len(each) for each in found) < 100 + largest
    assert len(found) > 30
    ranks = {row["trial"]: place for place, row in enumerate(rows)}
    trials_found = [name for each in found for name in each["trial"].to_pylist()]
    assert [ranks[name] for name in trials_found] == sorted(ranks[name] for name in trials_found)
    assert len(trials_found) == sum(len(each) for each in parts)
    assert not list(tmp_path.iterdir())


def test_what_a_crash_left_of_sorting_is_removed(tmp_path):
    left = tmp_path / "parts" / ".sorting-abc"
    left.mkdir(parents=True)
    (left / "0").write_bytes(b"half a piece")
    with StudyStore(tmp_path) as store:
        for row in trials():
            store.add(row, predictions_of(row))
        store.compact()
    assert not left.exists()
    assert pq.read_metadata(tmp_path / "predictions.parquet").num_rows > 0
