import pandas as pd
import pytest

from hwbench import HwbenchError
from hwbench.advise.measurements import read_measurements


def test_repeated_rows_are_averaged_and_kept(nasbench201, measured):
    twice = pd.concat([measured, measured.head(3).assign(latency_ms=8.0)])
    found = read_measurements(twice, nasbench201)
    assert len(found) == 60
    assert len(found.all_values) == 63
    assert found.all_rows[-3:].tolist() == [0, 1, 2]
    assert found.values[0] == pytest.approx((measured["latency_ms"][0] + 8.0) / 2)
    assert found.values[3] == measured["latency_ms"][3]
    assert nasbench201.to_strings(found.archs) == measured["arch"].tolist()
    assert (found.unit, found.direction) == ("ms", "minimize")


def test_a_file_is_read_by_the_rules_of_import(nasbench201, measured, tmp_path):
    path = tmp_path / "my.csv"
    measured.rename(columns={"latency_ms": "throughput"}).to_csv(path, index=False)
    found = read_measurements(path, nasbench201, unit="1/s")
    assert (found.metric, found.unit, found.direction) == ("throughput", "1/s", "maximize")
    assert found.label == "my.csv"
    assert len(found.sha256) == 64
    assert found.notes == ()


def test_what_is_not_said_is_noted(nasbench201, measured):
    found = read_measurements(measured.rename(columns={"latency_ms": "score"}), nasbench201)
    assert any("unit" in note for note in found.notes)
    assert any("smaller 'score'" in note for note in found.notes)


def test_bad_rows_are_named_with_their_line(nasbench201, measured, tmp_path):
    path = tmp_path / "my.csv"
    measured.to_csv(path, index=False)
    lines = path.read_text().splitlines()
    lines[4] = "nonsense," + lines[4].rpartition(",")[2]
    lines[6] = lines[6].rpartition(",")[0] + ",fast"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(
        HwbenchError, match=r"2 bad rows: row 5, arch: .*row 7, latency_ms: holds 'f"
    ):
        read_measurements(path, nasbench201)
    found = read_measurements(path, nasbench201, on_bad_rows="drop")
    assert len(found) == 58
    assert "2 bad rows left out" in found.notes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"several columns of numbers \(latency_ms, energy\); say which one.* --metric"),
        ({"metric": "latancy"}, "did you mean 'latency_ms'"),
        ({"metric": "energy", "direction": "minimise"}, "did you mean 'minimize'"),
        ({"metric": "energy", "on_bad_rows": "dorp"}, "did you mean 'drop'"),
        ({"arch_column": "archs", "metric": "energy"}, "did you mean 'arch'"),
    ],
)
def test_what_is_wrong_is_said(nasbench201, measured, options, message):
    with pytest.raises(HwbenchError, match=message):
        read_measurements(measured.assign(energy=1.5), nasbench201, **options)


def test_several_columns_with_the_metric_named(nasbench201, measured):
    found = read_measurements(measured.assign(energy=1.5), nasbench201, metric="latency_ms")
    assert found.metric == "latency_ms"


def test_no_numbers(nasbench201, measured):
    with pytest.raises(HwbenchError, match="no column of numbers"):
        read_measurements(measured[["arch"]], nasbench201)
