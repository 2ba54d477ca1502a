import os

import pytest

from hwbench.errors import HwbenchError
from hwbench.tables.made.energy import base, rapl
from hwbench.tables.made.energy.base import energy_of
from hwbench.tables.made.energy.rapl import Rapl
from hwbench.tables.made.runtimes.base import MeasureError

MOST = 1_000_000


def zone(root, folder, name, microjoules, most=MOST):
    path = root / folder
    path.mkdir(parents=True)
    (path / "name").write_text(f"{name}\n")
    (path / "energy_uj").write_text(f"{microjoules}\n")
    (path / "max_energy_range_uj").write_text(f"{most}\n")
    return path / "energy_uj"


@pytest.fixture
def root(tmp_path):
    """The folder of a machine with two packages, their parts, and the whole board."""
    folder = tmp_path / "powercap"
    folder.mkdir()
    (folder / "intel-rapl").mkdir()  # the kind itself
    for number in (0, 1):
        zone(folder, f"intel-rapl:{number}", f"package-{number}", 1000)
        zone(folder, f"intel-rapl:{number}:0", "core", 1000)
        zone(folder, f"intel-rapl:{number}:1", "dram", 1000)
        zone(folder, f"intel-rapl-mmio:{number}", f"package-{number}", 1000)
    zone(folder, "intel-rapl:2", "psys", 1000)
    return folder


def add(root, **microjoules):
    """Let counters go on: by the name of their folder, '_' for ':'."""
    for name, more in microjoules.items():
        path = root / f"intel-rapl:{name[1:].replace('_', ':')}" / "energy_uj"
        path.write_text(f"{(int(path.read_text()) + more) % MOST}\n")


def test_packages_and_memory_are_added_up_once(root):
    meter = Rapl(root)
    assert list(meter.columns) == ["energy", "energy_memory"]
    before = meter.read()
    add(root, z0=3000, z1=4000, z0_0=2000, z0_1=500, z1_1=700, z2=9000)
    assert meter.used(before, meter.read()) == pytest.approx({"energy": 7, "energy_memory": 1.2})


def test_a_counter_that_begins_anew_is_followed(root):
    add(root, z0=MOST - 2000)
    meter = Rapl(root)
    before = meter.read()
    add(root, z0=5000, z1=1000)
    assert meter.read()["intel-rapl:0"] < before["intel-rapl:0"]
    assert meter.used(before, meter.read())["energy"] == pytest.approx(6)


def test_a_run_costs_its_share(root, monkeypatch):
    meter = Rapl(root)
    runs = []

    def run():
        runs.append(None)
        add(root, z0=2000, z0_1=100)

    found = energy_of(meter, run, seconds=0.05)
    assert len(runs) > 1
    assert found == pytest.approx({"energy": 2, "energy_memory": 0.1})


def test_counters_that_stand_still_are_a_failure(root):
    with pytest.raises(MeasureError, match="the counter of energy did not move in"):
        energy_of(Rapl(root), lambda: None, seconds=0.001)


def test_a_counter_that_goes_away_is_a_failure(root):
    meter = Rapl(root)
    path = root / "intel-rapl:0" / "energy_uj"
    with pytest.raises(MeasureError, match=r"the energy cannot be read: .*energy_uj"):
        energy_of(meter, lambda: path.unlink(missing_ok=True), seconds=0)


def test_the_mapped_counters_are_read_where_there_are_no_others(tmp_path):
    zone(tmp_path, "intel-rapl-mmio:0", "package-0", 5)
    assert list(Rapl(tmp_path).read()) == ["intel-rapl-mmio:0"]


def test_one_package_has_no_column_of_memory(tmp_path):
    zone(tmp_path, "intel-rapl:0", "package-0", 5)
    assert list(Rapl(tmp_path).columns) == ["energy"]


@pytest.mark.parametrize("there", [True, False])
def test_a_machine_without_packages_is_refused(tmp_path, there):
    root = tmp_path / "powercap"
    if there:
        zone(root, "intel-rapl:0", "psys", 5)
    with pytest.raises(HwbenchError, match=f"--energy rapl: {root} holds no processor package"):
        Rapl(root)


def test_a_counter_that_may_not_be_read_says_what_lets_it(root, monkeypatch):
    def forbidden(zone):
        raise PermissionError(13, "Permission denied", str(zone.path))

    monkeypatch.setattr(rapl._Zone, "read", forbidden)
    with pytest.raises(HwbenchError) as caught:
        Rapl(root)
    assert f"{root}/intel-rapl:0/energy_uj may not be read by you" in str(caught.value)
    assert f"sudo chmod a+r {root}/intel-rapl*/energy_uj" in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permissions_of_files_count(root):
    (root / "intel-rapl:0" / "energy_uj").chmod(0)
    with pytest.raises(HwbenchError, match="may not be read by you"):
        Rapl(root)


def test_a_counter_that_is_no_number_is_refused(root):
    (root / "intel-rapl:1" / "energy_uj").write_text("none\n")
    with pytest.raises(HwbenchError, match="a counter cannot be read"):
        Rapl(root)


def test_runs_are_repeated_for_long_enough():
    assert base.SECONDS >= 100 * 0.001  # a hundred steps of a counter
