"""What all tests share: a home of their own, real tables where they are at hand, small tables."""

import contextlib
import importlib.util
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

# A thread a test process: several that use all cores each would only wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import psutil
import pytest
from hypothesis import settings

from hwbench import assets, plug_ins
from hwbench.spaces import get_space, registry
from hwbench.tables import ColumnCard, Table, TableCard

settings.register_profile("hwbench", deadline=None)  # no test asserts on seconds
settings.load_profile("hwbench")

ROOT = Path(__file__).resolve().parent.parent
TOLD: list[dict[str, object]] = []


def _module_of_tests(name):
    """A module in the folder of the tests, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tests" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where a data class looks up its module
    spec.loader.exec_module(module)
    return module


def pytest_addhooks(pluginmanager):
    pluginmanager.register(_module_of_tests("needed_extras"))


def pytest_configure(config):
    """Let processes that tests start be interrupted, though a shell began them in background."""
    config.pluginmanager.register(_module_of_tests("file_server"))
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _isolated_home(tmp_path_factory):
    """Keep the user's own tables, cards and scenarios out of every test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HWBENCH_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(autouse=True)
def _process_left_alone():
    """No test may leave its process computing otherwise: with more threads, without denormals."""
    smallest = math.ldexp(1.0, -1074)
    assert smallest * 1.0 > 0, "a fixture left denormal numbers flushed to zero"
    torch = sys.modules.get("torch")
    threads = torch and torch.get_num_threads()
    yield
    assert smallest * 1.0 > 0, "the test left denormal numbers flushed to zero"
    if torch is not None:
        assert torch.get_num_threads() == threads, "the test left torch another number of threads"


@pytest.fixture
def hwbench_home(tmp_path, monkeypatch):
    """An empty folder that is HWBENCH_HOME for the test."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HWBENCH_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def shared_data():
    """The folder of published tables."""
    folder = Path(os.environ.get("HWBENCH_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("the published tables are absent; HWBENCH_TEST_DATA names their folder")
    return folder


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("cuda", marks=pytest.mark.gpu),
        pytest.param("cpu", marks=pytest.mark.slow),
    ],
)
def device(request):
    """The GPU, and the CPU, on which what is asked of a GPU must hold too."""
    import torch

    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("torch finds no CUDA device")
    with pytest.MonkeyPatch.context() as patch:
        # Read once, at the first product of matrices, which need not be that of a test that asks.
        patch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        yield torch.device(request.param)


@pytest.fixture(scope="session")
def told():
    """Keep numbers that a test measures and does not judge: `told(name, number=value, ...)`.

    They are printed at the end, and written as JSON to the file that HWBENCH_GPU_REPORT names.
    """
    return lambda name, **numbers: TOLD.append({"name": name, **numbers})


def pytest_terminal_summary(terminalreporter):
    """Print what tests have measured."""
    for row in TOLD:
        terminalreporter.write_line(str(row))
    path = os.environ.get("HWBENCH_GPU_REPORT")
    if path and TOLD:
        Path(path).write_text(json.dumps(TOLD, indent=1) + "\n", encoding="utf-8")


@pytest.fixture
def unchanged():
    """Register an array; when the test ends it must still hold what it held."""
    kept = []

    def register(array):
        kept.append((array, array.copy()))
        return array

    yield register
    for array, before in kept:
        np.testing.assert_array_equal(array, before)


@pytest.fixture(scope="session")
def chromium():
    """The browser that pages are looked at with."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("needs chromium")
    return Path(found)


@pytest.fixture
def make_table():
    """Make a table of latency and accuracy by a formula with noise."""

    def make(name="small", *, space="nasbench201", n_archs=200, seed=0, columns=None):
        chosen = columns or ("latency", "test_accuracy")
        found = get_space(space)
        drawn = found.sample(min(len(found), n_archs + n_archs // 10 + 20), seed)
        connected = drawn[found.connected(drawn)]  # others are no candidates
        archs = (connected if len(connected) >= n_archs else drawn)[:n_archs]
        rng = np.random.default_rng(seed)
        work = np.log(found.flops(archs))
        metrics = pd.DataFrame(
            {
                "latency": np.exp(work - work.mean() + 0.2 * rng.standard_normal(n_archs)),
                "test_accuracy": 70 + 8 * np.tanh(work - work.mean())
                + rng.standard_normal(n_archs),
            }
        )  # fmt: skip
        cards = {
            "latency": ColumnCard(
                title="latency", unit="ms", direction="minimize", source="formula"
            ),
            "test_accuracy": ColumnCard(
                title="test accuracy",
                unit="%",
                direction="maximize",
                dataset="none",
                split="test",
                seeds=(0, 1),
                source="formula",
            ),
        }
        card = TableCard(
            name=name,
            title="A small table",
            space=space,
            description="By a formula with noise.",
            created="2026-01-02",
            licence="CC0-1.0",
            recipes=({"command": "formula", "seed": seed, "list": [1, 2]},),
            columns={column: cards[column] for column in chosen},
        )
        return Table.from_indices(found.indices_of(archs), metrics[list(chosen)], card)

    return make


@pytest.fixture
def small_table(make_table):
    """200 architectures of nasbench201 with `latency` and `test_accuracy`."""
    return make_table()


@pytest.fixture
def own_table(hwbench_home, small_table):
    """The small table, saved as one of the user's own; gives its path."""
    path = hwbench_home / "tables" / "small.parquet"
    small_table.save(path)
    return path


@pytest.fixture
def unit_tables(hwbench_home, small_table):
    """The small table's numbers twice, in other orders and units of accuracy.

    `percent` and `fraction` both hold `test_accuracy` and `test_error`, of unit % and 1, `latency`,
    `throughput`, to be maximised, and `slowness`, the same negated, to be minimised.
    """
    accuracy, latency = small_table.column("test_accuracy"), small_table.column("latency")
    for name, unit, scale in (("percent", "%", 1.0), ("fraction", "1", 100.0)):
        frame = pd.DataFrame(
            {
                "test_accuracy": accuracy / scale,
                "test_error": (100 - accuracy) / scale,
                "latency": latency,
                "throughput": 1000 / latency,
                "slowness": -1000 / latency,
            }
        )
        meanings = {
            "test_accuracy": (unit, "maximize"),
            "test_error": (unit, "minimize"),
            "latency": ("ms", "minimize"),
            "throughput": ("1/s", "maximize"),
            "slowness": ("1/s", "minimize"),
        }
        card = TableCard(
            name=name,
            title=name,
            space="nasbench201",
            created="2026-01-01",
            columns={
                column: ColumnCard(title=column, unit=unit, direction=direction, source="made")
                for column, (unit, direction) in meanings.items()
            },
        )
        order = np.random.default_rng(len(name)).permutation(len(frame))
        table = Table.from_archs(small_table.archs[order], frame.iloc[order], card)
        table.save(hwbench_home / "tables" / f"{name}.parquet")


@pytest.fixture
def devices_table(hwbench_home, small_table):
    """One metric of the small table's architectures, measured on device a and twice on b."""
    generator = np.random.default_rng(0)
    latency = small_table.column("latency")
    names = ("a", "b", "b2")
    frame = pd.DataFrame(
        {name: latency + 0.1 * generator.normal(size=len(latency)) for name in names}
    )
    columns = {
        name: ColumnCard(title=name, unit="ms", direction="minimize", source="made", device=name[0])
        for name in names
    }
    space = small_table.space
    card = TableCard(
        name="devices", title="t", space=space.name, created="2026-01-01", columns=columns
    )
    made = Table.from_indices(space.indices_of(small_table.archs), frame, card)
    made.save(hwbench_home / "tables" / "devices.parquet")
    return made


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package for the test, as pip would: entry points by group, and files by path."""
    loaded = set(sys.modules)

    def forget():
        plug_ins.plug_ins.cache_clear()
        assets._packages.cache_clear()
        registry._in_code.cache_clear()

    def make(name, entries, files, version="1.0", requires=()):
        site = tmp_path / "site-packages"
        about = site / f"{name.replace('-', '_')}-{version}.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            + "".join(f"Requires-Dist: {each}\n" for each in requires)
        )
        lines = []
        for group, of_group in entries.items():
            lines += [f"[hwbench.{group}]", *(f"{key} = {path}" for key, path in of_group.items())]
        (about / "entry_points.txt").write_text("\n".join(lines) + "\n")
        for path, text in files.items():
            (site / path).parent.mkdir(parents=True, exist_ok=True)
            (site / path).write_text(text)
        monkeypatch.syspath_prepend(site)
        forget()

    yield make
    monkeypatch.undo()
    for module in set(sys.modules) - loaded:
        if str(tmp_path) in str(getattr(sys.modules[module], "__file__", None)):
            del sys.modules[module]
    forget()


@pytest.fixture
def ladder(monkeypatch):
    """Make the modules of `tests/plug_in` importable; gives the import path of its space."""
    loaded = set(sys.modules)
    monkeypatch.syspath_prepend(ROOT / "tests" / "plug_in")
    yield "hwbench_ladder.space:Ladder"
    for module in set(sys.modules) - loaded:
        if module.startswith("hwbench_ladder"):
            del sys.modules[module]
    registry._in_code.cache_clear()


@pytest.fixture(scope="session")
def per_node_vae():
    """The module `per_node_vae`: the loss of a graph VAE, one vertex of one graph at a time."""
    return _module_of_tests("per_node_vae")


class MarkedProcess:
    """A program whose processes, whoever starts them, are known by their environment."""

    WAIT = 120  # seconds, for a machine that is busy with other things

    def __init__(self, command, **environment):
        self._mark = uuid.uuid4().hex
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **environment, "HWBENCH_TEST_MARK": self._mark},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def others(self):
        """All living processes that it or its children started."""
        found = []
        for each in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if each.pid == self.process.pid or each.status() == psutil.STATUS_ZOMBIE:
                    continue
                if each.environ().get("HWBENCH_TEST_MARK") == self._mark:
                    found.append(each)
        return found

    def workers(self):
        """Its worker processes, without what these have started."""
        return [each for each in self.others() if is_worker(each, self.process.pid)]

    def wait_until(self, condition):
        """Wait for something that happens while it runs."""
        end = time.monotonic() + self.WAIT
        while not (found := condition()):
            assert time.monotonic() < end
            assert self.process.poll() is None, self.process.stderr.read()
            time.sleep(0.02)
        return found

    def end(self, number):
        """Send a signal that ends it; gives what still lives when it should not."""
        self.process.send_signal(number)
        self.process.wait(self.WAIT)
        end = time.monotonic() + 10
        while (left := self.others()) and time.monotonic() < end:
            time.sleep(0.1)
        return left

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        for each in self.others():
            with contextlib.suppress(psutil.Error):
                each.kill()


def is_worker(process, driver):
    """Whether a process is a worker of a driver's: its guard is the worker's child."""
    with contextlib.suppress(psutil.Error):
        return process.ppid() == driver and "hwbench.workers.process" in process.cmdline()
    return False


@pytest.fixture
def marked_process():
    """Start a program; it and all that it started end with the test."""
    started = []

    def start(command, **environment):
        started.append(MarkedProcess(command, **environment))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def own_workers():
    """The living worker processes of this process."""

    def find():
        me = psutil.Process()
        return [
            each
            for each in me.children()
            if is_worker(each, me.pid) and each.status() != psutil.STATUS_ZOMBIE
        ]

    return find


@pytest.fixture
def first_workers_killed(own_workers):
    """Kill the first workers of this process as they start; gives how many."""
    killed, over = [], threading.Event()

    def kill():
        while len(killed) < 2 and not over.wait(0.002):
            for each in own_workers():
                if each.pid not in killed and len(killed) < 2:
                    each.kill()
                    killed.append(each.pid)

    thread = threading.Thread(target=kill)
    thread.start()
    yield killed
    over.set()
    thread.join()


RUN_EACH = """
import json, os, sys, traceback
for case in json.loads(sys.argv[1]):
    there, here = os.pipe()
    if os.fork() == 0:  # so that no case finds what another has imported
        found = None
        try:
            found = {"result": run(*case)}
        except BaseException:
            found = {"error": traceback.format_exc()}
        with open(here, "w") as file:
            json.dump({**found, "modules": [*sys.modules]}, file)
        os._exit(0)
    os.close(here)
    with open(there) as file:
        print("found:" + file.read(), flush=True)
    os.wait()
"""


@pytest.fixture(scope="session")
def modules_run():
    """Run cases, each in a process of its own; gives what each returned and the modules it ran.

    The code is imports, of what may be there already, and a function `run` of a case.
    """

    def call(code, cases, home):
        result = subprocess.run(
            [sys.executable, "-c", code + RUN_EACH, json.dumps(cases)],
            env={**os.environ, "HWBENCH_HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        lines = [line for line in result.stdout.splitlines() if line.startswith("found:")]
        assert len(lines) == len(cases)
        for line in lines:
            found = json.loads(line.removeprefix("found:"))
            assert "error" not in found, found["error"]
            ran = {name for name in found["modules"] if name.partition(".")[0] == "hwbench"}
            yield found["result"], ran

    return call


@pytest.fixture(scope="session")
def harmless():
    """Modules that a result may run and its version does not tell of."""
    return {
        "hwbench",  # names, each imported when it is used
        "hwbench.code_version",  # names of results
        "hwbench.errors",  # messages
        "hwbench.extras",  # messages
        "hwbench.files",  # how files are written
        "hwbench.locks",  # who may write them
        "hwbench.progress",  # how far work is
        "hwbench.regular_files",  # which files are opened at all
        "hwbench.threads",  # a thread a process, everywhere
        "hwbench.version",  # another with every release
        # In which process units of work run.
        "hwbench.workers",
        "hwbench.workers.pool",
        "hwbench.workers.process",
        "hwbench.workers.worker",
        # Whose names lead to modules that count themselves.
        "hwbench.imports",
        "hwbench.live.selections",
        "hwbench.live.strategies",
        "hwbench.live.supernets",
        "hwbench.live.trainers",
        "hwbench.plug_ins",
        "hwbench.predictors.registry",
        "hwbench.registry",
        "hwbench.spaces.encodings",
        "hwbench.spaces.registry",
        "hwbench.tables.made.energy",
        "hwbench.tables.made.runtimes",
        # Which count where the space is a card's, or says so.
        "hwbench.spaces.card_space",
        "hwbench.spaces.strings",
    }


_HOLDER = """
import sys
from pathlib import Path
from hwbench.locks import only_writer
with only_writer(Path(sys.argv[1]), folder=sys.argv[2] == "folder"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held_elsewhere():
    """Has another process write a folder or a file until the test ends; gives the process."""
    processes = []

    def hold(target, kind="folder"):
        process = subprocess.Popen(
            [sys.executable, "-c", _HOLDER, target, kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in processes:
        process.communicate()
