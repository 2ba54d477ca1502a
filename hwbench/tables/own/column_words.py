"""What the name of a column tells: its unit, which way is better, and what kind of number it is."""

from __future__ import annotations

import re

from hwbench.tables.own.rows import shown_name

INDEX_COLUMNS = (
    "arch_index", "arch_idx", "arch_id", "archindex", "index", "idx", "architecture_index",
    "official_index", "nb201_index", "net_index", "net_id",
)  # fmt: skip
"""Names, in small letters, of a column that numbers architectures, in whatever order."""

# Whole words of a name, singular or plural. A name with words of both kinds, or with one that
# turns the meaning round, tells nothing.
LARGER_IS_BETTER = frozenset((
    "acc", "accuracy", "top", "top1", "top5", "precision", "recall", "map", "iou", "miou",
    "auc", "auroc", "f1", "psnr", "ssim", "bleu", "fps", "throughput", "reward",
))  # fmt: skip
SMALLER_IS_BETTER = frozenset((
    "latency", "lat", "time", "runtime", "energy", "power", "memory", "mem", "ram", "size",
    "param", "params", "parameter", "nparams", "flop", "flops", "mflops", "gflops", "mac",
    "macs", "mmacs", "gmacs", "madd", "madds", "loss", "nll", "perplexity", "error", "err",
    "rmse", "mae", "cost", "edp", "bytes", "cycles",
))  # fmt: skip
TURNS_ROUND = frozenset((
    "neg", "negative", "inv", "inverse", "minus", "per", "std", "stdev", "sd", "var",
    "variance", "deviation", "iqr", "noise", "drop", "gain", "reduction", "improvement",
    "rank",
))  # fmt: skip

# Words of columns that say under what conditions something was measured.
CONDITIONS = frozenset((
    "device", "board", "hardware", "hw", "platform", "target", "batch", "bs", "thread", "threads",
    "core", "cores", "precision", "dtype", "quant", "quantization", "quantisation", "backend",
    "framework", "runtime", "delegate", "accelerator", "resolution", "clock", "governor",
    "host", "machine", "soc", "phone", "gpu", "cpu", "npu", "dataset", "compiler", "provider",
    "engine", "unit", "metric", "split", "mode", "freq", "frequency",
))  # fmt: skip

# Units as tables write them. Capitals count, where they do in the unit: MJ is not mJ.
UNITS = (
    "s", "ms", "us", "ns", "J", "kJ", "MJ", "mJ", "uJ", "nJ", "W", "kW", "MW", "mW", "uW", "%",
    "1", "1/s", "B", "kB", "MB", "GB", "KiB", "MiB", "GiB", "Hz", "kHz", "MHz", "GHz",
)  # fmt: skip
_SPELLINGS = {
    "sec": "s", "second": "s", "seconds": "s", "secs": "s", "msec": "ms", "millisecond": "ms",
    "milliseconds": "ms", "µs": "us", "μs": "us", "usec": "us", "microsecond": "us",
    "microseconds": "us", "nanoseconds": "ns", "nsec": "ns", "j": "J", "joule": "J",
    "joules": "J", "mj": "mJ", "uj": "uJ", "µj": "uJ", "μj": "uJ", "w": "W", "watt": "W",
    "watts": "W", "mw": "mW", "percent": "%", "pct": "%", "count": "1", "counts": "1",
    "fps": "1/s", "img/s": "1/s", "images/s": "1/s", "imgs/s": "1/s", "inf/s": "1/s",
    "b": "B", "bytes": "B", "kb": "kB", "mb": "MB", "gb": "GB", "kib": "KiB", "mib": "MiB",
    "gib": "GiB", "hz": "Hz", "khz": "kHz", "mhz": "MHz", "ghz": "GHz",
}  # fmt: skip
_CAPITALS = {"M": "1e6", "G": "1e9", "K": "1e3", "k": "1e3", "KB": "kB"}
_SUFFIXES = ("ms", "us", "ns", "mj", "uj", "mib", "kib", "gib", "mb", "kb", "gb", "mw", "percent")
_SUFFIXES_AFTER = {  # one letter is a unit only behind a word for what it measures
    "s": {"time", "latency", "runtime"},
    "j": {"energy"},
    "w": {"power"},
}
_BRACKETS = re.compile(r"(?P<name>.+?)\s*(?:\[(?P<square>[^\]]*)\]|\((?P<round>[^)]*)\))")
_STATISTIC = re.compile(r"_(?:mean|avg|average|median|min|max|std|stdev|stddev|sd|p\d{1,2})$")
_WORD = re.compile(r"[a-z]+\d*")

# How many of the family's first unit one of a unit is.
_FAMILIES = (
    {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9},
    {"J": 1.0, "kJ": 1e3, "MJ": 1e6, "mJ": 1e-3, "uJ": 1e-6, "nJ": 1e-9},
    {"W": 1.0, "kW": 1e3, "MW": 1e6, "mW": 1e-3, "uW": 1e-6},
    {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30},
    {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9},
    {"1/s": 1.0},
    {"1": 1.0, "1e3": 1e3, "1e6": 1e6, "1e9": 1e9},
    {"%": 1.0},
)
_QUANTITIES = ("time", "energy", "power", "memory", "frequency", "throughput", "count", "share")
_DIRECTIONS = {
    "time": "minimize", "energy": "minimize", "power": "minimize", "memory": "minimize",
    "throughput": "maximize",
}  # fmt: skip

_QUANTITY_WORDS = {
    "time": {"latency", "lat", "time", "runtime", "duration"},
    "energy": {"energy"},
    "power": {"power"},
    "memory": {"memory", "mem", "ram", "bytes", "size"},
    "throughput": {"throughput", "fps"},
    "count": {
        "param", "params", "parameter", "nparams", "flop", "flops", "mflops", "gflops", "mac",
        "macs", "mmacs", "gmacs", "madd", "madds", "cycles",
    },
    "accuracy": {"acc", "accuracy", "top1", "top5", "precision", "recall", "map", "iou", "miou"},
}  # fmt: skip


def split_header(column: str) -> tuple[str, str | None]:
    """A table's name for the column, and the unit its header states."""
    match = _BRACKETS.fullmatch(column)
    text, unit = column, ""
    if match is not None:
        text, unit = match["name"], (match["square"] or match["round"] or "").strip()
    name = re.sub(r"[^\w.-]+", "_", text, flags=re.ASCII).strip("_.-") or "column"
    stem, _, suffix = _STATISTIC.sub("", name.lower()).rpartition("_")
    if not unit and stem:
        fitting = _SUFFIXES_AFTER.get(suffix, set())
        if suffix in _SUFFIXES or not fitting.isdisjoint(words_of(stem)):
            unit = suffix
    return name, normal_unit(unit) or None


def normal_unit(unit: str) -> str:
    """A unit as tables write it; one that is not known is returned as it is, on one line."""
    text = shown_name(unit)
    if text in UNITS:
        return text
    if text in _CAPITALS:
        return _CAPITALS[text]
    # "MJ" and "MW" are known above, so that what is left means the same in any capitals, but for
    # short ones such as "Mb", which nobody can tell.
    if len(text) > 2 or text in (text.lower(), text.upper()):
        return _SPELLINGS.get(text.lower(), text)
    return text


def known_unit(text: str) -> str | None:
    """The unit that a text says as tables write it; None where it says none that is known."""
    unit = normal_unit(text)
    return unit if unit in UNITS or unit in _CAPITALS.values() else None


def unit_factor(unit: str, other: str) -> float | None:
    """How many of the other unit one of a unit is; None where they do not measure the same."""
    for family in _FAMILIES:
        if unit in family and other in family:
            return family[unit] / family[other]
    return None


def quantity_of(unit: str | None, name: str = "") -> str | None:
    """What a column measures, by its unit, else by the words of its name.

    One of "time", "energy", "power", "memory", "frequency", "throughput", "count", "share",
    "accuracy"; None where nothing tells.
    """
    words = words_of(name)
    if unit:
        for family, quantity in zip(_FAMILIES, _QUANTITIES, strict=True):
            if unit in family and quantity not in ("count", "share"):
                return quantity
    if words & TURNS_ROUND:
        return None
    for quantity, known in _QUANTITY_WORDS.items():
        if words & known:
            return quantity
    return None


def direction_of_unit(unit: str | None) -> str | None:
    """Which way is better, where a unit tells: less time, energy, power and memory."""
    return _DIRECTIONS.get(quantity_of(unit) or "")


def words_of(name: str) -> set[str]:
    """The words of a column's name in small letters, also without plural and number."""
    parted = re.sub(r"([a-z\d])([A-Z])", r"\1_\2", name)  # testAccuracy
    words = {word for text in (name, parted) for word in _WORD.findall(text.lower())}
    plain = {word.rstrip("0123456789") for word in words}
    return words | plain | {word.removesuffix("s") for word in plain}


def guess_direction(name: str) -> str | None:
    """Which way is better, where the words of a column's name tell, else None."""
    words = words_of(name)
    larger, smaller = words & LARGER_IS_BETTER, words & SMALLER_IS_BETTER
    if words & TURNS_ROUND or bool(larger) == bool(smaller):
        return None
    return "maximize" if larger else "minimize"
