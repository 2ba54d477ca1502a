"""`hwbench images` from the command line to a search on what it made."""

import json

import numpy as np
import pytest
from PIL import Image

from hwbench.images.sets import list_image_sets


@pytest.fixture
def photos(tmp_path):
    """A folder of 40 pictures in two classes."""
    generator = np.random.default_rng(0)
    for number in range(40):
        path = tmp_path / "photos" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 256, (12, 12, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return tmp_path / "photos"


def test_every_set_is_listed_with_the_command_that_gets_it(hwbench, hwbench_home):
    rows = json.loads(hwbench("images", "list", "--json").out)
    assert [row["name"] for row in rows] == list_image_sets()
    by_name = {row["name"]: row for row in rows}
    cifar = by_name["cifar10"]
    assert (cifar["size"], cifar["channels"], cifar["classes"]) == (32, 3, 10)
    assert (cifar["train_images"], cifar["test_images"]) == (50_000, 10_000)
    assert (cifar["there"], cifar["get"]) == (False, "hwbench images fetch cifar10")
    assert by_name["digits"]["there"] is True
    text = hwbench("images", "list").out
    assert "hwbench images fetch cifar100" in text
    assert "50,000 + 10,000" in text


def test_a_converted_set_is_listed_and_a_damaged_one_said(hwbench, hwbench_home, photos):
    made = hwbench("images", "convert", photos, "--size", 8)
    assert made.code == 0, made
    path = hwbench_home / "images" / "photos-8.npz"
    assert f"32 images to train on and 8 to test on, 8x8 pixels, 3 channels, 2 classes: {path}" in (
        made.out
    )
    assert '[data] name = "photos-8"' in made.out
    labels = np.array([0, 1])
    arrays = {f"{part}_labels": labels for part in ("train", "test")}
    arrays |= {f"{part}_images": np.zeros((2, 5, 5)) for part in ("train", "test")}
    np.savez(hwbench_home / "images" / "own.npz", **arrays)
    (hwbench_home / "images" / "torn.npz").write_bytes(b"x")
    listed = hwbench("images", "list", "--json")
    assert listed.code == 0
    assert "torn.npz: is damaged or no .npz" in listed.err
    rows = {row["name"]: row for row in json.loads(listed.out)}
    assert "torn" not in rows
    assert rows["photos-8"]["train_images"] == 32
    assert rows["photos-8"]["there"] is True
    own = rows["own"]
    assert (own["size"], own["channels"], own["classes"], own["base"]) == (5, 1, 2, "own")


def test_convert_tells_all_as_json(hwbench, hwbench_home, photos, tmp_path):
    (photos / "a" / "note.txt").write_text("x")
    command = ["images", "convert", photos, "-o", tmp_path / "it.npz", "--images", 10, "--seed", 2]
    told = json.loads(hwbench(*command, "--json").out)
    assert (told["train_images"], told["of_train_images"], told["seed"]) == (10, 32, 2)
    assert told["class_names"] == ["a", "b"]
    assert told["path"] == str(tmp_path / "it.npz")
    assert len(told["notes"]) == 2
    assert "Note: 1 file" in hwbench(*command, "--replace").out


def test_wrong_arguments_are_one_line(refused, hwbench_home, photos):
    assert "exists already" not in refused("images", "convert", photos, "--size", 0)
    assert "did you mean 'cifar10'" in refused("images", "convert", "cifr10")
    assert "did you mean 'cifar10'" in refused("images", "fetch", "cifr10")
    assert "cannot be fetched by a program" in refused("images", "fetch", "imagenet16-120")
    assert "no such file or folder" in refused("images", "fetch", "svhn", "--from", photos / "no")
    assert "hwbench images fetch cifar10" in refused("images", "convert", "cifar10", "--size", 16)


def test_a_mirror_is_named_once_for_all(refused, hwbench_home, photos, monkeypatch):
    monkeypatch.setenv("HWBENCH_MIRROR", str(photos / "nowhere"))
    assert f"mirror {photos / 'nowhere'}: there is no such" in refused("images", "fetch", "svhn")
    copied = refused("images", "fetch", "svhn", "--from", photos / "no")
    assert "no such file or folder" in copied  # a copy that is named goes before the mirror


def test_nothing_is_fetched_of_what_comes_with_a_library(hwbench, hwbench_home):
    assert "nothing is to be fetched" in hwbench("images", "fetch", "digits").out


def test_a_search_on_a_converted_set_keeps_which_it_was(
    hwbench, refused, hwbench_home, photos, tiny_search, tmp_path
):
    assert hwbench("images", "convert", photos, "--size", 8).code == 0
    tree = tiny_search().read_text().replace("[data]", '[data]\nname = "photos-8"')
    tree = tree.replace("validation_share = 0.9", "validation_share = 0.5")
    config = tmp_path / "mine.toml"
    config.write_text(tree)
    run = ["live", "run", config, "-o", tmp_path / "run"]
    result = hwbench(*run)
    assert result.code == 0, result
    record = json.loads((tmp_path / "run" / "run.json").read_text())["images"]
    digest = record.pop("sha256")
    assert len(digest) == 64
    assert record == {
        "name": "photos-8",
        "base": "photos-8",
        "train_images": 32,
        "test_images": 8,
        "size": 8,
        "channels": 3,
        "classes": 2,
    }
    (tmp_path / "run" / "result.json").unlink()  # as if it had been stopped before its end
    convert = ["images", "convert", photos, "--size", 8, "--replace"]
    assert hwbench(*convert, "--seed", 1).code == 0
    message = refused(*run)
    assert "was begun with other images of the name photos-8" in message
    assert digest[:12] in message
    assert "put those back" in refused("live", "select", tmp_path / "run", "--method", "strength")
    assert hwbench(*convert).code == 0
    assert hwbench(*run).code == 0


def test_a_table_trained_on_a_converted_set_keeps_which_it_was(
    hwbench, hwbench_home, photos, tmp_path
):
    assert hwbench("images", "convert", photos, "--size", 8).code == 0
    train = ["tables", "train", "nasbench201", "--name", "t", "--images", "photos-8"]
    train += ["--limit", 2, "--seeds", 1, "--channels", 2, "--workers", 1]
    result = hwbench(*train)
    assert result.code == 0, result
    shown = json.loads(hwbench("tables", "show", "t", "--json").out)
    [recipe] = [each for each in shown["recipes"] if each["command"] == "train"]
    assert recipe["image_set"]["name"] == recipe["images"] == "photos-8"
    assert recipe["image_set"]["train_images"] == 32
    assert len(recipe["image_set"]["sha256"]) == 64
