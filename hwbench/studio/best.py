"""The best that each run has found so far: read from all its rows, and so beside the listing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hwbench.results.frames import read_rows
from hwbench.results.live import read_live_run
from hwbench.results.names import SEARCHES
from hwbench.results.study_reading import list_parts, read_trials
from hwbench.studio.broken import UNREADABLE
from hwbench.studio.folders import check_contained
from hwbench.studio.index import Fingerprint, fingerprint_of
from hwbench.studio.summary import Summary
from hwbench.studio.watching.search import read_search_parts


def best_of_study(folder: Path) -> str:
    """The best mean Kendall's tau of a predictor, over seeds and targets, at the largest size.

    The largest at which a predictor has a score on every target seen so far: others are no rivals.
    """
    if not list_parts(folder):
        return ""
    names = ["target", "predictor", "training_size", "kendall_tau", "own_training_set"]
    rows = read_trials(folder, names)
    rows = rows[rows["kendall_tau"].notna() & ~rows["own_training_set"]]
    if rows.empty:
        return ""
    keys = ["training_size", "predictor"]
    of_targets = rows.groupby([*keys, "target"])["kendall_tau"].mean()
    means = of_targets.groupby(level=keys).agg(["mean", "size"])
    means = means.loc[means["size"] == means["size"].max(), "mean"]
    size = int(means.index.get_level_values("training_size").max())
    best = means.loc[size]
    return f"tau {best.max():.3f} ({best.idxmax()}, {size:,} measurements)"


def best_of_search(folder: Path) -> str:
    """The largest share of the true front's hypervolume that a search reached."""
    from hwbench.results.columns import SEARCH_COLUMNS

    rows = read_rows(folder / SEARCHES, SEARCH_COLUMNS)
    rows = read_search_parts(folder) if rows is None else rows
    if rows is None or rows["hypervolume_share"].isna().all():
        return ""
    best = rows.loc[rows["hypervolume_share"].idxmax()]
    return f"hypervolume {best['hypervolume_share']:.4f} ({best['strategy']})"


def best_of_live(folder: Path) -> str:
    """How good what was found truly is, else the best accuracy on validation images."""
    run = read_live_run(folder)
    if run.truth is not None and run.truth.value is not None:
        return f"true value {run.truth.value:.2f} (rank {run.truth.rank:,})"
    if run.epochs.empty:
        return ""
    if "best_true_value" in run.epochs and run.epochs["best_true_value"].notna().any():
        return f"true value {run.epochs['best_true_value'].max():.2f}"
    return f"{run.epochs['validation_accuracy'].max():.1f} % on validation images"


BESTS: dict[str, Callable[[Path], str]] = {
    "study": best_of_study,
    "search": best_of_search,
    "live search": best_of_live,
}
"""By part of a run."""


class Bests:
    """What each run's best is, found by one thread in the background and kept until it changes.

    Parameters
    ----------
    runs : the folder of all runs.
    """

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self._known: dict[str, tuple[Fingerprint, str]] = {}
        self._waiting: set[str] = set()
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="best")

    def get(self, summary: Summary) -> str | None:
        """In words; what it was before where it has changed since, None before it is known."""
        wanted = [each.part for each in summary.parts if each.part in BESTS]
        path = self.runs / summary.name
        if not wanted or not path.is_dir():
            return ""
        fingerprint = fingerprint_of(path)
        with self._lock:
            known = self._known.get(summary.name)
            fresh = known is not None and known[0] == fingerprint
            ask = not fresh and summary.name not in self._waiting
            if ask:
                self._waiting.add(summary.name)
        if ask:
            self._thread.submit(self._find, summary.name, fingerprint, wanted)
        return None if known is None else known[1]

    def close(self) -> None:
        """Find no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _find(self, name: str, fingerprint: Fingerprint, parts: list[str]) -> None:
        try:
            check_contained(self.runs / name, self.runs)
            texts = [BESTS[part](self.runs / name) for part in parts]
            found = "; ".join(text for text in texts if text)
        except UNREADABLE:
            found = ""  # its page says what is wrong with it
        with self._lock:
            self._known[name] = (fingerprint, found)
            self._waiting.discard(name)
