"""Make the files of this folder: run it with hwbench 0.1.0, see README.md."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

import hwbench as hb

HERE = Path(__file__).resolve().parent / "0.1.0"
MY_MLP = """title = "My MLP"
family = "neural network"
paper = "of one's own"
estimator = "hwbench.predictors.mlp:MLP"

[defaults]
width = 8
steps = 30
"""
SCENARIO = """title = "Old"
[study]
targets = ["nb201-digits:latency_min"]
predictors = ["ridge", "my_mlp"]
training_sizes = [25]
seeds = [0, 1]
test_size = 20

[simulation]
accuracy = "nb201-digits:test_accuracy"
metrics = ["nb201-digits:latency_min"]
n_candidates = [30]
deviations = [0.5]
repeats = 3

[search]
accuracy = "nb201-digits:test_accuracy"
metrics = ["nb201-digits:latency_min"]
strategies = ["random", "local_search"]
evaluations = 12
checkpoints = [12]
n_initial = 5
seeds = [0]
predicted_metric = { predictor = "ridge", training_sizes = [25], repeats = 3 }
"""
LIVE = """title = "tiny"

[data]
name = "digits"
validation_share = 0.9

[space]
name = "nasbench201"
operations = ["none", "nor_conv_1x1"]
channels = 2
depth = 1

[strategy]
name = "{strategy}"

[trainer]
name = "{trainer}"
epochs = 2
batch_size = 64

[selection]
method = "{method}"
{ranking}"""
RANKING = """
[ranking]
architectures = 3
calibration = { passes = 1, batch_size = 64 }
"""


def killed_study(folder):
    """Run the study of the scenario in a process that kills itself after some trials."""
    import hwbench.study.store as store

    if os.fork() == 0:
        store.FLUSH_SECONDS = 0.0

        def stage(title):
            def progress(done, total):
                if 0 < done < total:
                    os.kill(os.getpid(), signal.SIGKILL)

            return progress

        hb.run_scenario("scenario.toml", folder, parts=("study",), workers=1, stage=stage)
        os._exit(1)
    _, status = os.wait()
    assert os.WIFSIGNALED(status)
    (folder / "parts" / ".lock").unlink()


def main():
    assert hb.__version__ == "0.1.0"
    shutil.rmtree(HERE, ignore_errors=True)
    (HERE / "home" / "predictors").mkdir(parents=True)
    os.chdir(HERE)
    os.environ["HWBENCH_HOME"] = str(HERE / "home")
    Path("home/predictors/my_mlp.toml").write_text(MY_MLP)
    Path("scenario.toml").write_text(SCENARIO)
    hb.run_scenario("scenario.toml", Path("run"), workers=1)
    killed_study(Path("study-stopped"))
    live()
    models()
    tables()
    with contextlib.suppress(KeyboardInterrupt):
        vae()


def live():
    from hwbench.live.config import load_config
    from hwbench.live.run import run_live
    from hwbench.live.search import Search

    made = {
        "spos": {"trainer": "single_level", "method": "ranking", "ranking": RANKING},
        "darts": {"trainer": "bilevel", "method": "strength", "ranking": ""},
    }
    for name, changes in made.items():
        Path(f"{name}.toml").write_text(
            LIVE.replace("{ranking}", changes["ranking"])
            .replace("{strategy}", name)
            .replace("{trainer}", changes["trainer"])
            .replace("{method}", changes["method"])
        )
    run_live(load_config("./spos.toml"), Path("live"))
    for place in ("checkpoint.pt", "architecture/weights.pt", "architecture/network.toml"):
        Path("live", place).unlink()  # for their size
    Path("live/architecture").rmdir()
    train_epoch = Search.train_epoch

    def stops(self, epoch):
        if epoch == 1:
            raise KeyboardInterrupt
        return train_epoch(self, epoch)

    Search.train_epoch = stops
    with contextlib.suppress(KeyboardInterrupt):
        run_live(load_config("./darts.toml"), Path("live-stopped"))


def models():
    table = hb.load_table("nb201-digits")
    archs, latency = table.archs[::601], table.column("latency_min")[::601]
    predicted = {}
    for name, settings in {
        "ridge": {},
        "my_mlp": {},
        "gcn": {"steps": 5, "width": 8},
        "structural_gaussian_process": {},
    }.items():
        model = hb.make_predictor(name, space=table.space, seed=0, **settings)
        model.fit(archs, latency)
        hb.save_model(model, f"{name}.hwb", predictor=name, unit="ms", training_size=len(archs))
        predicted[name] = model.predict(table.archs[:5])
    np.savez("predicted.npz", **predicted)


def tables():
    code = (
        "import os, signal, sys; import hwbench.tables.journal as j\n"
        "append = j.Journal.append\n"
        "def stop(self, record):\n"
        "    append(self, record)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "j.Journal.append = stop\n"
        "from hwbench.cli import main; main()\n"
    )
    table = ["tables", "measure", "nasbench201", "--limit", "2", "--rounds", "1"]
    table += ["--channels", "2", "--depth", "1"]
    subprocess.run([sys.executable, "-m", "hwbench", *table, "--name", "measured"], check=True)
    subprocess.run([sys.executable, "-c", code, *table, "--name", "stopped"], check=False)


def vae():
    import hwbench.vae.training as training

    training.SECONDS_BETWEEN_CHECKPOINTS = -1.0

    def progress(done, total):
        if done == 1:
            raise KeyboardInterrupt

    settings = {"n_graphs": 60, "epochs": 2, "hidden_size": 4, "latent_size": 2}
    hb.train_vae("nasbench201", checkpoint="vae.npz", progress=progress, **settings)


if __name__ == "__main__":
    main()
