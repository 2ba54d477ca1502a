"""Damaged files of every kind, for as long as there is time: they are read or refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hwbench.spaces import list_spaces

SECONDS = float(os.environ.get("HWBENCH_FUZZ_SECONDS", "60"))
SEED = int(os.environ.get("HWBENCH_FUZZ_SEED", "0"))
TARGETS = (
    "pickle", "pickle with stand-ins", "pickle by entries", "pickled frame", "torch",
    "torch by entries", "tfrecord", "nasbench101", "json", "published csv", "table", "own table",
    "architectures", "images", "picture", "idx",
    "pictures in parquet", "vae", "model", "weights", "network tree", "predictor", "scenario",
    "live config", "space", "tree", "object", "record", "results", "trials", "predictions", "run",
    "journal", "target",
)  # fmt: skip


def fuzz(name, seeds, folder, environment, seconds):
    for number, (suffix, content) in enumerate(seeds[name]):
        (folder / f"seed{number}{suffix}").write_bytes(content)
    command = [sys.executable, str(Path(__file__).with_name("fuzzing.py")), name, str(folder)]
    return subprocess.run(
        [*command, str(seconds), str(SEED)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=20 * seconds + 600,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", [*TARGETS, *(f"architecture of {name}" for name in list_spaces())])
def test_whatever_a_file_holds_it_is_read_or_refused(name, seeds, tmp_path, environment):
    result = fuzz(name, seeds, tmp_path, environment, SECONDS)
    assert result.returncode == 0, f"{tmp_path}: {result.stderr[-3000:]}"
    assert "'read': 0, 'refused': 0" not in result.stdout


def test_a_fuzzer_reads_and_refuses(seeds, tmp_path, environment):
    result = fuzz("object", seeds, tmp_path, environment, 2)
    assert result.returncode == 0, result.stderr
    assert "'read': 0" not in result.stdout
    assert "'refused': 0" not in result.stdout
