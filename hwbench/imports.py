"""Importing what a card names by its path."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from hwbench.errors import HwbenchError


def import_module_of(module: str, *, owner: str, extra: str = "") -> Any:
    """A module by its name.

    Parameters
    ----------
    module : such as "sklearn.linear_model".
    owner : who asks for it, for the message: "predictor ridge".
    extra : the optional extra of hwbench that installs it, for the message.

    Raises
    ------
    HwbenchError
        Where it cannot be imported.
    """
    try:
        return import_module(module)
    except ImportError as error:
        remedy = f"pip install 'hwbench[{extra}]'" if extra else "install the library it is in"
        raise HwbenchError(f"{owner}: {module} cannot be imported ({error}); {remedy}") from error


def import_object(path: str, *, owner: str, extra: str = "") -> Any:
    """The object that an import path "module:name" names.

    Parameters
    ----------
    path : such as "sklearn.linear_model:Ridge".
    owner, extra : as for `import_module_of`.

    Raises
    ------
    HwbenchError
        Where the module cannot be imported or has no such name.
    """
    module, _, attribute = path.partition(":")
    try:
        return getattr(import_module_of(module, owner=owner, extra=extra), attribute)
    except AttributeError as error:
        raise HwbenchError(f"{owner}: {module} has no '{attribute}'") from error
