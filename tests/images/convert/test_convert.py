"""Image sets are made of every kind of source, the same from the same, and found by name."""

import gzip
import os
import shutil
import struct
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from hwbench.errors import HwbenchError
from hwbench.images.convert import of_arrays
from hwbench.images.convert.convert import Conversion, convert_images
from hwbench.images.npz_file import npz_arrays
from hwbench.images.sets import base_of, list_image_sets, load_images, reader_module


def converted(source, output=None, *, name=None, replace=False, **options):
    return convert_images(
        str(source), Conversion(**options), name=name, output=output, replace=replace
    )


def refusal(source, output=None, **options):
    with pytest.raises(HwbenchError) as caught:
        converted(source, output, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def means_of_areas(pictures, size):
    """Of shape (n, 3, size, size), by hand."""
    n, height, width, _ = pictures.shape
    blocks = pictures.reshape(n, size, height // size, size, width // size, 3).astype(float)
    return blocks.mean(axis=(2, 4)).transpose(0, 3, 1, 2)


# ---------------------------------------------------------------------- folders


@pytest.fixture
def split_folder(folder_of, pictures):
    drawn = pictures(8)
    places = ["train/cat/1.png", "train/cat/2.png", "train/dog/1.png", "train/dog/deep/2.png"]
    places += ["val/cat/9.png", "val/dog/9.png"]
    return folder_of(dict(zip(places, drawn[:6], strict=True))), drawn


def test_folders_of_classes_within_parts(split_folder, tmp_path, hwbench_home):
    folder, drawn = split_folder
    made = converted(folder, size=4)
    assert made.path == hwbench_home / "images" / "photos-4.npz"
    train, test, about = npz_arrays(made.path)
    assert train[0].dtype == np.uint8
    assert train[1].tolist() == [0, 0, 1, 1]
    assert test[1].tolist() == [0, 1]
    np.testing.assert_allclose(train[0], means_of_areas(drawn[:4], 4), atol=1)
    np.testing.assert_allclose(test[0], means_of_areas(drawn[4:6], 4), atol=1)
    assert about.class_names == ("cat", "dog")
    assert (about.source, about.base, about.seed) == ("photos", "photos-4", 0)
    assert (about.train_images, about.test_images, about.of_train_images) == (4, 2, 4)
    assert about.test_share is None
    images = load_images("photos-4")
    assert (images.name, images.size, images.channels, images.classes) == ("photos-4", 4, 3, 2)
    assert "photos-4" in list_image_sets()


def test_a_folder_without_parts_is_split_by_class_and_seed(folder_of, pictures, tmp_path):
    drawn = pictures(30)
    places = {f"{'ab'[n % 3 == 0]}/{n:02}.png": drawn[n] for n in range(30)}
    folder = folder_of(places)
    first = converted(folder, tmp_path / "1.npz", test_share=0.3)
    train, test, about = npz_arrays(first.path)
    assert np.bincount(test[1]).tolist() == [6, 3]
    assert np.bincount(train[1]).tolist() == [14, 7]
    assert about.test_share == 0.3
    every = {image.tobytes() for image in np.concatenate([train[0], test[0]])}
    assert every == {np.moveaxis(picture, -1, 0).tobytes() for picture in drawn}
    other = npz_arrays(converted(folder, tmp_path / "2.npz", test_share=0.3, seed=1).path)
    assert not np.array_equal(other[1][0], test[0])
    assert npz_arrays(converted(folder, tmp_path / "3.npz").path)[2].test_share == 0.2


def test_the_same_gives_the_same_bytes_at_another_time(split_folder, tmp_path, monkeypatch):
    folder, _ = split_folder
    first = converted(folder, tmp_path / "1" / "a.npz", size=6, images=2).path.read_bytes()
    copy = shutil.copytree(folder, tmp_path / "elsewhere" / folder.name)
    os.utime(copy / "train" / "cat" / "1.png", (0, 0))
    now = time.time() + 10**7
    for name in ("time", "localtime", "gmtime"):
        real = getattr(time, name)
        moved = (lambda: now) if name == "time" else (lambda *_, real=real: real(now))
        monkeypatch.setattr(time, name, moved)
    assert converted(copy, tmp_path / "2" / "a.npz", size=6, images=2).path.read_bytes() == first
    changed = converted(copy, tmp_path / "3" / "a.npz", size=6, images=2, seed=5).path.read_bytes()
    assert changed != first


def test_grey_and_coloured_pictures_together_are_of_three_channels(folder_of, pictures, tmp_path):
    drawn = pictures(8)
    grey = drawn[..., 0]
    all_grey = folder_of({f"{c}/{n}.png": grey[n] for c in "ab" for n in range(4)}, "grey")
    train, _, about = npz_arrays(converted(all_grey, tmp_path / "grey.npz", test_share=0.5).path)
    assert (train[0].shape, about.channels) == ((4, 1, 8, 8), 1)
    places = {"train/a/1.png": grey[0], "train/b/1.png": drawn[1]}
    places |= {"test/a/1.png": grey[2], "test/b/1.png": grey[3]}
    train, test, about = npz_arrays(converted(folder_of(places), tmp_path / "both.npz").path)
    assert about.channels == 3
    for channel in range(3):
        np.testing.assert_array_equal(train[0][0, channel], grey[0])
        np.testing.assert_array_equal(test[0][1, channel], grey[3])
    np.testing.assert_array_equal(train[0][1], np.moveaxis(drawn[1], -1, 0))


def test_what_is_transparent_stands_on_black(folder_of, pictures, tmp_path):
    drawn = pictures(1)[0]
    clear = np.concatenate([drawn, np.zeros((8, 8, 1), np.uint8)], axis=2)
    half = np.concatenate([drawn, np.full((8, 8, 1), 128, np.uint8)], axis=2)
    places = {"train/a/1.png": clear, "train/b/1.png": half}
    places |= {"test/a/1.png": drawn, "test/b/1.png": drawn}
    train, _, _ = npz_arrays(converted(folder_of(places), tmp_path / "it.npz").path)
    assert not train[0][0].any()
    np.testing.assert_allclose(train[0][1], np.moveaxis(drawn, -1, 0) / 2, atol=1.5)


def test_pictures_of_several_sizes_need_a_size(folder_of, pictures, tmp_path):
    places = {f"{part}/{c}/1.png": pictures(1)[0] for part in ("train", "test") for c in "ab"}
    folder = folder_of(places | {"train/a/2.png": pictures(1, 8, 12)[0]})
    message = refusal(folder, tmp_path / "it.npz")
    assert "photos: its images differ in size (8x8 and 12x8); give --size" in message
    assert not (tmp_path / "it.npz").exists()
    made = converted(folder, tmp_path / "it.npz", size=4)
    wide = npz_arrays(made.path)[0][0][1]
    np.testing.assert_allclose(wide, means_of_areas(pictures(1, 8, 12), 4)[0], atol=1)
    wide_alone = folder_of(dict.fromkeys(places, pictures(1, 8, 12)[0]), "wide")
    assert "its images are no squares (12x8); give --size" in refusal(wide_alone)


def test_larger_pictures_are_bicubic(folder_of, pictures, tmp_path):
    parts = ("train", "test")
    folder = folder_of({f"{part}/{c}/1.png": pictures(1)[0] for part in parts for c in "ab"})
    train, _, _ = npz_arrays(converted(folder, tmp_path / "it.npz", size=16).path)
    image = Image.fromarray(pictures(1)[0]).resize((16, 16), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(train[0][0], np.moveaxis(np.asarray(image), -1, 0))


def test_other_files_are_left_out_and_said(split_folder, tmp_path):
    folder, _ = split_folder
    (folder / "train" / "cat" / "labels.txt").write_text("x")
    (folder / "train" / "cat" / ".DS_Store").write_text("x")
    (folder / ".git").mkdir()
    made = converted(folder, tmp_path / "it.npz")
    assert len(made.notes) == 1
    assert "1 file whose name says no format that is read is left out" in made.notes[0]
    assert "train/cat/labels.txt" in made.notes[0]


@pytest.mark.parametrize("form", ["folders", "files", "column"])
def test_validation_images_are_left_out_and_said_where_there_is_a_test(
    form, folder_of, parquet, pictures, tmp_path
):
    drawn, labels = pictures(8), [0, 1] * 4
    parts = ["train"] * 4 + ["validation"] * 2 + ["test"] * 2
    if form == "folders":
        places = [f"{part}/{row % 2}/{row}.png" for row, part in enumerate(parts)]
        source = folder_of(dict(zip(places, drawn, strict=True)))
    elif form == "column":
        source = parquet("all.parquet", drawn, labels, split=parts)
    else:
        for name, rows in (("train", range(4)), ("validation", range(4, 6)), ("test", (6, 7))):
            some = [labels[row] for row in rows]
            source = parquet(f"set/{name}-0.parquet", drawn[list(rows)], some).parent
    made = converted(source, tmp_path / "it.npz")
    train, test, about = npz_arrays(made.path)
    assert sorted(train[0].sum(axis=(1, 2, 3))) == sorted(drawn[:4].sum(axis=(1, 2, 3)))
    assert sorted(test[0].sum(axis=(1, 2, 3))) == sorted(drawn[6:].sum(axis=(1, 2, 3)))
    assert (about.train_images, about.test_images, about.of_train_images) == (4, 2, 4)
    assert made.notes == ["the part validation is left out: there is one to test on"]


@pytest.mark.parametrize("validation", [True, False])
def test_parts_whose_labels_are_secret_are_left_out_and_said(
    validation, parquet, pictures, tmp_path
):
    drawn = pictures(14)
    parts = ["test"] * 2 + ["train"] * 10 + ["validation" if validation else "train"] * 2
    labels = [-1, -1, *[0, 1] * 6]
    made = converted(parquet("all.parquet", drawn, labels, split=parts), tmp_path / "it.npz")
    train, test, about = npz_arrays(made.path)
    together = np.concatenate([train[0], test[0]]).sum(axis=(1, 2, 3))
    assert sorted(together) == sorted(drawn[2:].sum(axis=(1, 2, 3)))
    first, *others = made.notes
    assert first == "the part test is left out: no label of its images is known"
    drawn_for_it = "no part is for testing: 3 images, 0.2 of each class, were drawn for it"
    assert others == ([] if validation else [drawn_for_it])
    if validation:
        assert sorted(test[0].sum(axis=(1, 2, 3))) == sorted(drawn[12:].sum(axis=(1, 2, 3)))
        assert (about.train_images, about.test_images, about.test_share) == (10, 2, None)
    else:
        assert (about.train_images, about.test_images, about.test_share) == (9, 3, 0.2)
    assert (about.classes, about.of_train_images) == (2, about.train_images)


def test_secret_labels_among_others_are_refused(parquet, pictures):
    drawn, parts = pictures(6), ["train"] * 4 + ["test"] * 2
    some = parquet("some.parquet", drawn, [0, 1, 0, -1, 0, 1], split=parts)
    assert "some.parquet: column label: of the part train some labels are -1" in refusal(some)
    assert "row 4 of it" in refusal(some)
    unsplit = parquet("unsplit.parquet", drawn, [0, 1, 0, -1, 0, 1])
    assert "unsplit.parquet: column label: row 4 is -1" in refusal(unsplit)


def test_a_folder_that_is_none_is_said(folder_of, pictures, tmp_path, split_folder):
    folder, _ = split_folder
    one = pictures(1)[0]
    for broken, reason in {b"": "cannot identify", b"x" * 50: "cannot identify"}.items():
        path = folder / "train" / "cat" / "1.png"
        path.write_bytes(broken)
        message = refusal(folder)
        assert f"{path}: cannot be read as a picture ({reason}" in message
        assert "BMP, JPEG, PNG, PPM are read" in message
    path.unlink()
    (folder / "train" / "bird").mkdir()
    assert f"{folder / 'train' / 'bird'}: the class has no pictures" in refusal(folder)
    shutil.rmtree(folder / "train" / "bird")
    folder_of({"val/bird/1.png": one})
    assert f"{folder / 'val' / 'bird'}: the class is missing in {folder / 'train'}" in refusal(
        folder
    )
    alone = folder_of({"train/a/1.png": one}, "alone")
    assert f"{alone}: holds train alone; it needs train and test (or val)" in refusal(alone)
    (tmp_path / "empty").mkdir()
    assert "holds no folders of pictures" in refusal(tmp_path / "empty")
    few = folder_of({"a/1.png": one, "b/1.png": one}, "few")
    assert "few: too few images to set 0.2 of each class aside for testing" in refusal(few)


def test_folders_a_level_too_high_are_refused_with_the_one_that_is_meant(folder_of, pictures):
    one = pictures(1)[0]
    places = [f"data/{part}/{c}/1.png" for part in ("Train", "val") for c in "ab"]
    folder = folder_of(dict.fromkeys(places, one), "nest")
    message = refusal(folder)
    assert "its folder data holds the parts to train and to test on" in message
    assert message.endswith(f"hwbench images convert {folder / 'data'}")
    folder = folder_of(dict.fromkeys(("all/a/1.png", "all/b/1.png"), one), "high")
    assert refusal(folder).endswith(f"hwbench images convert {folder / 'all'}")
    folder = folder_of(dict.fromkeys((f"a/{n}.png" for n in range(9)), one), "alone")
    assert "all images to train on are of one class, 'a'" in refusal(folder)


def test_what_stands_beside_parts_and_classes_is_said(split_folder, pictures, folder_of, tmp_path):
    folder, _ = split_folder
    one = pictures(1)[0]
    more = ("extra/cat/1.png", "loose.png", "train/loose.png", "train/cat/.thumbnails/1.png")
    folder_of(dict.fromkeys(more, one))
    made = converted(folder, tmp_path / "it.npz")
    assert (made.about.train_images, made.about.test_images) == (4, 2)
    assert made.notes == [
        "the folder extra beside train and val is left out",
        "2 pictures outside of the classes' folders are left out, such as loose.png",
    ]
    (folder / "training").mkdir()
    assert f"{folder}: holds train and training; which is meant" in refusal(folder)
    (folder / "training").rmdir()
    (folder / "train" / "fish").mkdir()
    (folder / "train" / "fish" / "1.webp").write_bytes(b"x")
    message = refusal(folder)
    assert "fish: the class has no pictures of a format that is read (.bmp" in message
    assert "1.webp" in message
    classes = folder_of({f"{name}/1.png": one for name in ("bus", "train")}, "vehicles")
    assert "where train is a class as bus is, give it another name" in refusal(classes)


def test_no_picture_of_16_bits_is_clipped(folder_of, pictures):
    deep = Image.fromarray(np.full((8, 8), 40_000, dtype=np.uint16))
    plain = dict.fromkeys(("train/b/1.png", "test/a/1.png", "test/b/1.png"), pictures(1)[0])
    folder = folder_of({"train/a/1.png": deep, **plain})
    assert "1.png: has more than 8 bits a channel (Pillow's mode I;16)" in refusal(folder)


# ---------------------------------------------------------------------- Parquet


@pytest.fixture
def parquet(tmp_path, encoded):
    def write(name, pictures, labels, *, struct=False, metadata=None, **columns):
        data = [encoded(picture) for picture in pictures]
        images = [{"bytes": each, "path": None} for each in data] if struct else data
        fields = {"image": images, "label": labels, **columns}
        if struct:
            kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
            fields["image"] = pa.array(images, kind)
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        table = pa.table(fields).replace_schema_metadata(metadata)
        pq.write_table(table, path, row_group_size=3)
        return path

    return write


def test_parquet_with_a_column_of_the_split(parquet, pictures, tmp_path, hwbench_home):
    drawn = pictures(700)
    split = ["test" if n % 5 == 0 else "train" for n in range(700)]
    path = parquet(
        "cats.parquet", drawn, [n % 7 for n in range(700)], split=split, number=[0] * 700
    )
    made = converted(path, size=4, images=14, base="cifar100", seed=3)
    assert made.path == hwbench_home / "images" / "cifar100-4-14.npz"
    train, test, about = npz_arrays(made.path)
    assert np.bincount(train[1]).tolist() == [2] * 7
    assert (about.train_images, about.of_train_images) == (14, 560)
    small = means_of_areas(drawn, 4)
    np.testing.assert_allclose(test[0], small[::5], atol=1)
    np.testing.assert_array_equal(test[1], np.arange(0, 700, 5) % 7)
    for image, label in zip(*train, strict=True):
        differences = np.abs(small - image).max(axis=(1, 2, 3))
        row = int(differences.argmin())
        assert differences[row] <= 1
        assert row % 7 == label
        assert row % 5
    assert load_images("cifar100-4-14").base == base_of("cifar100-4-14") == "cifar100"


def test_parquet_files_that_are_called_after_their_parts(parquet, pictures, tmp_path):
    drawn = pictures(12)
    names = b'{"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}'
    keys = {"struct": True, "metadata": {b"huggingface": names}}
    parquet("set/train-00000-of-00002.parquet", drawn[:4], [0, 1, 0, 1], **keys)
    parquet("set/train-00001-of-00002.parquet", drawn[4:8], [0, 1, 0, 1], **keys)
    path = parquet("set/test-00000-of-00001.parquet", drawn[8:], [1, 0, 1, 0], **keys)
    train, test, about = npz_arrays(converted(path.parent, tmp_path / "it.npz").path)
    np.testing.assert_array_equal(train[0], np.moveaxis(drawn[:8], -1, 1))
    np.testing.assert_array_equal(test[0], np.moveaxis(drawn[8:], -1, 1))
    assert test[1].tolist() == [1, 0, 1, 0]
    assert about.class_names == ("cat", "dog")
    parquet("set/more.parquet", drawn[8:], [1, 0, 1, 0], **keys)
    assert "more.parquet: its name does not say which part it is" in refusal(path.parent)


def test_parquet_without_parts_is_split_and_texts_are_classes(parquet, pictures, tmp_path):
    path = parquet("all.parquet", pictures(10), ["dog", "cat"] * 5)
    train, test, about = npz_arrays(converted(path, tmp_path / "it.npz").path)
    assert about.class_names == ("cat", "dog")
    assert np.bincount(train[1]).tolist() == [4, 4]
    assert np.bincount(test[1]).tolist() == [1, 1]


def test_parquet_whose_columns_are_unclear_or_wrong(parquet, pictures, tmp_path):
    drawn, labels = pictures(4), [0, 1, 0, 1]
    split = ["train", "train", "test", "test"]
    two = parquet("two.parquet", drawn, labels, split=split, mask=[b"x"] * 4)
    assert "of images is not clear, several could be (image, mask); name it with" in refusal(two)
    assert "'imagee'; did you mean 'image'?" in refusal(two, image_column="imagee")
    assert "the column label is of int64, and so of no images" in refusal(two, image_column="label")
    converted(two, tmp_path / "it.npz", image_column="image")
    message = refusal(two, tmp_path / "no.npz", image_column="mask")
    assert "two.parquet: row 1, column mask: cannot be read as a picture" in message
    none = parquet("none.parquet", drawn, labels, split=["train", "dev", "test", "test"])
    assert "none.parquet: column split: unknown part 'dev'" in refusal(none)
    gaps = parquet("gaps.parquet", drawn, [0, None, 0, 1], split=split)
    assert "gaps.parquet: row 2, column label: there is no value" in refusal(gaps)
    other = parquet("other.parquet", drawn, [0.5] * 4, split=split)
    assert "which column is of labels is not clear, none could be" in refusal(other)
    path = tmp_path / "torn.parquet"
    path.write_bytes(two.read_bytes()[:-20])
    assert "torn.parquet: cannot be read as Parquet" in refusal(path)


@pytest.mark.parametrize("column", ["Split", "usage"])
def test_the_part_is_found_by_its_name_in_any_case_or_by_its_texts(
    column, parquet, pictures, tmp_path
):
    parts = ["Train"] * 4 + ["TEST"] * 2
    notes = ["all"] * 6
    path = parquet("it.parquet", pictures(6), [0, 1] * 3, note=notes, **{column: parts})
    made = converted(path, tmp_path / "it.npz")
    assert (made.about.train_images, made.about.test_images) == (4, 2)
    assert made.notes == []


def test_parts_that_no_text_says_are_refused_or_said(parquet, pictures, tmp_path):
    drawn, labels = pictures(10), [0, 1] * 5
    numbers = parquet("numbers.parquet", drawn, labels, SPLIT=[0] * 8 + [1] * 2)
    assert "the column SPLIT is of int64; parts are told by texts" in refusal(numbers)
    parts = ["train"] * 8 + ["test"] * 2
    two = parquet("two.parquet", drawn, labels, part=parts, usage=parts)
    assert "several could (part, usage); call one of them split" in refusal(two)
    other = parquet("other.parquet", drawn, labels, is_test=[False] * 10)
    assert converted(other, tmp_path / "it.npz").notes == [
        "the column is_test is not used",
        "no part is for testing: 2 images, 0.2 of each class, were drawn for it",
    ]


def test_one_part_alone_may_be_split(parquet, pictures, tmp_path):
    path = parquet("train.parquet", pictures(10), [0, 1] * 5)
    assert "there are no images to test on; --test-share 0.2 sets so much" in refusal(path)
    made = converted(path, tmp_path / "it.npz", test_share=0.2)
    assert (made.about.train_images, made.about.test_images) == (8, 2)
    assert made.about.test_share == 0.2


def test_parquet_without_pictures_or_rows_says_so(parquet, tmp_path):
    path = tmp_path / "paths.parquet"
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    images = pa.array([{"bytes": None, "path": f"{n}.png"} for n in range(10)], kind)
    pq.write_table(pa.table({"image": images, "label": [0, 1] * 5}), path)
    message = refusal(path)
    assert "row 1, column image: there is no picture; one is read from its bytes" in message
    pq.write_table(pa.table({"file": ["a.png"], "label": [0]}), path)
    message = refusal(path)
    assert "columns are file (string), label (int64); pictures must be in the file" in message
    pq.write_table(pa.table({"image": images[:0], "label": pa.array([], pa.int64())}), path)
    assert "paths.parquet: holds no rows" in refusal(path)


@pytest.fixture
def cifar10(shared_data):
    path = shared_data / "cifar10_jpeg.parquet"
    if not path.exists():
        pytest.skip("CIFAR-10 as Parquet is absent")
    return path


def test_a_published_set_from_parquet(cifar10, tmp_path):
    whole = pq.read_table(cifar10)
    path = tmp_path / "some.parquet"
    pq.write_table(whole.take(list(range(0, 60_000, 60))), path)
    small = npz_arrays(converted(path, tmp_path / "16.npz", size=16, images=500).path)
    assert np.bincount(small[0][1], minlength=10).tolist() == [50] * 10
    assert 105 < small[0][0].mean() < 135  # as of CIFAR-10, 120.7
    large = npz_arrays(converted(path, tmp_path / "32.npz", images=10).path)
    means = means_of_areas(np.moveaxis(large[1][0], 1, -1), 16)
    np.testing.assert_allclose(small[1][0], means, atol=1)


@pytest.mark.slow
def test_all_of_a_published_set_in_little_memory(cifar10, tmp_path):
    code = (
        "import resource, sys\n"
        "from hwbench.cli import main\n"
        "sys.argv = ['hwbench', 'images', 'convert', *sys.argv[1:]]\n"
        "try:\n    main()\n"
        "finally:\n    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    output = tmp_path / "it.npz"
    command = [sys.executable, "-c", code, cifar10, "--base", "cifar10", "-o", output]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(found.stdout.split()[-1]) < 1 << 20  # KiB
    train, test, about = npz_arrays(output)
    assert np.bincount(train[1]).tolist() == [5000] * 10
    assert np.bincount(test[1]).tolist() == [1000] * 10
    assert (about.size, about.channels, about.base) == (32, 3, "cifar10")


# ---------------------------------------------------------------------- arrays


def idx(array):
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return head + array.astype(np.uint8).tobytes()


@pytest.fixture
def mnist(tmp_path, pictures):
    folder = tmp_path / "mnist"
    folder.mkdir()
    images = pictures(12)[..., 0]
    labels = np.arange(12) % 3
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images[:9])))
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels[:9])))
    (folder / "t10k-images.idx3-ubyte").write_bytes(idx(images[9:]))
    (folder / "t10k-labels.idx1-ubyte").write_bytes(idx(labels[9:]))
    return folder, images, labels


def test_idx_files_packed_or_not(mnist, hwbench_home):
    folder, images, labels = mnist
    made = converted(folder)
    assert made.path.name == "mnist-8.npz"
    train, test, about = npz_arrays(made.path)
    np.testing.assert_array_equal(train[0], images[:9, None])
    np.testing.assert_array_equal(test[0], images[9:, None])
    assert (*train[1], *test[1]) == tuple(labels)
    assert about.channels == 1


DAMAGED_IDX = {
    "labels_missing": (
        "t10k-labels.idx1-ubyte",
        lambda: idx(np.zeros(4)),
        "3 images, but 4 labels",
    ),
    "no_lengths": ("t10k-labels.idx1-ubyte", lambda: b"\0\0\x08\x01", "ends too early"),
    "floats": (
        "t10k-labels.idx1-ubyte",
        lambda: b"\0\0\x0d\x01" + bytes(8),
        "no IDX file of unsigned bytes",
    ),
    "huge_lengths": (
        "t10k-images.idx3-ubyte",
        lambda: b"\0\0\x08\x03" + b"\xff" * 12,
        "more than a file of its size",
    ),
    "a_byte_more": (
        "t10k-images.idx3-ubyte",
        lambda: idx(np.zeros((3, 8, 8))) + b"x",
        "has another number",
    ),
    "packed_and_cut": (
        "train-images-idx3-ubyte.gz",
        lambda: gzip.compress(idx(np.zeros((9, 8, 8))))[:-9],
        "is damaged",
    ),
    "packed_bomb": (
        "train-images-idx3-ubyte.gz",
        lambda: gzip.compress(b"\0\0\x08\x03" + struct.pack(">3I", 10**6, 28, 28) + bytes(10**8)),
        "more than a file of its size may hold",
    ),
}


@pytest.mark.parametrize("damage", DAMAGED_IDX)
def test_damaged_idx_files_are_named(mnist, damage):
    folder, _, _ = mnist
    name, content, message = DAMAGED_IDX[damage]
    (folder / name).write_bytes(content())
    assert message in (found := refusal(folder))
    assert str(folder) in found


def test_missing_idx_files_are_named(mnist):
    folder, _, _ = mnist
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(b"x")
    assert "stands beside t10k-images-idx3-ubyte.gz" in refusal(folder)
    (folder / "t10k-images-idx3-ubyte.gz").unlink()
    (folder / "t10k-images.idx3-ubyte").unlink()
    assert "lacks t10k-images-idx3-ubyte, packed (.gz) or not" in refusal(folder)


def test_a_converted_set_is_converted_again(parquet, pictures, tmp_path, hwbench_home):
    split = ["train"] * 6 + ["test"] * 2
    path = parquet("a.parquet", pictures(8), [0, 1] * 4, split=split)
    first = converted(path, base="cifar10", name="mine")
    again = converted(first.path, size=4)
    assert again.path.name == "cifar10-4.npz"
    direct = npz_arrays(converted(path, tmp_path / "direct.npz", size=4).path)
    found = npz_arrays(again.path)
    for part in (0, 1):
        for what in (0, 1):
            np.testing.assert_array_equal(found[part][what], direct[part][what])


def test_arrays_that_are_no_pixels_are_refused(tmp_path):
    labels = np.array([0, 1])
    arrays = {f"{part}_labels": labels for part in ("train", "test")}
    for images, message in {
        "floats": (np.random.default_rng(0).random((2, 4, 4)), "whole numbers 0 .. 255"),
        "large": (np.full((2, 4, 4), 256), "whole numbers 0 .. 255"),
        "ones": (np.eye(4, dtype=np.uint8)[None].repeat(2, 0), "multiply them by 255 first"),
        "channels": (np.zeros((2, 4, 8, 8), np.uint8), "of 4 channels cannot be converted"),
    }.values():
        np.savez(tmp_path / "a.npz", train_images=images, test_images=images, **arrays)
        assert message in refusal(tmp_path / "a.npz")
    objects = np.array([None, None])
    np.savez(tmp_path / "o.npz", train_images=objects, test_images=objects, **arrays)
    assert "no array of numbers" in refusal(tmp_path / "o.npz")


def arrays_file(path, train_labels, test_labels, size=4):
    rng = np.random.default_rng(0)
    images = [
        rng.integers(0, 256, (len(each), 1, size, size)) for each in (train_labels, test_labels)
    ]
    arrays = {"train_images": images[0], "test_images": images[1]}
    np.savez(path, train_labels=train_labels, test_labels=test_labels, **arrays)
    return path


def test_labels_with_gaps_are_numbered_from_0_and_said(tmp_path):
    path = arrays_file(tmp_path / "a.npz", np.array([21, 7, 14, 7]), np.array([14, 21]))
    made = converted(path, tmp_path / "it.npz")
    train, test, about = npz_arrays(made.path)
    assert (train[1].tolist(), test[1].tolist()) == ([2, 0, 1, 0], [1, 2])
    assert (about.classes, about.class_names) == (3, ("7", "14", "21"))
    assert made.notes == [
        "the labels 7, 14, 21 became 0 .. 2: no image has another",
        "no images to test on are of class '7'",
    ]
    with pytest.raises(HwbenchError, match=r"19 of the classes 0 \.\. 21 have no training images"):
        load_images(str(path))
    assert load_images(str(made.path)).classes == 3


def test_named_classes_keep_their_numbers_and_empty_ones_are_said(parquet, pictures, tmp_path):
    names = b'{"info": {"features": {"label": {"names": ["cat", "dog", "owl"]}}}}'
    split = ["train"] * 2 + ["test"] * 2
    path = parquet(
        "a.parquet", pictures(4), [0, 2] * 2, split=split, metadata={b"huggingface": names}
    )
    made = converted(path, tmp_path / "it.npz")
    assert npz_arrays(made.path)[0][1].tolist() == [0, 2]
    assert made.notes == ["the class dog has no images"]


def test_classes_that_are_never_tested_are_said(tmp_path):
    path = arrays_file(tmp_path / "a.npz", np.arange(8) % 4, np.array([0, 2]))
    assert converted(path, tmp_path / "it.npz").notes == [
        "no images to test on are of classes 1, 3"
    ]


def test_labels_may_be_true_and_false(parquet, pictures, tmp_path):
    path = parquet("a.parquet", pictures(10), [True, False] * 5)
    train, _, about = npz_arrays(converted(path, tmp_path / "it.npz").path)
    assert sorted(train[1]) == [0] * 4 + [1] * 4
    assert about.class_names == ("false", "true")


def test_no_class_is_left_without_an_image_by_a_draw(tmp_path):
    path = arrays_file(tmp_path / "a.npz", np.arange(8) % 4, np.arange(4))
    message = refusal(path, tmp_path / "it.npz", images=3)
    assert "--images 3 would leave classes without an image; there are 4" in message
    made = converted(path, tmp_path / "it.npz", images=4)
    assert sorted(npz_arrays(made.path)[0][1]) == [0, 1, 2, 3]


def test_a_file_that_is_called_as_a_published_set_is_not_taken_for_it(tmp_path):
    path = arrays_file(tmp_path / "a.npz", np.array([0, 1]), np.array([0, 1]))
    message = refusal(path, tmp_path / "cifar100.npz")
    assert "choose another name, or say with --base cifar100" in message
    made = converted(path, tmp_path / "cifar100.npz", base="cifar100")
    assert made.about.base == "cifar100"


SHAPES = {
    "channels_last": ((4, 8, 8, 3), (4,), "images.transpose(0, 3, 1, 2)"),
    "one_hot": ((4, 3, 8, 8), (4, 2), "labels.argmax(axis=1)"),
    "column": ((4, 3, 8, 8), (4, 1), "labels.reshape(-1)"),
}


@pytest.mark.parametrize("wrong", SHAPES)
def test_shapes_that_are_none_say_how_they_become_right(wrong, tmp_path):
    images, labels, message = SHAPES[wrong]
    arrays = {f"{part}_images": np.zeros(images, np.uint8) for part in ("train", "test")}
    arrays |= {f"{part}_labels": np.zeros(labels, int) for part in ("train", "test")}
    np.savez(tmp_path / "a.npz", **arrays)
    assert message in refusal(tmp_path / "a.npz")


def test_texts_as_labels_and_other_sizes_are_named(tmp_path):
    images = np.zeros((2, 1, 4, 4), np.uint8)
    arrays = {f"{part}_images": images for part in ("train", "test")}
    labels = {f"{part}_labels": np.array(["a", "b"]) for part in ("train", "test")}
    np.savez(tmp_path / "a.npz", **arrays, **labels)
    assert "return_inverse=True)[1] numbers texts" in refusal(tmp_path / "a.npz")
    arrays["test_images"] = np.zeros((2, 1, 5, 5), np.uint8)
    np.savez(tmp_path / "a.npz", **arrays, train_labels=[0, 1], test_labels=[0, 1])
    assert "differ in shape (1x4x4 and 1x5x5)" in refusal(tmp_path / "a.npz")


def test_pictures_in_a_folder_that_is_called_as_a_published_set_are_converted(
    split_folder, tmp_path
):
    folder, _ = split_folder
    renamed = folder.rename(tmp_path / "cifar-10-images")
    assert converted(renamed, tmp_path / "it.npz").about.class_names == ("cat", "dog")


@pytest.mark.parametrize("name", ["cifar-10-python.tar.gz", "cifar-10-batches-py"])
def test_another_form_of_a_published_set_says_which_is_read(name, tmp_path):
    path = tmp_path / name
    path.mkdir() if name.endswith("py") else path.write_bytes(b"x")
    message = refusal(path)
    assert "is not the form of cifar10 that is read, cifar-10-binary.tar.gz" in message
    assert "hwbench images fetch cifar10" in message


def test_published_sets_by_name_and_by_path(hwbench_home, tmp_path, monkeypatch, pictures):
    images = np.moveaxis(pictures(6, 32, 32), -1, 1)
    labels = np.arange(6) % 3
    monkeypatch.setitem(
        of_arrays._READERS,
        "svhn",
        lambda _: ((images[:4], labels[:4]), (images[4:], labels[4:])),
    )
    for place in (hwbench_home / "images", tmp_path / "svhn files"):
        place.mkdir()
        for name in ("train_32x32.mat", "test_32x32.mat"):
            (place / name).write_bytes(name.encode())
    for given in ("svhn", tmp_path / "svhn files", tmp_path / "svhn files" / "test_32x32.mat"):
        made = converted(given, size=16, replace=True)
        assert made.path == hwbench_home / "images" / "svhn-16.npz"
        assert (made.about.base, made.about.source) == ("svhn", "svhn")
        assert made.about.class_names == tuple("0123456789")
        assert made.about.classes == 10
    assert load_images("svhn-16").classes == 10


def test_a_published_set_that_is_not_there_says_how_to_get_it(hwbench_home):
    assert "hwbench images fetch cifar10" in refusal("cifar10", size=16)


# ---------------------------------------------------------------------- names


def test_a_set_that_is_not_there_says_how_to_make_it(hwbench_home, tmp_path):
    for name, commands in {
        "cifar10-16": ("fetch cifar10'", "convert cifar10 --size 16'"),
        "imagenet16-120-8": ("fetch imagenet16-120'", "convert imagenet16-120 --size 8'"),
        "svhn-8-500": ("fetch svhn'", "convert svhn --size 8 --images 500'"),
    }.items():
        with pytest.raises(HwbenchError) as caught:
            load_images(name)
        assert all(command in str(caught.value) for command in commands)
        assert base_of(name) == name.removesuffix("-500").rpartition("-")[0]
    with pytest.raises(HwbenchError, match=rf"--size 16 -o {tmp_path}/cifar10-16\.npz'"):
        load_images("cifar10-16", tmp_path)
    with pytest.raises(HwbenchError, match="unknown image set 'cifar11-16'"):
        load_images("cifar11-16")
    assert base_of("mine") == "mine"
    assert reader_module("cifar10-16") == "hwbench.images.npz_file"


def test_names_that_cannot_be_are_refused(split_folder, hwbench_home, tmp_path):
    folder, _ = split_folder
    converted(folder, name="mine")
    for options, message in (
        ({"name": "mine"}, "mine.npz: exists already; choose another name with --name, or make"),
        ({"name": "cifar10"}, "there is an image set of that name"),
        ({"name": "a/b"}, "use letters, digits"),
        ({"name": "a.npz"}, "without .npz at its end"),
        ({"name": "a", "output": tmp_path / "b.npz"}, "--name or --output, not both"),
        ({"output": tmp_path / "b.npy"}, "must end in .npz"),
        ({"size": 0}, "--size must be 1 .. 1024, not 0"),
        ({"images": 0}, "--images must be at least 1"),
        ({"images": 5}, "--images 5 are more than the 4 to train on"),
        ({"seed": -1}, "--seed must be at least 0"),
        ({"test_share": 1.0}, "--test-share must be above 0 and below 1"),
        ({"test_share": 0.5}, "is split already; --test-share is for a source that is not"),
        ({"base": "cifar"}, "--base: unknown published image set 'cifar'; did you mean 'cifar10'"),
        ({"label_column": "x"}, "are for Parquet alone"),
    ):
        assert message in refusal(folder, **options)
    converted(folder, name="mine", replace=True, size=4)
    assert load_images("mine").size == 4
    for given, message in (
        ("cifar", "unknown image set, file or folder 'cifar'; did you mean 'cifar10'?"),
        ("a/folder", "a/folder: no such file or folder"),
        (folder / "train" / "cat" / "1.png", "is nothing that is converted: a folder of pictures"),
    ):
        assert message in refusal(given)


def test_a_set_larger_than_is_read_again_is_not_begun(tmp_path):
    images, labels = np.zeros((40_000, 1, 1), np.uint8), np.arange(40_000) % 2
    arrays = {"train_images": images, "train_labels": labels}
    arrays |= {"test_images": images[:1], "test_labels": labels[:1]}
    np.savez(tmp_path / "a.npz", **arrays)
    message = refusal(tmp_path / "a.npz", size=1024)
    assert "40,001 images of 1024x1024 pixels are more than the 1,073,741,824 bytes" in message
