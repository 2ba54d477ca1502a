"""Nodes of a form: what a config tree has, and what it could have, at each place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import Parameter
from typing import Annotated, Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from hwbench.arguments import parameters_of
from hwbench.errors import HwbenchError
from hwbench.imports import import_object
from hwbench.live.components import NAME, registry_of
from hwbench.registry import Registry
from hwbench.studio.forms.documents import argument_documents, first_sentence
from hwbench.studio.forms.values import TEXT, Kind, kind_of, shown
from hwbench.toml import Place

Names = Callable[[], Sequence[str]]


@dataclass(frozen=True)
class Field:
    """An argument.

    Attributes
    ----------
    place : in the tree.
    kind : which values it takes.
    document : what it is, in words.
    value : as the field shows it; "" where it is not given.
    default : likewise; "" where there is none.
    given : whether the text has it.
    required : whether it may be left out.
    offered : values that one may want, beside others.
    problems : what is wrong with it.
    """

    place: Place
    kind: Kind
    document: str = ""
    value: str = ""
    default: str = ""
    given: bool = False
    required: bool = False
    offered: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The last part of its place."""
        return str(self.place[-1])

    @property
    def key(self) -> str:
        """Its place as one word, for the page."""
        return "-".join(map(str, self.place))


@dataclass(frozen=True)
class FormNode:
    """A section of a config, or one that could be added.

    Attributes
    ----------
    place : in the tree; empty for the root.
    title : its name.
    document : what it is, in words.
    fields : its arguments.
    children : sections inside it.
    parts : of which kind it names one: names, and what each is; empty where it names none.
    part : which it names.
    part_document : what that is.
    present : whether the text has it.
    optional : whether it may be removed.
    several : whether it is a list, to which parts of that kind may be added.
    problems : what is wrong with it as a whole.
    """

    place: Place
    title: str
    document: str = ""
    fields: tuple[Field, ...] = ()
    children: tuple[FormNode, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()
    part: str = ""
    part_document: str = ""
    present: bool = True
    optional: bool = False
    several: bool = False
    problems: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Its place as one word, for the page."""
        return "-".join(map(str, self.place)) or "root"

    @property
    def n_problems(self) -> int:
        """How much is wrong in it and below it."""
        own = len(self.problems) + sum(len(each.problems) for each in self.fields)
        return own + sum(each.n_problems for each in self.children)


@dataclass(frozen=True)
class Plan:
    """What a form knows of a kind of config beyond its models.

    Attributes
    ----------
    model : of the whole.
    registries : by place, of sections that name a part and its arguments.
    lists : by place, of lists of such sections, whose arguments stand in `parameters`.
    classes : by place, of sections that are the arguments of one class.
    names : by place, of arguments that take one of some names, or lists of them.
    checks : by place, of arguments that name something, or lists of them: refuses what there is
        not.
    """

    model: type[BaseModel]
    registries: Mapping[str, Registry] = field(default_factory=dict)
    lists: Mapping[str, Registry] = field(default_factory=dict)
    classes: Mapping[str, type[Any]] = field(default_factory=dict)
    names: Mapping[str, Names] = field(default_factory=dict)
    checks: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)

    def form(self, tree: Mapping[str, Any], problems: Sequence[tuple[Place, str]] = ()) -> FormNode:
        """The form of a tree.

        Parameters
        ----------
        tree : of a TOML text.
        problems : what is wrong, each with its place.
        """
        return _with_problems(self._of_model(self.model, (), tree), problems)

    def arguments_of(self, place: Place, name: str) -> frozenset[str]:
        """Names of the arguments of a part that a section at a place names.

        Raises
        ------
        HwbenchError
            Where no section is there that names a part, or there is no such part.
        """
        part = self._registry_at(place).load(name)
        return frozenset(parameters_of(part))

    def _registry_at(self, place: Place) -> Registry:
        key = ".".join(map(str, place))
        if key in self.registries:
            return self.registries[key]
        if place and isinstance(place[-1], int):
            return self.lists[".".join(map(str, place[:-1]))]
        for name, registry in self.registries.items():
            if key.startswith(f"{name}."):  # an argument that is such a section itself
                last = str(place[-1])
                for each in registry:
                    part = _loaded(registry, each)
                    about = None if part is None else parameters_of(part).get(last)
                    found = None if about is None else registry_of(about.annotation)
                    if found is not None:
                        return found
        raise HwbenchError(f"{key}: names no part")

    # ------------------------------------------------------------------ nodes

    def _of_model(self, model: type[BaseModel], place: Place, tree: Any) -> FormNode:
        given = tree if isinstance(tree, Mapping) else {}
        documents = argument_documents(model)
        fields, children = [], []
        for name, about in model.model_fields.items():
            here = (*place, name)
            key = ".".join(map(str, here))
            needed = about.is_required()
            inner = _model_in(about.annotation)
            document = documents.get(name, "")
            if key in self.registries:
                found = self._of_registry(self.registries[key], here, given.get(name), document)
                children.append(replace(found, optional=not needed))
            elif key in self.lists:
                children.append(self._of_list(self.lists[key], here, given.get(name), document))
            elif key in self.classes:
                children.append(self._of_class(self.classes[key], here, given.get(name), document))
            elif inner is not None:
                child = self._of_model(inner, here, given.get(name))
                text = document or first_sentence(inner)
                present = name in given
                optional = not needed
                children.append(replace(child, document=text, present=present, optional=optional))
            else:
                default = None if needed else about.get_default(call_default_factory=True)
                annotation = about.annotation
                if about.metadata:
                    annotation = _annotated(annotation, about.metadata)
                fields.append(
                    self._field(here, annotation, document, given, default, needed=needed)
                )
        title = str(place[-1]) if place else ""
        return FormNode(
            place, title, first_sentence(model), tuple(fields), tuple(children), present=True
        )

    def _of_class(self, part: type[Any], place: Place, tree: Any, document: str) -> FormNode:
        given = tree if isinstance(tree, Mapping) else {}
        fields, children = self._arguments(part, place, given)
        return FormNode(
            place,
            str(place[-1]),
            document,
            fields,
            children,
            present=isinstance(tree, Mapping),
            optional=True,
        )

    def _of_registry(self, registry: Registry, place: Place, tree: Any, document: str) -> FormNode:
        given = tree if isinstance(tree, Mapping) else {}
        name = given.get(NAME)
        part = _loaded(registry, name)
        fields: tuple[Field, ...] = ()
        children: tuple[FormNode, ...] = ()
        if part is not None:
            fields, children = self._arguments(part, place, given)
        return FormNode(
            place,
            str(place[-1]),
            document,
            fields,
            children,
            parts=_parts_of(registry),
            part=name if isinstance(name, str) else "",
            part_document="" if part is None else first_sentence(part),
            present=isinstance(tree, Mapping),
        )

    def _of_list(self, registry: Registry, place: Place, tree: Any, document: str) -> FormNode:
        entries = tree if isinstance(tree, Sequence) and not isinstance(tree, str) else []
        children = []
        for number, entry in enumerate(entries):
            here = (*place, number)
            given = {NAME: entry} if isinstance(entry, str) else entry
            given = given if isinstance(given, Mapping) else {}
            part = _loaded(registry, given.get(NAME))
            own = (*here, "parameters")
            arguments = given.get("parameters")
            fields: tuple[Field, ...] = (
                self._field((*here, "label"), str, "in results", given, "", needed=False),
            )
            if part is not None:
                own_arguments = arguments if isinstance(arguments, Mapping) else {}
                fields += self._arguments(part, own, own_arguments, besides=_of_all(registry))[0]
            children.append(
                FormNode(
                    here,
                    f"{place[-1]} {number + 1}",
                    fields=fields,
                    parts=_parts_of(registry),
                    part=str(given.get(NAME, "")),
                    part_document="" if part is None else first_sentence(part),
                    optional=True,
                )
            )
        return FormNode(
            place,
            str(place[-1]),
            document,
            children=tuple(children),
            parts=_parts_of(registry),
            several=True,
        )

    def _arguments(
        self,
        part: type[Any],
        place: Place,
        given: Mapping[str, Any],
        *,
        besides: Collection[str] = (),
    ) -> tuple[tuple[Field, ...], tuple[FormNode, ...]]:
        documents = argument_documents(part)
        fields, children = [], []
        for name, parameter in parameters_of(part).items():
            if name in besides:
                continue
            here = (*place, name)
            registry = registry_of(parameter.annotation)
            needed = parameter.default is Parameter.empty
            default = None if needed else parameter.default
            if registry is not None:
                child = self._of_registry(
                    registry, here, given.get(name, default), documents.get(name, "")
                )
                if name not in given:
                    child = _by_default(child)
                children.append(replace(child, optional=not needed))
            else:
                default = getattr(part, f"default_{name}", default)  # of a strategy on tables
                document = documents.get(name, "")
                fields.append(
                    self._field(here, parameter.annotation, document, given, default, needed=needed)
                )
        return tuple(fields), tuple(children)

    def _field(
        self,
        place: Place,
        annotation: Any,
        document: str,
        given: Mapping[str, Any],
        default: Any,
        *,
        needed: bool,
    ) -> Field:
        name = str(place[-1])
        kind = kind_of(annotation)
        offered = self.names.get(".".join(map(str, place)))
        if kind.widget == TEXT and offered is not None:
            kind = Kind(TEXT, "a name")
        return Field(
            place,
            kind,
            document,
            shown(given[name], kind.widget) if name in given else "",
            _default(default, kind),
            name in given,
            needed,
            () if offered is None else tuple(offered()),
        )


def _by_default(node: FormNode) -> FormNode:
    """A section that the text leaves to its default: what it would have is not given."""
    fields = [
        replace(each, default=each.value or each.default, value="", given=False)
        for each in node.fields
    ]
    return replace(node, fields=tuple(fields), present=False)


def _default(value: Any, kind: Kind) -> str:
    if value is None or value is PydanticUndefined:
        return ""
    try:
        return shown(value, kind.widget)
    except (TypeError, ValueError):  # an object of Python's alone
        return str(value)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation is, or may be; none where it is a list of them."""
    options = [annotation, *get_args(annotation)] if not _is_list(annotation) else []
    found = [each for each in options if isinstance(each, type) and issubclass(each, BaseModel)]
    return found[0] if found else None


def _is_list(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", None) in (tuple, list, dict)


def _annotated(annotation: Any, metadata: Sequence[Any]) -> Any:
    return Annotated[annotation, *metadata]


def _loaded(registry: Registry, name: Any) -> type[Any] | None:
    """The class of a part; None where it is not there: the config's own checks say why."""
    if not isinstance(name, str) or name not in registry:
        return None
    try:
        found: type[Any] = registry.load(name)
    except HwbenchError:
        return None
    return found


_parts: dict[str, tuple[tuple[str, str], ...]] = {}


def _parts_of(registry: Registry) -> tuple[tuple[str, str], ...]:
    """Names of a registry's parts, and what each is; found once, since it imports them all."""
    if registry.group not in _parts:
        loaded = {name: _loaded(registry, name) for name in registry}
        _parts[registry.group] = tuple(
            (name, "" if part is None else first_sentence(part)) for name, part in loaded.items()
        )
    return _parts[registry.group]


def _of_all(registry: Registry) -> Mapping[str, Parameter]:
    """The parameters that all parts of a registry share, which no config gives."""
    return parameters_of(import_object(registry.base, owner=registry.kind))


# ---------------------------------------------------------------------- problems


def _with_problems(root: FormNode, problems: Sequence[tuple[Place, str]]) -> FormNode:
    """The form with each problem at the deepest thing that its place leads to."""
    placed: dict[Place, list[str]] = {}
    known = _places(root)
    for place, line in problems:
        here = tuple(place)
        while here and here not in known:
            here = here[:-1]
        placed.setdefault(here, []).append(line)
    return _marked(root, placed)


def _places(node: FormNode) -> set[Place]:
    found = {node.place, *(each.place for each in node.fields)}
    for child in node.children:
        found |= _places(child)
    return found


def _marked(node: FormNode, placed: Mapping[Place, Sequence[str]]) -> FormNode:
    return replace(
        node,
        fields=tuple(
            replace(each, problems=tuple(placed.get(each.place, ()))) for each in node.fields
        ),
        children=tuple(_marked(each, placed) for each in node.children),
        problems=tuple(placed.get(node.place, ())),
    )
