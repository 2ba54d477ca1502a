import re

import numpy as np
import pandas as pd
import pytest

from hwbench.spaces import get_space
from hwbench.tables.converters.transnas_bench_101 import (
    convert_transnas_bench_101_macro,
    convert_transnas_bench_101_micro,
    official_macro_order,
)

CONVERTERS = {
    "macro": convert_transnas_bench_101_macro,
    "micro": convert_transnas_bench_101_micro,
}
HALVES = list(CONVERTERS)
METRICS = {
    "class_scene": ("top1", "top5", "loss"),
    "class_object": ("top1", "top5", "loss"),
    "room_layout": ("loss", "neg_loss"),
    "jigsaw": ("top1", "top5", "loss"),
    "segmentsemantic": ("loss", "acc", "mIoU"),
    "normal": ("ssim", "l1_loss"),
    "autoencoder": ("ssim", "l1_loss"),
}
COLUMNS = [
    f"{task}.{split}_{metric}"
    for task, metrics in METRICS.items()
    for split in ("train", "valid", "test")
    for metric in metrics
]
HIGHER = ("top1", "top5", "neg_loss", "acc", "mIoU", "ssim")
STRINGS = {
    "macro": ["64-2311-basic", "64-41414-basic"],
    "micro": ["64-41414-1_02_333", "64-41414-0_00_001", "64-41414-3_33_333"],
}


# ---------------------------------------------------------------------- the re-export


@pytest.fixture(scope="module")
def reexports(raw):
    files = [raw(f"transbench101_{task}.csv") for task in METRICS]
    return {half: convert(files) for half, convert in CONVERTERS.items()}


@pytest.mark.parametrize("half", HALVES)
def test_reexport_is_the_published_table(reexports, published, same, half):
    table = reexports[half]
    expected = published(f"transnas_{half}", table)
    assert len(table) == get_space(f"transnas_{half}").n_architectures
    assert table.frame["hwbench_index"].tolist() == list(range(len(table)))
    times = [f"{task}.train_time" for task in METRICS]
    assert sorted(table.card.columns) == sorted([*COLUMNS, *times])
    for column in COLUMNS:
        # A loss that is infinite in the file is of a training that diverged: no number.
        finite = expected[f"{column}_max"].replace(np.inf, np.nan)
        assert same(table.column(column), finite), column
    for column in times:
        assert same(table.column(column), expected[f"{column}_s"]), column


@pytest.mark.parametrize("half", HALVES)
def test_columns_are_explained(reexports, half):
    columns = reexports[half].card.columns
    for name in COLUMNS:
        split, _, metric = name.partition(".")[2].partition("_")
        card = columns[name]
        assert card.direction == ("maximize" if metric in HIGHER else "minimize"), name
        assert card.split == split
        assert "largest over the epochs" in card.source
    assert columns["class_scene.test_top1"].unit == "%"
    assert columns["segmentsemantic.test_mIoU"].unit == "%"
    assert columns["jigsaw.train_time"].unit == "s"


def test_official_order_names_every_network_once():
    space = get_space("transnas_macro")
    places = space.indices_of(space.from_strings(official_macro_order()))
    assert sorted(places) == list(range(3256))
    assert next(official_macro_order()) == "64-4111-basic"


def test_some_tasks_are_a_table(raw, steps):
    files = [raw("transbench101_normal.csv"), raw("transbench101_jigsaw.csv")]
    table = convert_transnas_bench_101_micro(files, progress=steps)
    tasks = list(dict.fromkeys(name.partition(".")[0] for name in table.card.columns))
    assert tasks == ["jigsaw", "normal"]  # in the benchmark's order
    steps.check()


@pytest.fixture
def rows(raw):
    return pd.read_csv(raw("transbench101_normal.csv"), float_precision="round_trip")


@pytest.mark.parametrize("half", HALVES)
def test_rows_are_told_by_their_number(rows, tmp_path, raw, half):
    path = tmp_path / "transbench101_normal.csv"
    rows.sample(frac=1, random_state=0).to_csv(path, index=False)
    mixed = CONVERTERS[half]([path])
    whole = CONVERTERS[half]([raw("transbench101_normal.csv")])
    pd.testing.assert_frame_equal(mixed.frame, whole.frame, check_exact=True)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: rows.iloc[:-1], "file_id must be each of 0 .. 7351 once"),
        (lambda rows: rows.assign(file_id=0), "file_id must be each of 0 .. 7351 once"),
        (lambda rows: rows.assign(file_id=rows.file_id + 0.5), "0.5"),
        (lambda rows: rows.drop(columns="test_ssim"), "test_ssim"),
        (lambda rows: rows.assign(valid_ssim="high"), "high"),
    ],
)
def test_broken_reexports_are_named(rows, tmp_path, refusal, spoil, message):
    path = tmp_path / "transbench101_normal.csv"
    spoil(rows).to_csv(path, index=False)
    found = refusal(convert_transnas_bench_101_micro, path)
    assert found.startswith(f"{path}: ")
    assert message in found


def test_files_of_other_kinds_are_refused(tmp_path, raw, refusal):
    other = tmp_path / "transbench101_depth.csv"
    other.touch()
    assert "TASK.csv of class_scene, " in refusal(convert_transnas_bench_101_micro, other)
    second = tmp_path / "transbench101_jigsaw.csv"
    second.write_bytes(raw("transbench101_jigsaw.csv").read_bytes())
    found = refusal(convert_transnas_bench_101_micro, second, raw("transbench101_jigsaw.csv"))
    assert "a second file for the task jigsaw" in found
    (tmp_path / "transnas-bench_v10141024.pth").touch()
    found = refusal(convert_transnas_bench_101_micro, tmp_path)
    assert found.startswith("transnas-bench-101-micro: give files of one format")


# ---------------------------------------------------------------------- the authors' file


@pytest.fixture
def content():
    """A few networks of both spaces in the authors' form, a value for each of five epochs."""
    rng = np.random.default_rng(0)

    def result(task):
        metrics = {
            f"{split}_{metric}": rng.uniform(-3, 90, 5).tolist()
            for split in ("train", "valid", "test")
            for metric in METRICS[task]
        }
        metrics["time_elapsed"] = np.sort(rng.uniform(100, 9000, 5)).tolist()
        model = {
            "inference_time": rng.uniform(0.002, 0.03),
            "encoder_params": int(rng.integers(10**5, 10**7)),
            "model_params": 7,
            "model_FLOPs": 9.0,
            "encoder_FLOPs": float(rng.integers(10**8, 10**10)),
        }
        return {"total_epochs": 5, "metrics": metrics, "model_info": model}

    return {
        "data": {
            half: {text: {task: result(task) for task in METRICS} for text in strings}
            for half, strings in STRINGS.items()
        },
        "task_list": list(METRICS),
        "metrics_dict": {},
        "info_names": ["inference_time", "encoder_params"],
    }


@pytest.fixture(params=["legacy", "zip"])
def file(request, writers, tmp_path):
    def write(content):
        path = tmp_path / "transnas-bench_v10141024.pth"
        write_torch = writers.zip_torch if request.param == "zip" else writers.legacy_torch
        path.write_bytes(write_torch(content))
        return path

    return write


@pytest.mark.parametrize("half", HALVES)
def test_authors_file_gives_best_and_last_epochs(content, file, steps, half):
    table = CONVERTERS[half]([file(content)], progress=steps)
    space = get_space(f"transnas_{half}")
    order = np.argsort(space.indices_of(space.from_strings(STRINGS[half])))
    assert table.frame["arch"].tolist() == [STRINGS[half][place] for place in order]
    for row, text in enumerate(table.frame["arch"]):
        values = table.frame.iloc[row]
        for task, result in content["data"][half][text].items():
            for key, by_epoch in result["metrics"].items():
                if key == "time_elapsed":
                    assert values[f"{task}.train_time"] == by_epoch[-1]
                    continue
                assert values[f"{task}.{key}"] == max(by_epoch)
                assert values[f"{task}.{key}_final"] == by_epoch[-1]
            model = result["model_info"]
            assert values[f"{task}.inference_time"] == model["inference_time"] * 1000
            assert values[f"{task}.parameters"] == model["encoder_params"]
            assert values[f"{task}.flops"] == model["encoder_FLOPs"]
    assert len(table.card.columns) == 2 * len(COLUMNS) + 7 * 4
    assert table.card.columns["normal.inference_time"].unit == "ms"
    assert "largest over the epochs" in table.card.columns["normal.test_ssim"].source
    assert "after the last epoch" in table.card.columns["normal.test_ssim_final"].source
    steps.check()


@pytest.mark.parametrize("half", HALVES)
def test_authors_file_and_reexport_agree_on_their_columns(content, file, reexports, half):
    authors = CONVERTERS[half]([file(content)]).card.columns
    for name, card in reexports[half].card.columns.items():
        wanted = {"noise": None, "source": authors[name].source}
        assert authors[name] == card.model_copy(update=wanted)


@pytest.mark.parametrize("absent", [None, ""])
def test_what_was_not_measured_is_missing(content, file, absent):
    first, second = STRINGS["macro"]
    content["data"]["macro"][first]["jigsaw"]["model_info"]["inference_time"] = absent
    content["data"]["macro"][first]["normal"]["model_info"]["encoder_params"] = absent
    content["data"]["macro"][second]["normal"]["model_info"]["encoder_params"] = absent
    del content["data"]["macro"][first]["autoencoder"]
    table = convert_transnas_bench_101_macro([file(content)])
    row = table.frame["arch"].tolist().index(first)
    assert np.flatnonzero(np.isnan(table.column("jigsaw.inference_time"))).tolist() == [row]
    assert np.flatnonzero(np.isnan(table.column("autoencoder.test_ssim"))).tolist() == [row]
    assert "normal.parameters" not in table.card.columns


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: data.pop("micro"), "holds no architecture under data, micro"),
        (lambda data: data["micro"].update({"64-41414-4_00_000": {}}), "'64-41414-4_00_000'"),
        (lambda data: data["micro"].update({STRINGS["micro"][1]: []}), "dictionary of tasks"),
        (
            lambda data: data["micro"][STRINGS["micro"][1]]["jigsaw"].pop("metrics"),
            f"architecture '{STRINGS['micro'][1]}', task jigsaw",
        ),
        (
            lambda data: data["micro"][STRINGS["micro"][1]]["jigsaw"]["metrics"].pop("test_top1"),
            "task jigsaw: .*test_top1",
        ),
        (
            lambda data: data["micro"][STRINGS["micro"][1]]["jigsaw"]["metrics"].update(
                test_top1=[]
            ),
            "task jigsaw",
        ),
        (
            lambda data: data["micro"][STRINGS["micro"][1]]["jigsaw"]["metrics"].update(
                test_top1=["high"]
            ),
            "task jigsaw",
        ),
    ],
)
def test_broken_authors_files_are_named(content, file, refusal, spoil, message):
    spoil(content["data"])
    path = file(content)
    found = refusal(convert_transnas_bench_101_micro, path)
    assert found.startswith(f"{path}: ")
    assert re.search(message, found)
