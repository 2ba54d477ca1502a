"""`hwbench live estimate`: what a live search will cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwbench.cli.live_options import Recipe, SearchName
from hwbench.cli.output import AsJson, print_json, print_listing, progress_bar, tell
from hwbench.cli.torch_options import Device, Threads
from hwbench.wording import duration

if TYPE_CHECKING:
    from hwbench.live.estimate import LiveEstimate


def estimate(
    name: SearchName,
    recipe: Recipe = "published",
    device: Device = None,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Say what a search will cost, from a few steps of it that are trained now.

    Epochs are timed at the beginning, in the middle and where they change, on the first batches of
    the images alone. Nothing is written.

    hwbench live estimate darts --recipe small
    """
    from hwbench.live.config import load_config
    from hwbench.live.estimate import estimate_live
    from hwbench.wording import counted

    config = load_config(name, recipe)
    with progress_bar("timing epochs") as progress:
        found = estimate_live(config, device=device, threads=threads, progress=progress)
    if as_json:
        print_json(_document(found))
        return
    rows = [
        {
            "epoch": str(row.epoch + 1),
            "epochs like it": f"{row.epochs:,}",
            "one takes": duration(row.seconds),
        }
        for row in found.epochs.itertuples()
    ]
    print_listing(rows, list(rows[0]), as_json=False, wrap=False)
    images = ", ".join(f"{count:,} {part}" for part, count in found.images.items())
    tell(f"images: {images}; on {found.device} with {counted(threads, 'thread')}")
    tell(f"preparation: about {duration(found.preparation_seconds)}")
    tell(f"training, {counted(found.n_epochs, 'epoch')}: about {duration(found.training_seconds)}")
    if found.ranked is not None:
        tell(f"ranking {found.ranked:,} architectures: about {duration(found.ranking_seconds)}")
    if found.evaluated:
        tell(
            f"selection {found.selection}, at most {found.evaluated:,} architectures: about "
            f"{duration(found.selection_seconds)}"
        )
    for sentence in found.not_counted:
        tell(sentence)
    what = "all that is counted: about" if found.not_counted else "in all about"
    tell(f"{what} {duration(found.seconds)}, with {found.memory_mb:,.0f} MiB of memory")


def _document(found: LiveEstimate) -> dict[str, Any]:
    return {
        "seconds": found.seconds,
        "epochs": found.n_epochs,
        "preparation_seconds": found.preparation_seconds,
        "training_seconds": found.training_seconds,
        "ranked": found.ranked,
        "ranking_seconds": found.ranking_seconds,
        "selection": found.selection,
        "evaluated": found.evaluated,
        "selection_seconds": found.selection_seconds,
        "not_counted": list(found.not_counted),
        "memory_mb": found.memory_mb,
        "device": found.device,
        "images": found.images,
        "timed": found.epochs.to_dict("records"),
    }
