"""Readers of files within limits of memory and time, and honest files of every kind."""

import bz2
import gzip
import importlib.util
import io
import json
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import hwbench as hb
from hwbench.live.supernets.export import export_network
from hwbench.live.supernets.supernet import make_supernet
from hwbench.predictors.model_file import save_model
from hwbench.results.columns import PREDICTION_COLUMNS, SEARCH_COLUMNS, STUDY_COLUMNS
from hwbench.results.frames import Column
from hwbench.spaces import get_space, list_spaces
from hwbench.tables import ColumnCard, Table, TableCard
from hwbench.vae.checkpoint import save_vae
from hwbench.vae.settings import GraphVAESettings
from hwbench.vae.trained import TrainedGraphVAE

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SPACE = "nasbench201"


def module(path):
    """A module of the tests, by its file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="session")
def bombs():
    """The module `bombs` of this folder."""
    return module(HERE / "bombs.py")


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """An empty HWBENCH_HOME for programs."""
    return tmp_path_factory.mktemp("hostile-home")


@pytest.fixture(scope="session")
def environment(home):
    """Of programs that read."""
    return {**os.environ, "HWBENCH_HOME": str(home), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def bounded(environment):
    """Read a file in a process of its own, with limits; see `readers.bounded`."""
    command = [sys.executable, str(HERE / "readers.py")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as program:

        def read(name, path, seconds=30, room=0):
            program.stdin.write(json.dumps([name, str(path), seconds, room]) + "\n")
            program.stdin.flush()
            return json.loads(program.stdout.readline())

        yield read
        program.stdin.close()


# ---------------------------------------------------------------------- honest files


def parquet(frame, metadata=None):
    """A frame's Parquet file."""
    file = io.BytesIO()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table.replace_schema_metadata(metadata), file, compression="zstd")
    return file.getvalue()


def encoded(pixels, kind):
    """A picture's file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def written(write, suffix, folder):
    """What a function that is given a path writes there."""
    path = folder / f"written{suffix}"
    write(path)
    return path.read_bytes()


def results_like(columns):
    """A frame with the columns of results."""
    values = {
        "text": "a", "optional text": None, "flag": True, "integer": 1, "number": 0.5,
    }  # fmt: skip
    return pd.DataFrame({name: [values[each.kind]] * 3 for name, each in columns.items()})


@pytest.fixture(scope="session")
def seeds(tmp_path_factory):
    """Honest files for every reader, each a suffix and its bytes."""
    folder = tmp_path_factory.mktemp("honest")
    writers = module(ROOT / "tests" / "formats" / "writers.py")
    space = get_space(SPACE)
    archs = space.sample(40, 1)
    strings = space.to_strings(archs)
    numbers = np.random.default_rng(0).random(40)
    own = pd.DataFrame({"arch": strings, "latency": numbers, "note": "x"})
    metrics = writers.model_metrics([(1.0, 2.0, 0.5, 0.5, 0.5, "p")] * 3, 5, 6.0)
    record = ("0" * 32, 108, np.eye(2, dtype=int), ("input", "output"), metrics)
    entries = {i: {"x": [i / 3] * 9, "y": {0: 0.5}, ("k", i): np.float64(i)} for i in range(20)}
    value = {"a": entries, "array": np.arange(6, dtype=">f4").reshape(2, 3), "rest": [{1}, 2**60]}
    tensors = {"a": {"t": writers.Tensor(np.arange(3.0))}, "u": [1, "x"]}
    pickles = [*(pickle.dumps(value, protocol) for protocol in (0, 2, 4, 5))]
    pickles += [gzip.compress(pickles[2]), bz2.compress(pickles[1])]
    frames = [pickle.dumps(own[["latency"]], protocol) for protocol in (2, 4)]
    torches = [writers.zip_torch(tensors), writers.zip_torch(tensors, compression=8)]
    csv = own.to_csv(index=False).encode()
    texts = "\n".join(strings).encode()
    card = TableCard(
        name="t",
        title="t",
        space=SPACE,
        created="2026-01-01",
        columns={"latency": ColumnCard(title="l", unit="ms", direction="minimize", source="made")},
    )
    table = Table.from_archs(archs, own[["latency"]], card)
    images = np.random.default_rng(0).integers(0, 255, (8, 1, 4, 4), dtype=np.uint8)
    parts = {"images": images, "labels": np.arange(8) % 3}
    arrays = {f"{part}_{what}": each for part in ("train", "test") for what, each in parts.items()}
    pictures = [encoded(images[0, 0], kind) for kind in ("PNG", "JPEG", "BMP", "PPM")]
    in_parquet = pa.table({"image": pictures[:2] * 3, "label": [0, 1] * 3})
    idx = struct.pack(">BBBB3I", 0, 0, 8, 3, 8, 4, 4) + images.tobytes()
    vae = TrainedGraphVAE(
        space, GraphVAESettings(hidden_size=4, latent_size=2, embedding_size=2, epochs=1)
    )
    model = hb.make_predictor("ridge", space=space).fit(archs, numbers)
    supernet = make_supernet(space, channels=2, depth=1, classes=3, input_size=4)
    network = export_network(supernet, folder / "network")
    study = results_like({**STUDY_COLUMNS, "trial": Column("text")})
    record_text = json.dumps({"spec": {"study": {}}, "machine": {}, "shard": [1, 2], "x": [1.5]})
    journal = b'{"recipe": {"a": 1}}\n{"index": 1, "seconds": [0.5]}\n'
    assets = {
        kind: [path.read_bytes() for path in sorted((ROOT / place).glob("*.toml"))[:6]]
        for kind, place in (
            ("predictor", "predictors"),
            ("scenario", "simulations"),
            ("live config", "simulations/live/small"),
        )
    }
    mine = b'title = "t"\nbaseline = "16-32"\n[layers]\na = ["16", "32"]\nb = ["16", "32"]\n'
    found = {
        "pickle": [(".pkl", each) for each in pickles],
        "pickle with stand-ins": [(".pkl", each) for each in [*pickles, *frames]],
        "pickle by entries": [(".pkl", each) for each in pickles],
        "pickled frame": [(".pkl", each) for each in frames],
        "torch": [(".pth", each) for each in [*torches, writers.legacy_torch(tensors)]],
        "torch by entries": [(".pth", each) for each in torches],
        "tfrecord": [("", writers.tfrecord([b"a", b"", b"xyz" * 20]))],
        "nasbench101": [("", writers.nasbench101([record, record]))],
        "json": [(".json", record_text.encode()), (".json", gzip.compress(record_text.encode()))],
        "published csv": [(".csv", own.rename(columns={"arch": "net"}).to_csv().encode())],
        "table": [(".parquet", written(table.save, ".parquet", folder))],
        "own table": [
            (".csv", csv),
            (".tsv", csv.replace(b",", b"\t")),
            (".parquet", parquet(own)),
        ],
        "architectures": [(".txt", texts), (".csv", csv), (".parquet", parquet(own))],
        "images": [
            (".npz", written(lambda path: np.savez(path, **arrays), ".npz", folder)),
            (".npz", written(lambda path: np.savez_compressed(path, **arrays), ".npz", folder)),
        ],
        "picture": [("", each) for each in pictures],
        "idx": [("", idx), ("", gzip.compress(idx))],
        "pictures in parquet": [
            (".parquet", written(lambda path: pq.write_table(in_parquet, path), ".parquet", folder))
        ],
        "vae": [(".npz", written(lambda path: save_vae(vae, path), ".npz", folder))],
        "model": [(".hwb", written(lambda path: save_model(model, path), ".hwb", folder))],
        "weights": [("", (network / "weights.pt").read_bytes())],
        "network tree": [("", (network / "network.toml").read_bytes())],
        "space": [(".toml", mine)],
        "tree": [(".toml", each) for each in [mine, *assets["scenario"]]],
        "object": [(".json", record_text.encode())],
        "record": [(".json", record_text.encode())],
        "results": [(".parquet", parquet(results_like(SEARCH_COLUMNS)))],
        "trials": [(".parquet", parquet(study))],
        "predictions": [(".parquet", parquet(results_like(PREDICTION_COLUMNS)))],
        "run": [(".parquet", parquet(results_like(SEARCH_COLUMNS)))],
        "journal": [(".jsonl", journal)],
        "target": [("", b"table:column"), ("", b"/a/b:c.parquet:d")],
        **{kind: [(".toml", each) for each in contents] for kind, contents in assets.items()},
    }
    for name in list_spaces():
        of_space = get_space(name)
        samples = of_space.to_strings(of_space.sample(min(6, of_space.n_architectures), 0))
        found[f"architecture of {name}"] = [("", text.encode()) for text in samples]
    return found
