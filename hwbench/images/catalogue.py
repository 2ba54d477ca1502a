"""The catalogue of image sets that come by name: what they hold, and where their files stand."""

from __future__ import annotations

from pathlib import Path

from pydantic import PositiveInt, model_validator

from hwbench.assets import asset_files
from hwbench.downloads.source_file import SourceFile
from hwbench.errors import unknown_name
from hwbench.extras import extra_of, is_there, remedy
from hwbench.images.npz_file import describe_npz
from hwbench.images.reading import fetch_command
from hwbench.images.sets import IMAGE_SETS, converted_files, images_folder
from hwbench.toml import FrozenModel, read_toml


class ImageCard(FrozenModel):
    """An image set and the files that hold it.

    Attributes
    ----------
    title : what people call it.
    paper : where it was published.
    licence : under which its authors published it; "unstated" where they name none.
    size, channels : of an image.
    classes, class_names : how many labels, and what they are called where that is known.
    train_images, test_images : how many.
    library : the module that brings the images along, where there are no files.
    where : where a user gets the files if no program can fetch them.
    file : the files, all of them needed; none where the images come with a library.
    """

    title: str
    paper: str
    licence: str
    size: PositiveInt
    channels: PositiveInt
    classes: PositiveInt
    class_names: tuple[str, ...] = ()
    train_images: PositiveInt
    test_images: PositiveInt
    library: str = ""
    where: str = ""
    file: tuple[SourceFile, ...] = ()

    @model_validator(mode="after")
    def _can_be_had(self) -> ImageCard:
        if not self.where and not all(file.url for file in self.file):
            raise ValueError("a file without url needs where")
        return self


def image_cards() -> dict[str, ImageCard]:
    """The card of every image set of hwbench by name, sorted."""
    files = asset_files("data/images", ".toml")
    return {name: read_toml(path, ImageCard) for name, path in files.items()}


def image_card(name: str) -> ImageCard:
    """The card of an image set of hwbench.

    Raises
    ------
    HwbenchError
        Where there is no such image set; the message says the nearest.
    """
    files = asset_files("data/images", ".toml")
    if name not in files:
        raise unknown_name("published image set", name, files)
    return read_toml(files[name], ImageCard)


def describe_set(name: str, folder: Path | None = None) -> dict[str, object]:
    """What is known of an image set without reading its images.

    Parameters
    ----------
    name : of `hwbench.images.sets.list_image_sets`.
    folder : of its files; `HWBENCH_HOME`/images by default.

    Returns
    -------
    `name`, `title`, `base` (see `ImageSet.base`), `size`, `channels`, `train_images`, `test_images`
    and `classes` (None where only a package's reader knows), `there` (whether its files are; None
    where only the reader knows), and `get` (the command that gets them, where they come from; ""
    where nothing is to be got).

    Raises
    ------
    HwbenchError
        Where a file cannot be read.
    """
    place = images_folder() if folder is None else folder
    cards = asset_files("data/images", ".toml")
    if name in cards:
        return _published(name, image_card(name), place)
    if name in IMAGE_SETS:
        unknown = ("size", "channels", "train_images", "test_images", "classes", "there")
        title = f"of the package {IMAGE_SETS.origin(name)}"
        return {"name": name, "title": title, "base": name, **dict.fromkeys(unknown), "get": ""}
    path = converted_files(place)[name]
    return {"name": name, **describe_npz(path), "there": True, "get": ""}


def _published(name: str, card: ImageCard, folder: Path) -> dict[str, object]:
    numbers = ("size", "channels", "train_images", "test_images", "classes")
    brought = not card.library or is_there(card.library)
    missing = None if brought else remedy(extra_of(card.library))
    return {
        "name": name,
        "title": card.title,
        "base": name,
        **{key: getattr(card, key) for key in numbers},
        "there": missing is None and all((folder / file.name).is_file() for file in card.file),
        "get": fetch_command(name, folder) if card.file else missing or "",
    }
