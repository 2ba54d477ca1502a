"""The VAE of the predictor "graph_vae" is kept for other fits, as long as its code is the same."""

import shutil
from pathlib import Path

import pytest

import hwbench

ROOT = Path(hwbench.__file__).parent.parent

FIT = """
import numpy as np, torch._dynamo, scipy.stats, sklearn.base
from pathlib import Path

def run(path, old, new):
    import hwbench
    root = Path(hwbench.__file__).parent.parent
    text = (root / path).read_text()
    assert old in text
    (root / path).write_text(text.replace(old, new))
    from hwbench.assets import home
    from hwbench.predictors.models.graph_vae import GraphVAE
    from hwbench.spaces import get_space

    space = get_space("nasbench201")
    model = GraphVAE(space, vae_graphs=20, vae_epochs=1, hidden_size=8, latent_size=4, steps=2)
    archs = space.sample(12, seed=0)
    model.fit(space.encode(archs, "graph"), np.arange(12.0))
    return {file.name: file.stat().st_mtime_ns for file in (home() / "vae").iterdir()}
"""

EDITS = [
    ("hwbench/vae/training.py", '"""', '"""'),
    ("hwbench/predictors/models/graph_vae.py", "import hashlib", "import hashlib, json"),
    ("hwbench/vae/layers.py", "import torch", "import torch, json"),
    ("hwbench/spaces/nasbench201/space.py", "class ", "TWO = 2\n\n\nclass "),
]


@pytest.mark.slow
def test_it_is_trained_again_where_the_code_that_trains_it_changed(
    tmp_path, monkeypatch, modules_run
):
    root = tmp_path / "copy"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "hwbench", root / "hwbench", ignore=ignored)
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.setenv("PYTHONSAFEPATH", "1")  # which keeps this folder's hwbench out
    found = [files for files, _ in modules_run(FIT, EDITS, tmp_path / "home")]
    assert [len(files) for files in found] == [1, 1, 2, 3]
    assert found[0].items() == found[1].items() < found[2].items() < found[3].items()
