import pytest

from hwbench.tables.made.runtimes.base import MeasureError
from hwbench.tables.made.runtimes.printed_times import PrintedTimes


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("3.25\n", {}, [3.25]),
        ("latency: 3.25 ms", {}, [3.25]),
        ("3.25ms", {}, [3.25]),
        ("412 us", {}, [0.412]),
        ("412 µs", {}, [0.412]),
        ("1.5e-3 s", {}, [1.5]),
        ("2e6 ns", {"unit": "ns"}, [2.0]),
        ("412", {"unit": "us"}, [0.412]),
        ("latency_us: 412", {}, [0.412]),
        ("mean (us) = 412", {}, [0.412]),
        ("Average inference time [ms]: 4.5", {}, [4.5]),
        (".5", {}, [0.5]),
        ("+5.", {}, [5.0]),
        # What is no number of its own is none.
        ("model resnet50 v1.2.3 of 2026-11-29: 7.5 ms", {}, [7.5]),
        ("/data/net_3.onnx p50=7.5", {}, [7.5]),
        ("10.0.0.7:8080 took 7.5 ms", {}, [7.5]),
        ("1 2 3", {"which": "first"}, [1.0]),
        ("1 2 3", {"which": "last"}, [3.0]),
        ("1 2 3", {"which": "all"}, [1.0, 2.0, 3.0]),
        ("warm-up 9 ms\nmean = 4 ms\nmax = 8 ms", {"pattern": r"mean = ([\d.]+)"}, [4.0]),
        ("mean = 400 us, max = 8 ms", {"pattern": r"mean = ([\d.]+)"}, [0.4]),
        ("run 3.0 ms\nrun 4.0 ms", {"pattern": r"^run \S+", "which": "all"}, [3.0, 4.0]),
        ('{"latency": {"p50": 4.5}}', {"key": "latency.p50"}, [4.5]),
        ('log line\n{"us": 4500}\n', {"key": "us"}, [4.5]),
        ('{"mean_us": 4500}', {"key": "mean_us"}, [4.5]),
        ('{"ms": [1, 2.5]}', {"key": "ms", "which": "all"}, [1.0, 2.5]),
        ('{"ms": [1, 2.5]}', {"key": "ms.1"}, [2.5]),
        ('{\n "ms": 2\n}', {"key": "ms"}, [2.0]),
    ],
)
def test_times_are_read(text, options, expected):
    assert PrintedTimes(**options).milliseconds(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        ("", {}, "it printed nothing"),
        ("\n  \n", {}, "it printed nothing"),
        ("no device found", {}, "no number in what it printed: 'no device found'"),
        ("1 2 3", {}, "it printed 3 numbers (1, 2, 3); say which with --read"),
        ("0", {}, "it printed 0, which no run can take"),
        ("-1", {}, "it printed -1, which no run can take"),
        ("-0.5 ms", {}, "it printed -0.5 ms, which no run can take"),
        ("nan", {}, "it printed nan, which no run can take"),
        ("inf ms", {}, "it printed inf ms, which no run can take"),
        ("1e999", {}, "it printed inf, which no run can take"),
        ("1 2 -3", {"which": "all"}, "it printed -3, which no run can take"),
        ("120 fps", {}, "it printed 120 fps, which is no time"),
        ("3.5 MB", {}, "it printed 3.5 MB, which is no time"),
        ("throughput_fps: 120", {}, "it printed throughput_fps: 120, which is no time"),
        ("energy = 4.5", {}, "it printed energy = 4.5, which is no time"),
        ('{"memory_mb": 3}', {"key": "memory_mb"}, "it printed memory_mb 3, which is no time"),
        ("45 %", {}, "it printed 45 %, which is no time"),
        ("412 us", {"unit": "ms"}, "it printed 412 us, and --unit says ms; leave --unit out"),
        ("1,234", {}, "it printed 1,234, which can be read in two ways"),
        ("1,5 ms", {}, "it printed 1,5, which can be read in two ways"),
        ("1,234.5", {}, "it printed 1,234.5, which can be read in two ways"),
        ("max = 8", {"pattern": "mean = (.*)"}, "--pattern is nowhere in what it printed"),
        ("mean = no", {"pattern": "mean = (.*)"}, "--pattern finds 'no', which is not one number"),
        ("3.5", {"key": "ms"}, "the JSON that it printed has no 'ms'"),
        ("fast", {"key": "ms"}, "what it printed is no JSON: 'fast'"),
        ('{"a": 1, "b": 2}', {"key": "ms"}, "has no 'ms'; there are a, b"),
        ('{"ms": "4.5"}', {"key": "ms"}, "'ms' of the JSON is \"'4.5'\", no number"),
        ('{"ms": true}', {"key": "ms"}, "no number"),
        ('{"ms": NaN}', {"key": "ms"}, "it printed ms nan, which no run can take"),
        ('{"ms": []}', {"key": "ms"}, "no number in what it printed"),
        ('{"ms": [1, 2]}', {"key": "ms"}, "it printed 2 numbers"),
    ],
)
def test_what_is_no_time_is_a_failure_with_its_reason(text, options, reason):
    with pytest.raises(MeasureError) as caught:
        PrintedTimes(**options).milliseconds(text)
    assert reason in str(caught.value)
