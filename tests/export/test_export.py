"""What stands in a folder of exported networks, and how it is gone on with."""

import hashlib
import json

import numpy as np
import onnx
import pandas as pd
import pytest

import hwbench as hb
from hwbench.export import export
from hwbench.export.formats import FORMATS

SPACE = hb.get_space("nasbench_macro")
ARCHS = SPACE.sample(4, 0)
SMALL = {"channels": 4, "input_size": 16}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "files"


def exported(folder, archs=ARCHS, **options):
    return hb.export_networks(SPACE, archs, folder, **{"skeleton": SMALL, **options})


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refusal(folder, archs=ARCHS, **options):
    before = contents(folder) if folder.exists() else None
    with pytest.raises(hb.HwbenchError) as caught:
        exported(folder, archs, **options)
    assert (contents(folder) if folder.exists() else None) == before
    return str(caught.value)


def fill_in(folder, **cells):
    """Write into the first row of a manifest, and add columns."""
    frame = pd.read_csv(folder / "manifest.csv", dtype=str, keep_default_na=False)
    for column, cell in cells.items():
        frame[column] = [cell, *[""] * (len(frame) - 1)]
    frame.to_csv(folder / "manifest.csv", index=False)


def test_the_manifest_tells_of_every_file(folder):
    made = exported(folder, opset=13)
    assert set(contents(folder)) == {"export.json", "manifest.csv", *made.manifest["file"]}
    for row in made.manifest.itertuples():
        content = (folder / row.file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row.sha256
        assert onnx.load_from_string(content).opset_import[0].version == 13
        assert (row.latency_ms, row.space, row.format) == ("", "nasbench_macro", "onnx opset 13")
    assert np.array_equal(SPACE.from_strings(made.manifest["arch"]), ARCHS)
    read = pd.read_csv(made.path, dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(read, made.manifest)


def test_an_architecture_is_written_once(folder):
    made = exported(folder, ARCHS[[0, 1, 0]])
    assert len(made.written) == len(made.manifest) == 2


def test_strings_that_no_file_can_have_are_digests(folder):
    space = hb.get_space("nasbench201")
    made = hb.export_networks(
        "nasbench201", space.sample(1, 0), folder, skeleton={**SMALL, "depth": 1}
    )
    [arch], [file] = made.manifest["arch"], made.manifest["file"]
    assert file == f"nasbench201-{hashlib.sha256(arch.encode()).hexdigest()[:12]}.onnx"


def test_what_is_there_is_kept(folder, monkeypatch):
    exported(folder, ARCHS[:2])
    fill_in(folder, latency_ms="1.5", note="hot, but fine")
    before = contents(folder)
    made = []
    monkeypatch.setattr(
        export,
        "network_file",
        lambda *given, keep=export.network_file, **options: (
            made.append(options["owner"]) or keep(*given, **options)
        ),
    )
    assert exported(folder, ARCHS[:2]).kept == 2
    assert contents(folder) == before
    assert not made
    more = exported(folder)
    assert (more.kept, len(more.written), len(made)) == (2, 2, 2)
    assert list(more.manifest["latency_ms"]) == ["1.5", "", "", ""]
    assert list(more.manifest["note"]) == ["hot, but fine", "", "", ""]


def test_a_spreadsheet_that_took_zeros_does_no_harm(folder):
    archs = SPACE.from_strings(["00012100", "12121212"])
    exported(folder, archs)
    fill_in(folder, latency_ms="1.5", arch="12100")
    made = exported(folder, archs)
    assert made.kept == len(made.manifest) == 2
    assert list(made.manifest["arch"]) == ["12100", ""]


def test_stopped_and_gone_on_with_is_what_was_not_stopped(folder, tmp_path, monkeypatch):
    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exported(folder, progress=stop)
    assert len(pd.read_csv(folder / "manifest.csv")) == 2
    exported(folder)
    exported(tmp_path / "whole")
    assert contents(folder) == contents(tmp_path / "whole")


def test_killed_while_a_file_is_written_leaves_no_half_of_it(folder, tmp_path, monkeypatch):
    exported(folder, ARCHS[:1])

    class Killed(BaseException):
        pass

    def killed(self, target):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", killed)
        with pytest.raises(Killed):
            exported(folder)
    assert {path.suffix for path in folder.iterdir()} == {".onnx", ".csv", ".json"}
    assert len(list(folder.glob("*.onnx"))) == 1
    exported(folder)
    exported(tmp_path / "whole")
    assert contents(folder) == contents(tmp_path / "whole")


@pytest.mark.parametrize("damage", ["removed", "cut"])
def test_a_file_that_is_damaged_is_written_again(folder, damage):
    made = exported(folder)
    fill_in(folder, latency_ms="1.5")
    before = contents(folder)
    path = folder / made.manifest["file"][0]
    path.unlink() if damage == "removed" else path.write_bytes(b"half")
    again = exported(folder)
    assert again.written == (path.name,)
    assert contents(folder) == before


def test_a_measurement_stays_with_the_file_it_is_of(folder):
    made = exported(folder)
    fill_in(folder, latency_ms="1.5", sha256="0" * 64)
    found = refusal(folder)
    assert str(folder / made.manifest["file"][0]) in found
    assert "the file that was measured is gone" in found
    assert found.endswith("choose another folder with -o")


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        ({"to": "torchscript"}, "format onnx opset 17, not torchscript"),
        ({"opset": 12}, "format onnx opset 17, not onnx opset 12"),
        ({"seed": 1}, "seed 0, not 1"),
        ({"batch_size": 8}, "batch_size 1, not 8"),
        ({"skeleton": {**SMALL, "classes": 5}}, "classes 10, not 5"),
    ],
)
def test_other_settings_need_another_folder(folder, options, difference):
    exported(folder, ARCHS[:1])
    found = refusal(folder, **options)
    assert found.startswith(f"{folder}: holds an export of other settings ({difference}); ")
    assert found.endswith("choose another folder with -o")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("arch;file;sha256\na;b;c\n", "has no column 'arch' any more"),
        ("arch,sha256\na,b\n", "has no column 'file' any more"),
        ("", "is no file of comma-separated values"),
        ('arch,file,sha256\n"a,b,c\n', "is no file of comma-separated values"),
    ],
)
def test_a_manifest_that_became_something_else_is_left_alone(folder, text, reason):
    exported(folder, ARCHS[:1])
    (folder / "manifest.csv").write_text(text)
    found = refusal(folder)
    assert found.startswith(f"{folder / 'manifest.csv'}: {reason}")


def test_the_manifest_of_somebody_else_is_left_alone(folder):
    folder.mkdir()
    (folder / "manifest.csv").write_text("arch,file,sha256\n")
    assert "that is of no export" in refusal(folder)


def test_nothing_is_left_of_an_export_that_fails_at_once(folder, monkeypatch):
    monkeypatch.setattr(FORMATS["onnx"], "made", lambda *given: 1 / 0, raising=False)
    found = refusal(folder)
    assert found.startswith(
        f"export: nasbench_macro {SPACE.to_string(ARCHS[0])}: cannot be written"
    )
    assert not folder.exists()
    exported(folder, ARCHS[:1], to="torchscript")  # so that another format can have its place


def test_files_that_were_not_checked_are_once_they_can_be(folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("hwbench.export.formats.is_there", lambda name: False)
        made = exported(folder, ARCHS[:2])
        assert made.unchecked == 2
        assert exported(folder, ARCHS[:2]).kept == 2
    before = contents(folder)
    again = exported(folder, ARCHS[:2])
    assert (again.unchecked, again.kept) == (0, 0)
    assert set(again.manifest["checked_by"]) == {"onnxruntime"}
    after = contents(folder)
    assert {name for name in before if before[name] != after[name]} == {"manifest.csv"}


def test_two_exports_into_one_folder_wait_for_none(folder, held_elsewhere):
    exported(folder, ARCHS[:1])
    held_elsewhere(folder)
    with pytest.raises(hb.HwbenchError, match="another process"):
        exported(folder)


def test_settings_tell_the_versions(folder):
    exported(folder, ARCHS[:1])
    told = json.loads((folder / "export.json").read_text())
    assert told["settings"]["input_size"] == 16
    assert {"torch", "hwbench", "onnxruntime"} <= set(told["versions"])


def test_nothing_to_export(folder):
    with pytest.raises(hb.HwbenchError, match="export: no architecture is given"):
        exported(folder, ARCHS[:0])
    assert not folder.exists()
