"""Files as people have them, each with what must come of it."""

import numpy as np
import pytest

from hwbench.advise.measurements import read_measurements
from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.tables.own.archs import read_archs
from hwbench.tables.own.asking import UnclearError
from hwbench.tables.own.options import Reading
from hwbench.tables.own.table import own_table


@pytest.fixture(scope="module")
def cases(shared_data):
    folder = shared_data.parent / "cases"
    if not folder.is_dir():
        pytest.skip("the files as people have them are absent; they stand beside the tables")
    return folder


def made(path, space="nasbench201", **options):
    return own_table(path, space=space, name="mine", **options)[0]


def asked(path, message, space="nasbench201", **options):
    with pytest.raises(UnclearError, match=message) as caught:
        made(path, space, **options)
    assert len(str(caught.value).splitlines()) == 1
    return [" ".join(answer.flags()) for answer in caught.value.answers]


READ = {
    "07-decimal-comma/ms.csv": {},
    "08-no-header/plain.csv": {"units": {"column_2": "ms"}},
    "10-unit-in-cells/ms.csv": {},
    "12-index-list-architectures/names.csv": {},
    "12-index-list-architectures/list.csv": {"reading": Reading(arch_format="hwbench")},
    "22-metadata-columns/log.csv": {},
    "26-json-and-friends/dict.json": {"units": {"value": "ms"}},
    "26-json-and-friends/lines.jsonl": {},
    "26-json-and-friends/records.json": {},
}


@pytest.mark.parametrize("name", READ)
def test_files_that_are_read(cases, name):
    table = made(cases / name, **READ[name])
    assert len(table) == 16
    ((column, card),) = table.card.columns.items()
    assert (card.unit, card.direction) == ("ms", "minimize")
    assert table.column(column)[:2].tolist() == [2.4, 2.613]
    assert table.frame["arch"].iloc[0].startswith("|none~0|+|none~0|none~1|+|nor_conv_3x3~0|")


def test_marks_of_no_measurement(cases):
    path = cases / "01-sentinel-minus-one" / "edge.csv"
    answers = asked(
        path, r"row 4 and 2 rows more \(9, 14\), latency_ms: holds -1, .* no time is -1"
    )
    assert answers == ["--missing-values keep", "--bad-rows drop"]
    assert len(made(path, on_bad_rows="drop")) == 13
    kept = made(path, missing_values="keep").column("latency_ms")
    assert (len(kept), np.isnan(kept).sum(), np.nanmin(kept) > 0) == (16, 3, True)
    measured = read_measurements(path, get_space("nasbench201"), missing_values="keep")
    assert (len(measured), measured.values.min() > 0) == (13, True)


def test_rows_of_several_devices(cases):
    path = cases / "03-long-format-several-devices" / "long.csv"
    answers = asked(path, r"column 'device' holds board-a \(12 rows\), board-b \(12 rows\)")
    assert answers[:2] == ["--where device=board-a", "--pivot device"]
    one = made(path, reading=Reading(where={"device": "board-a"}))
    assert (len(one), one.column("latency_ms")[0]) == (12, 2.4)
    each = made(path, reading=Reading(pivot=["device"]))
    assert (len(each), list(each.card.columns)) == (
        12,
        [f"latency_ms_board-{letter}" for letter in "abc"],
    )
    assert each.card.columns["latency_ms_board-b"].device == "board-b"
    with pytest.raises(UnclearError, match="--where device=board-a"):
        read_measurements(path, get_space("nasbench201"))


def test_thousands(cases):
    path = cases / "05-thousands-comma" / "us.csv"
    assert asked(path, "row 2: '2,400' is 2400 or 2.400") == ["--thousands ,", "--decimal ,"]
    assert made(path, reading=Reading(thousands=",")).column("latency_us")[0] == 2400
    assert made(path, reading=Reading(decimal=",")).column("latency_us")[0] == 2.4


def test_percent_in_cells(cases):
    table = made(cases / "10-unit-in-cells" / "pct.csv")
    assert table.column("test_acc")[0] == 90.4
    assert table.card.columns["test_acc"].unit == "%"


def test_indices_of_architectures(cases):
    path = cases / "12-index-list-architectures" / "list.csv"
    assert asked(path, "is a list of indices") == ["--arch-format naslib", "--arch-format hwbench"]


def test_the_official_index(cases):
    path = cases / "14-official-arch-index" / "idx.csv"
    assert asked(path, "column 'arch_index', row 2: '0' is a bare number") == [
        "--arch-format official-index",
        "--arch-format hwbench-index",
    ]
    table = made(path, reading=Reading(arch_format="official-index"))
    assert table.frame["arch"].iloc[0].startswith("|avg_pool_3x3~0|+|nor_conv_1x1~0|skip")
    assert "arch_index" not in table.frame
    assert table.space.official_index(table.archs).tolist() == list(range(12))


def test_zeros_in_front(cases):
    table = made(cases / "16-leading-zeros-lost" / "macro.csv", space="nasbench_macro")
    assert table.frame["arch"].tolist()[:3] == ["00000000", "00121012", "01012101"]


def test_genotypes(cases, tmp_path):
    path, space = cases / "18-darts-genotype-variants" / "g.txt", get_space("darts")
    with pytest.raises(UnclearError, match="row 5: "):
        read_archs(space, path)
    four = tmp_path / "four.txt"
    four.write_text("\n".join(path.read_text().splitlines()[:4]))
    assert len(np.unique(read_archs(space, four), axis=0)) == 1


def test_fractions(cases):
    path = cases / "20-accuracy-as-fraction" / "acc.csv"
    assert asked(path, "say the unit of test_acc") == ["--unit test_acc=1"]
    assert asked(path, "100 times too small", units={"test_acc": "%"}) == ["--unit test_acc=1"]
    assert made(path, units={"test_acc": "1"}).card.columns["test_acc"].unit == "1"


def test_metadata_and_noise(cases):
    table = made(cases / "22-metadata-columns" / "log.csv")
    noise = table.card.columns["latency_ms"].noise
    assert (noise.method, list(table.card.columns)) == ("deviations", ["latency_ms"])


def test_spellings_of_nothing(cases):
    path = cases / "25-missing-spellings" / "na.csv"
    with pytest.raises(HwbenchError, match="1 bad row: row 16, latency_ms: holds 'OOM'"):
        made(path, missing_values="keep")
    values = made(path, missing_values="keep", on_bad_rows="drop").column("latency_ms")
    assert (np.isfinite(values).sum(), np.isnan(values).sum()) == (8, 7)


def test_repeats_as_columns(cases):
    table = made(cases / "27-column-wide-repeats" / "runs.csv")
    assert table.column("run_ms")[0] == pytest.approx((2.4 + 2.448 + 2.376) / 3)
    assert table.card.columns["run_ms"].noise.method == "repeats"
    percentiles = made(cases / "27-column-wide-repeats" / "pct.csv")
    assert {card.direction for card in percentiles.card.columns.values()} == {"minimize"}
    assert list(percentiles.card.columns) == ["p50_ms", "p90_ms", "p99_ms"]
