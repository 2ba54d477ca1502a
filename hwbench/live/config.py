"""The config tree of a live search: TOML nodes that name parts with exactly their arguments.

`[space]`, `[strategy]`, `[trainer]` and `[selection]` are what every search has; `[data]`,
`[cost]`, `[ranking]` and `[diagnostics]` may be left out. `load_config` gives the complete tree, in
which nothing is left to a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, Self

import pydantic
from pydantic import Field

from hwbench.arguments import complete_arguments
from hwbench.assets import live_content
from hwbench.errors import unknown_name
from hwbench.images.augmentation import Augmentation
from hwbench.images.subsets import SUBSETS
from hwbench.live.compatibility import check_parts
from hwbench.live.components import Node, complete_node
from hwbench.live.old_config import of_today, path_of_today
from hwbench.live.ranking import Calibration
from hwbench.live.recipes import RECIPES
from hwbench.live.selections import SELECTIONS
from hwbench.live.strategies import STRATEGIES
from hwbench.live.supernets import SUPERNETS
from hwbench.live.trainers import TRAINERS
from hwbench.spaces import get_space
from hwbench.spaces.base import check_further
from hwbench.toml import read_toml, validated

Operations = str | list[str] | list[list[str]] | None


class DataNode(Node):
    """Which images.

    Attributes
    ----------
    name : an image set, or the path of a `.npz` file, see `hwbench.images.sets.load_images`.
    folder : of a published set's files; `HWBENCH_HOME`/images by default.
    validation_share : of the training images that are kept from the weights.
    augmentation : arguments of `hwbench.images.augmentation.Augmentation`.
    subset : `name` and arguments of one of `hwbench.images.subsets.SUBSETS`, or of one's own, which
        chooses the training images before they are split; all by default.
    """

    name: str = "digits"
    folder: str | None = None
    validation_share: float = Field(default=0.5, gt=0, lt=1)
    augmentation: dict[str, Any] = Field(default_factory=dict, validate_default=True)
    subset: dict[str, Any] | None = None

    @pydantic.field_validator("augmentation")
    @classmethod
    def _complete(cls, given: dict[str, Any]) -> dict[str, Any]:
        return asdict(Augmentation(**complete_arguments(Augmentation, given)))


class SpaceNode(Node):
    """Which supernet.

    Attributes
    ----------
    name : of the space, or "module:Class" of one's own.
    supernet : one of `SUPERNETS`, or "module:Class" of one's own; by default the one under the
        space's name.
    operations : the candidates, see `hwbench.live.supernets.supernet.make_supernet`.
    channels, depth : of the skeleton.
    skeleton : what else the space's skeleton has, such as the time steps of spiking networks.
    affine : whether batch normalisation inside candidates scales and shifts, see
        `hwbench.live.supernets.supernet.NetworkOptions`.
    linear_transformers : whether skips pass a 1x1 convolution while the supernet is trained.
    """

    name: str
    supernet: str | None = None
    operations: Operations = None
    channels: int = Field(gt=0)
    depth: int = Field(gt=0)
    skeleton: dict[str, Any] = Field(default_factory=dict)
    affine: bool = False
    linear_transformers: bool = False

    @pydantic.field_validator("name")
    @classmethod
    def _known_space(cls, name: str) -> str:
        get_space(name)
        return name

    @pydantic.field_validator("supernet")
    @classmethod
    def _known_supernet(cls, supernet: str | None) -> str | None:
        if supernet is not None:
            SUPERNETS.load(supernet)
        return supernet

    @pydantic.model_validator(mode="after")
    def _known_skeleton(self) -> Self:
        check_further(self.skeleton, "skeleton")
        if self.skeleton:
            get_space(self.name).skeleton(**self.skeleton)
        return self


class CostNode(Node):
    """A soft cost term: what the metric is expected to be, over its mean, times a weight.

    Attributes
    ----------
    target : "table:column" of the supernet's space; one that is better the larger it is enters
        negated.
    predictor : a differentiable one of the zoo, such as "ridge", "lookup_table", "mlp_small".
    samples : architectures of the table that it is fitted on.
    weight : of the term.
    """

    target: str
    predictor: str = "ridge"
    samples: int = Field(default=124, gt=1)
    weight: float = Field(gt=0)


class RankingNode(Node):
    """A ranking of architectures by the supernet.

    Attributes
    ----------
    architectures : how many are drawn; all by default.
    score : what they are ranked by.
    calibration : arguments of `hwbench.live.ranking.Calibration`.
    target : "table:column" of true values to hold the ranking against, larger is better, see
        `hwbench.tables.pairs`.
    each_epoch : how many architectures, drawn once, are ranked after every epoch too, and held
        against their true values; none by default.
    """

    architectures: int | None = Field(default=None, gt=1)
    score: Literal["accuracy", "loss"] = "accuracy"
    calibration: dict[str, Any] = Field(default_factory=dict, validate_default=True)
    target: str | None = None
    each_epoch: int | None = Field(default=None, gt=1)

    @pydantic.field_validator("calibration")
    @classmethod
    def _complete(cls, given: dict[str, Any]) -> dict[str, Any]:
        return asdict(Calibration(**complete_arguments(Calibration, given)))


class DiagnosticsNode(Node):
    """What is seen inside the supernet after each epoch, see `hwbench.live.diagnostics.epochs`.

    Attributes
    ----------
    images : training images of the pass that shows it.
    """

    images: int = Field(default=64, gt=1)


class LiveConfig(Node):
    """A live search.

    Attributes
    ----------
    title, description : for people.
    seed : of weights, parameters, splits, order of images and all draws.
    strategy, trainer, selection : `name` and the arguments of a class in `STRATEGIES`, `TRAINERS`
        or `SELECTIONS`, or of one's own, named "module:Class".
    """

    title: str
    description: str = ""
    seed: int = Field(default=0, ge=0)
    data: DataNode = DataNode()
    space: SpaceNode
    strategy: dict[str, Any]
    trainer: dict[str, Any]
    cost: CostNode | None = None
    selection: dict[str, Any]
    ranking: RankingNode | None = None
    diagnostics: DiagnosticsNode | None = None

    @pydantic.model_validator(mode="before")
    @classmethod
    def _of_today(cls, given: Any) -> Any:
        return of_today(given) if isinstance(given, Mapping) else given


def load_config(name: str, recipe: str = "published") -> LiveConfig:
    """Read a search by the name of its recipe, or by the path of its `.toml` file.

    Raises
    ------
    HwbenchError
        Where there is no such search, or a node is wrong; the message names file and node.
    """
    path = config_path(name, recipe)
    return _completed(read_toml(path, LiveConfig), str(path))


def config_of(content: Mapping[str, Any], *, where: str) -> LiveConfig:
    """A search from the content of a config tree, with the same checks as `load_config`."""
    return _completed(validated(content, LiveConfig, where=where), where)


def config_path(name: str, recipe: str = "published") -> Path:
    """The file of a search.

    Raises
    ------
    HwbenchError
        Where there is no such recipe, or it has no search of that name.
    """
    if name.endswith(".toml"):
        return Path(name)
    if recipe not in RECIPES:
        raise unknown_name("recipe", recipe, RECIPES)
    return live_content(recipe).find(name)


def sweep_path(name: str) -> Path:
    """The file of a sweep: a name, or the path of a `.toml` file.

    Raises
    ------
    HwbenchError
        Where there is no such sweep.
    """
    return live_content("sweeps").find(name)


def with_change(config: LiveConfig, key: str, value: Any) -> LiveConfig:
    """A search with one argument replaced, see `with_changes`."""
    return with_changes(config, {key: value})


def with_changes(config: LiveConfig, changes: Mapping[str, Any]) -> LiveConfig:
    """A search with some arguments replaced; only what comes of all of them has to go together.

    Parameters
    ----------
    config : the search.
    changes : new values by the paths of the arguments, such as "strategy.split_epoch". Another
        `name` of a part such as the strategy leaves it without the arguments of the one before.

    Raises
    ------
    HwbenchError
        Where there is no such argument, or a value is refused.
    """
    content = config.model_dump(mode="python", exclude_none=True)
    given = {path_of_today(key): value for key, value in changes.items()}
    names = [key for key in given if key.endswith(".name")]
    for key in [*names, *(key for key in given if key not in names)]:
        _set_in(content, key, given[key])
    return config_of(content, where=", ".join(changes))


DESCRIBED = ("space", "data")
"""Sections whose name says which of a kind, and whose other arguments are not that one's."""


def _set_in(content: dict[str, Any], key: str, value: Any) -> None:
    """Set an argument of a config tree by its path."""
    *nodes, last = key.split(".")
    place: Any = content
    for node in nodes:
        if not isinstance(place.get(node), dict):
            raise unknown_name(
                "section", node, [k for k, v in place.items() if isinstance(v, dict)]
            )
        place = place[node]
    if last == "name" and nodes and nodes[-1] not in DESCRIBED and place.get(last) != value:
        place.clear()
    place[last] = deepcopy(value)  # a later change may be of what is in it


def _completed(config: LiveConfig, where: str) -> LiveConfig:
    subset = config.data.subset
    if subset is not None:
        subset = complete_node(
            SUBSETS, subset, where=where, place=f"{where}, section [data.subset]"
        )
    complete = config.model_copy(
        update={
            "data": config.data.model_copy(update={"subset": subset}),
            "strategy": complete_node(STRATEGIES, config.strategy, where=where),
            "trainer": complete_node(TRAINERS, config.trainer, where=where),
            "selection": complete_node(SELECTIONS, config.selection, where=where),
        }
    )
    check_parts(complete, where)
    return complete
