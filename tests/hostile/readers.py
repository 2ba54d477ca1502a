"""Every reader of a file, by name: called with a path, it returns or raises HwbenchError.

Run as a program, it reads files within limits: see `bounded` in the conftest beside this file.
"""

import contextlib
import functools
import json
import os
import resource
import signal
import sys
import traceback
from pathlib import Path

import numpy as np

import hwbench
from hwbench.errors import HwbenchError
from hwbench.formats import (
    frame_from_pickle,
    load_json,
    load_pickle,
    load_torch,
    read_nasbench101,
    read_tfrecord,
    stream_pickle,
    stream_torch,
)
from hwbench.images.convert.idx import read_idx
from hwbench.images.convert.of_parquet import ParquetSource
from hwbench.images.convert.pictures import decoded
from hwbench.images.files import read_cifar, read_svhn
from hwbench.images.npz_file import read_npz
from hwbench.live.config import load_config
from hwbench.live.supernets.export import NetworkTree, build_network, load_network
from hwbench.predictors.card import predictor_card
from hwbench.predictors.model_file import read_model_card
from hwbench.regular_files import read_regular
from hwbench.results.columns import SEARCH_COLUMNS
from hwbench.results.frames import read_frame
from hwbench.results.live import read_live_run
from hwbench.results.record import read_record
from hwbench.results.run import read_run
from hwbench.results.study_predictions import read_predictions
from hwbench.results.study_reading import read_trials
from hwbench.results.texts import read_object
from hwbench.runs.scenario import load_scenario
from hwbench.spaces import get_space, list_spaces
from hwbench.spaces.card_space import own_space
from hwbench.tables import load_table
from hwbench.tables.converters.common import read_csv
from hwbench.tables.made.journal import Journal
from hwbench.tables.own.archs import read_archs
from hwbench.tables.own.table import own_table
from hwbench.target_text import parse_target
from hwbench.tensor_files import read_tensors
from hwbench.toml import load_toml, read_toml
from hwbench.vae.checkpoint import load_vae


def architecture(space, path):
    """The architecture of a file that holds nothing but its string."""
    arch = get_space(space).from_string(path.read_bytes().decode("utf-8", "replace"))
    return get_space(space).to_string(arch)


def ignore(_path, _key, _value):
    """Take an entry."""


def whole_table(path):
    """All that a table holds."""
    table = load_table(path)
    return table.frame, table.archs


def own_rows(path):
    """A table of one's own."""
    return own_table(
        path,
        space="nasbench201",
        name="own",
        units={"latency": "ms"},
        directions={"latency": "minimize"},
    )


def pictures_in_parquet(path):
    """All pictures and labels."""
    source = ParquetSource(path)
    labels = source.labelled().labels
    return labels, sum(picture.width for picture in source.pictures(np.arange(len(labels))))


def folder_of(name, reader, *others):
    """A reader of a folder in which a file has a name, or several."""

    def read(path):
        folder = path.with_name(f"{path.name}-folder")
        for place in (folder / each for each in (name, *others)):
            place.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                place.symlink_to(path)
        return reader(folder)

    return read


READERS = {
    "pickle": load_pickle,
    "pickle with stand-ins": lambda path: load_pickle(path, stand_ins=True),
    "pickle by entries": lambda path: stream_pickle(path, where=("a",), on_item=ignore),
    "pickled frame": frame_from_pickle,
    "torch": load_torch,
    "torch by entries": lambda path: stream_torch(path, where=("a",), on_item=ignore),
    "tfrecord": lambda path: sum(len(record) for record in read_tfrecord(path)),
    "nasbench101": lambda path: sum(1 for _ in read_nasbench101(path)),
    "json": load_json,
    "published csv": lambda path: read_csv(path, {"net": "text", "latency": "number"}),
    "table": whole_table,
    "own table": own_rows,
    "architectures": lambda path: read_archs(get_space("nasbench201"), path),
    "images": read_npz,
    "picture": lambda path: decoded(read_regular(path, most_bytes=1 << 26), str(path)),
    "idx": lambda path: read_idx(path, 3),
    "pictures in parquet": pictures_in_parquet,
    "vae": load_vae,
    "model": hwbench.load_model,
    "model card": read_model_card,
    "weights": read_tensors,
    "network tree": lambda path: build_network(read_toml(path, NetworkTree)),
    "network": folder_of("network.toml", load_network),
    "predictor": lambda path: predictor_card(str(path)),
    "scenario": lambda path: load_scenario(str(path)),
    "live config": lambda path: load_config(str(path)),
    "space": lambda path: own_space("mine", path),
    "object": read_object,
    "tree": load_toml,
    "target": lambda path: parse_target(path.read_bytes().decode("utf-8", "replace")),
    "record": folder_of("run.json", read_record),
    "results": lambda path: read_frame(path, SEARCH_COLUMNS),
    "trials": folder_of("study.parquet", read_trials),
    "parts": folder_of("parts/00000001-00000001.study.parquet", read_trials),
    "predictions": folder_of("predictions.parquet", read_predictions, "study.parquet"),
    "run": folder_of("search.parquet", read_run),
    "live run": folder_of("config.toml", read_live_run),
    "journal": lambda path: Journal(path, {"a": 1}),
    "cifar": folder_of(
        "cifar-10-binary.tar.gz", lambda folder: read_cifar("cifar10", folder, check=False)
    ),
    "svhn": folder_of("train_32x32.mat", lambda folder: read_svhn(folder, check=False)),
}

READERS |= {
    f"architecture of {name}": functools.partial(architecture, name) for name in list_spaces()
}

GIBIBYTE = 1 << 30


def mapped():
    """Bytes of memory that this process has mapped, and those that are in use."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return [int(number) * resource.getpagesize() for number in pages[:2]]


def outcome(name, path):
    """What a reader makes of a file: "read", or the message of its error."""
    try:
        READERS[name](path)
    except HwbenchError as error:
        return {"refused": str(error)}
    except BaseException as error:  # noqa: BLE001 - which is what is looked for
        return {
            "failed": f"{type(error).__name__}: {error}"[:300],
            "trace": traceback.format_exc()[-3000:],
        }
    return {"read": True}


def bounded(name, path, seconds, room):
    """Read in a process of its own, which may map so many bytes more and compute for so long."""
    there, here = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(there)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        signal.alarm(20 * seconds)  # for what waits
        most, before = mapped()
        most += room
        os.write(here, f"{before}\n".encode())  # a fork maps less of its libraries than its parent
        if room:
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
        found = outcome(name, Path(path))
        with os.fdopen(here, "w") as file:
            json.dump(found, file)
        os._exit(0)
    os.close(here)
    with os.fdopen(there) as file:
        before = int(file.readline())
        text = file.read()
    _, status, usage = os.wait4(child, 0)
    found = json.loads(text) if text else {"failed": f"ended with status {status}"}
    return {
        **found,
        "seconds": usage.ru_utime + usage.ru_stime,
        "growth": max(0, usage.ru_maxrss * 1024 - before),
    }


def main():
    """Read each [reader, path, seconds, room] of a line of JSON, and print what came of it."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(bounded(*json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
