"""Writing config trees as TOML, which the standard library only reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def to_toml(tree: Mapping[str, Any]) -> str:
    """A tree of strings, numbers, truth values, lists of them and further trees as TOML.

    Entries that are None are left out.
    """
    return "\n".join(_lines(tree, ())) + "\n"


def _lines(tree: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    plain = {k: v for k, v in tree.items() if v is not None and not isinstance(v, Mapping)}
    lines = [f"[{'.'.join(path)}]"] if path and plain else []
    # JSON's strings, numbers, truth values and lists are TOML's as well.
    lines += [f"{_key(k)} = {json.dumps(v, ensure_ascii=False)}" for k, v in plain.items()]
    for key, value in tree.items():
        if isinstance(value, Mapping):
            inner = _lines(value, (*path, _key(key)))
            lines += ([""] if lines and inner else []) + inner
    return lines


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() else json.dumps(name)
