"""Making one image set of the project's own form out of images in another."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL import __version__ as pillow_version

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.formats.archives import MOST_BYTES
from hwbench.images.convert.of_arrays import (
    idx_source,
    npz_source,
    published_at,
    published_files,
    published_source,
)
from hwbench.images.convert.of_folders import FolderSource
from hwbench.images.convert.of_parquet import SUFFIX, ParquetSource, parquet_files
from hwbench.images.convert.pictures import pixels, resized
from hwbench.images.convert.source import Labelled, Source, without_gaps
from hwbench.images.npz_file import About, write_npz
from hwbench.images.sets import IMAGE_SETS, PUBLISHED, converted_name, images_folder
from hwbench.images.subsets import random_rows
from hwbench.progress import Progress, silent
from hwbench.wording import some

TEST_SHARE = 0.2
MOST_SIZE = 1024
_OTHER_FORM = re.compile(r"cifar-(100?)(-batches)?-(python|py|matlab|mat|binary|bin)(\.tar\.gz)?")
"""Names of CIFAR's published files and of the folders in them, of which one form is read."""

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,199}")


@dataclass(frozen=True)
class Conversion:
    """What is made of a source.

    Attributes
    ----------
    size : height and width of all images; by default that of the source, whose images must then be
        squares of one size.
    images : training images that are taken, as equally many of each class as can be; all by
        default.
    seed : of which they are, and of a split.
    test_share : of the images of each class that are set aside for testing, where the source is not
        split: `TEST_SHARE` by default.
    base : name of the published image set that the images are of, where the source does not say.
    label_column, image_column : of Parquet, see `ParquetSource`.
    """

    size: int | None = None
    images: int | None = None
    seed: int = 0
    test_share: float | None = None
    base: str | None = None
    label_column: str | None = None
    image_column: str | None = None

    def __post_init__(self) -> None:
        if self.size is not None and not 1 <= self.size <= MOST_SIZE:
            raise HwbenchError(f"images convert: --size must be 1 .. {MOST_SIZE}, not {self.size}")
        if self.images is not None and self.images < 1:
            raise HwbenchError(f"images convert: --images must be at least 1, not {self.images}")
        if self.seed < 0:
            raise HwbenchError(f"images convert: --seed must be at least 0, not {self.seed}")
        if self.test_share is not None and not 0 < self.test_share < 1:
            raise HwbenchError(
                f"images convert: --test-share must be above 0 and below 1, not {self.test_share}"
            )
        if self.base is not None and self.base not in PUBLISHED:
            raise unknown_name("published image set", self.base, PUBLISHED, where="--base")


@dataclass(frozen=True)
class Converted:
    """An image set that was made.

    Attributes
    ----------
    path : of its file.
    about : what that says of it.
    notes : what was left out, a line each.
    """

    path: Path
    about: About
    notes: list[str]


def convert_images(
    given: str,
    conversion: Conversion,
    *,
    name: str | None = None,
    output: Path | None = None,
    replace: bool = False,
    progress: Progress = silent,
) -> Converted:
    """Make an image set that `hwbench.images.sets.load_images` reads.

    Images are decoded one at a time: what is in memory is the result, of three bytes a pixel, and
    of sources other than folders and Parquet all their images. The same source and conversion give
    the same bytes.

    Parameters
    ----------
    given : the source, see `find_source`.
    conversion : what is made of it.
    name : of the set, whose file is NAME.npz in `HWBENCH_HOME`/images; by default
        `hwbench.images.sets.converted_name` of the source.
    output : the file in place of that.
    replace : whether a file that is there is replaced.
    progress : called with images done and images in all.

    Raises
    ------
    HwbenchError
        Where the source is none or damaged, an image cannot be read, images differ in size and no
        size is given, a part or a class would be empty, there are too few images, or the file is
        there or cannot be written.
    """
    if name is not None:
        _check_name(name, output)
    source = find_source(given, conversion)
    labelled, renumbered = without_gaps(source.labelled())
    train, test = _chosen_rows(source, labelled, conversion)
    size = conversion.size or _common_size(source, train)
    base = conversion.base or source.base
    path = (
        output or images_folder() / f"{name or _default_name(source, base, size, conversion)}.npz"
    )
    _check_path(path, base, replace=replace)
    if 3 * size * size * (len(train) + len(test)) > MOST_BYTES:
        raise HwbenchError(
            f"{given}: {len(train) + len(test):,} images of {size}x{size} pixels are more than the "
            f"{MOST_BYTES:,} bytes of an image set; give a smaller --size, or --images N"
        )
    resizes = conversion.size is not None
    parts = _read(source, train, test, size, resizes=resizes, progress=progress)
    labels = labelled.labels
    classes = max(int(labels.max()) + 1, len(labelled.class_names))
    is_drawn = "" if conversion.images is None else f", {len(train):,} drawn at random to train on"
    about = About(
        title=f"{source.title}, {size}x{size} pixels{is_drawn}",
        base=base or path.stem,
        source=source.title,
        source_sha256=source.sha256(),
        size=size,
        channels=parts[0].shape[1],
        classes=classes,
        class_names=labelled.class_names,
        train_images=len(train),
        test_images=len(test),
        of_train_images=len(labels) - len(test) - int(_left_out(labelled).sum()),
        test_share=_test_share(labelled, conversion),
        seed=conversion.seed,
        pillow=pillow_version,
    )
    write_npz(path, about, (parts[0], labels[train]), (parts[1], labels[test]))
    notes = [*source.notes(), *renumbered, *_split_note(about, conversion)]
    return Converted(path, about, [*notes, *_untested_note(labelled, train, test)])


def find_source(given: str, conversion: Conversion) -> Source:
    """What images are converted from.

    Parameters
    ----------
    given : the name of a published image set, whose files are in `HWBENCH_HOME`/images; or the path
        of one of its files; of a `.npz` or Parquet file; of a folder of Parquet or of IDX files; or
        of a folder of pictures.
    conversion : which columns of Parquet.

    Raises
    ------
    HwbenchError
        Where there is no such source, or it is damaged.
    """
    if given in PUBLISHED:
        found: Source = published_source(given, images_folder())
    else:
        found = _source_at(given, conversion)
    columns = (conversion.label_column, conversion.image_column)
    if columns != (None, None) and not isinstance(found, ParquetSource):
        raise HwbenchError(f"{given}: --label-column and --image-column are for Parquet alone")
    return found


def _source_at(given: str, conversion: Conversion) -> Source:
    path = Path(given).expanduser()
    if not os.path.exists(path):  # noqa: PTH110  of a name too long it raises nothing
        if path.name == given and not path.suffix:
            raise unknown_name("image set, file or folder", given, PUBLISHED)
        raise HwbenchError(f"{given}: no such file or folder")
    published = published_at(path)
    if published is not None:
        return published_source(*published)
    if path.suffix == ".npz":
        return npz_source(path)
    if path.suffix == SUFFIX or (path.is_dir() and parquet_files(path)):
        return ParquetSource(
            path,
            label_column=conversion.label_column,
            image_column=conversion.image_column,
        )
    other = _OTHER_FORM.fullmatch(path.name)
    if other is not None:
        name = f"cifar{other[1]}"
        raise HwbenchError(
            f"{given}: is not the form of {name} that is read, {published_files(name)[0]}; "
            f"'hwbench images fetch {name}' gets that, then 'hwbench images convert {name}'"
        )
    if path.is_dir():
        return idx_source(path) or FolderSource(path)
    raise HwbenchError(
        f"{given}: is nothing that is converted: a folder of pictures (a folder a class), a folder "
        "of IDX files, .parquet, .npz, or a file as it is published of " + ", ".join(PUBLISHED)
    )


# ---------------------------------------------------------------------- which images


def _chosen_rows(
    source: Source, labelled: Labelled, conversion: Conversion
) -> tuple[IntArray, IntArray]:
    """The images to train on and to test on, both ascending."""
    labels = labelled.labels
    is_test = labelled.is_test
    if is_test is not None and not is_test.any() and conversion.test_share is not None:
        is_test = None  # what is said to be of one part may be split
    if is_test is None:
        rows = np.flatnonzero(~_left_out(labelled))
        train, test = (rows[part] for part in _split(source, labels[rows], conversion))
    elif conversion.test_share is not None:
        raise HwbenchError(
            f"{source.title}: is split already; --test-share is for a source that is not"
        )
    else:
        train = np.flatnonzero(~is_test)
        test = np.flatnonzero(is_test & ~_left_out(labelled))
    if not len(train):
        raise HwbenchError(f"{source.title}: there are no images to train on")
    if not len(test):
        raise HwbenchError(
            f"{source.title}: there are no images to test on; --test-share {TEST_SHARE:g} sets so "
            "much of each class aside"
        )
    n_classes = len(np.unique(labels[train]))
    if n_classes == 1:
        name = _class_name(labelled, int(labels[train[0]]))
        raise HwbenchError(
            f"{source.title}: all images to train on are of one class, {name}; there is nothing to "
            "tell apart"
        )
    missing = np.setdiff1d(labels[test], labels[train])
    if len(missing):
        raise HwbenchError(
            f"{source.title}: class {_class_name(labelled, int(missing[0]))} is tested on, and has "
            "no images to train on"
        )
    if conversion.images is not None:
        if conversion.images > len(train):
            raise HwbenchError(
                f"{source.title}: --images {conversion.images:,} are more than the {len(train):,} "
                "to train on"
            )
        if conversion.images < n_classes:
            raise HwbenchError(
                f"{source.title}: --images {conversion.images} would leave classes without an "
                f"image; there are {n_classes}"
            )
        generator = np.random.default_rng(conversion.seed)
        drawn = random_rows(labels[train], conversion.images, generator, balanced=True)
        train = np.sort(train[drawn])
    return train, test


def _split(source: Source, labels: IntArray, conversion: Conversion) -> tuple[IntArray, IntArray]:
    """Images of each class set aside for testing, drawn at random."""
    from sklearn.model_selection import train_test_split

    share = conversion.test_share or TEST_SHARE
    try:
        train, test = train_test_split(
            np.arange(len(labels)), test_size=share, stratify=labels, random_state=conversion.seed
        )
    except ValueError as error:
        raise HwbenchError(
            f"{source.title}: too few images to set {share:g} of each class aside for testing "
            f"({error}); give another --test-share, or folders train and test"
        ) from error
    return np.sort(train), np.sort(test)


def _left_out(labelled: Labelled) -> NDArray[np.bool_]:
    return np.zeros(len(labelled.labels), bool) if labelled.left_out is None else labelled.left_out


def _test_share(labelled: Labelled, conversion: Conversion) -> float | None:
    """The share that is set aside; None where the source is split."""
    if labelled.is_test is not None and labelled.is_test.any():
        return None
    return conversion.test_share or TEST_SHARE


def _split_note(about: About, conversion: Conversion) -> list[str]:
    """What is said where images are set aside that nobody asked to."""
    if about.test_share is None or conversion.test_share is not None:
        return []
    return [
        f"no part is for testing: {about.test_images:,} images, {about.test_share:g} of each "
        "class, were drawn for it"
    ]


def _untested_note(labelled: Labelled, train: IntArray, test: IntArray) -> list[str]:
    """What is said of classes that are trained on alone."""
    alone = np.setdiff1d(labelled.labels[train], labelled.labels[test]).tolist()
    if not alone:
        return []
    names = some([_class_name(labelled, label) for label in alone])
    return [f"no images to test on are of class{'es' * (len(alone) > 1)} {names}"]


def _class_name(labelled: Labelled, label: int) -> str:
    names = labelled.class_names
    return f"'{names[label]}'" if label < len(names) else str(label)


# ---------------------------------------------------------------------- pixels


def _common_size(source: Source, rows: IntArray) -> int:
    """The size of a square picture, as all must be if no size is given."""
    picture = next(source.pictures(rows[:1]))
    if picture.width != picture.height:
        raise HwbenchError(
            f"{source.title}: its images are no squares ({_shape(picture)}); give --size"
        )
    return picture.width


def _read(
    source: Source,
    train: IntArray,
    test: IntArray,
    size: int,
    *,
    resizes: bool,
    progress: Progress,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The images of both parts, of one channel where all are grey, else of three."""
    rows = np.concatenate([train, test])
    order = np.argsort(rows)
    parts = tuple(np.empty((len(part), 3, size, size), dtype=np.uint8) for part in (train, test))
    coloured = False
    progress(0, len(rows))
    pictures = source.pictures(rows[order])
    for done, (place, picture) in enumerate(zip(order.tolist(), pictures, strict=True), 1):
        if not resizes and picture.size != (size, size):
            raise HwbenchError(
                f"{source.title}: its images differ in size ({size}x{size} and {_shape(picture)}); "
                "give --size"
            )
        coloured = coloured or picture.mode != "L"
        is_test = place >= len(train)
        parts[is_test][place - is_test * len(train)] = pixels(resized(picture, size))
        progress(done, len(rows))
    if coloured:
        return parts[0], parts[1]
    return parts[0][:, :1].copy(), parts[1][:, :1].copy()


def _shape(picture: Image.Image) -> str:
    return f"{picture.width}x{picture.height}"


# ---------------------------------------------------------------------- names


def _default_name(source: Source, base: str, size: int, conversion: Conversion) -> str:
    plain = re.sub(r"[^\w.-]+", "-", base or source.name).strip("-._") or "images"
    return converted_name(plain, size, conversion.images)


def _check_name(name: str, output: Path | None) -> None:
    if output is not None:
        raise HwbenchError("images convert: give --name or --output, not both")
    if not _NAME.fullmatch(name) or name.endswith(".npz"):
        raise HwbenchError(
            f"--name {name[:200]!r}: use letters, digits, '.', '_' and '-', without .npz at its end"
        )
    if name in IMAGE_SETS:
        raise HwbenchError(f"--name {name}: there is an image set of that name; choose another")


def _check_path(path: Path, base: str, *, replace: bool) -> None:
    if path.suffix != ".npz":
        raise HwbenchError(f"{path}: the name of an image set's file must end in .npz")
    if path.stem in IMAGE_SETS and path.stem != base:
        also = f", or say with --base {path.stem} that these are its images"
        raise HwbenchError(
            f"{path}: there is an image set of that name, and true values of its images; choose "
            f"another name{also if path.stem in PUBLISHED else ''}"
        )
    if path.exists() and not replace:
        raise HwbenchError(
            f"{path}: exists already; choose another name with --name, or make it again with "
            "--replace"
        )
