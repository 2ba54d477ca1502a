"""What tests of model files share: taking them apart, and writing those that must be refused.

Test modules cannot import each other under pytest's importlib mode; the fixture `model_files` gives
this one.
"""

import io
import json
import pickle
import zipfile

import pytest

from hwbench.errors import HwbenchError
from hwbench.predictors.model_file import load_model

PROTOCOL = 4


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, **changes):
    """Replace members of a file; card and model stand for their names."""
    names = {"card": "card.json", "model": "model.pickle"}
    contents = members(path) | {names[key]: content for key, content in changes.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def change_card(path, **changes):
    rewrite(path, card=json.dumps(json.loads(members(path)["card.json"]) | changes))


def refused(path, **options):
    """The line that says why a file is not read."""
    with pytest.raises(HwbenchError) as error:
        load_model(path, **options)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


class Call:
    """Pickles as a call of whatever function."""

    def __init__(self, function, *arguments):
        self.how = (function, arguments)

    def __reduce__(self):
        return self.how


class Change:
    """Pickles as a change of an object's attributes."""

    def __init__(self, function, arguments, state):
        self.how = (function, arguments, state)

    def __reduce__(self):
        return self.how


class Named:
    """Pickles as the name of a class or function, which need not be there."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Made:
    """Pickles as an object of a class by its name, with a state, made without its constructor."""

    def __init__(self, module, name, state, arguments=()):
        self.kind, self.state, self.arguments = Named(module, name), state, arguments


class _Writer(pickle._Pickler):
    """Writes the parts above as no ordinary writer would: nothing of them is imported."""

    def save(self, obj, *arguments, **options):
        if isinstance(obj, Named):
            super().save(obj.module)
            super().save(obj.name)
            self.write(pickle.STACK_GLOBAL)
            self.memoize(obj)
        elif isinstance(obj, Made):
            self.save(obj.kind)
            self.save(obj.arguments)
            self.write(pickle.NEWOBJ)
            self.memoize(obj)
            if obj.state is not None:
                self.save(obj.state)
                self.write(pickle.BUILD)
        else:
            super().save(obj, *arguments, **options)


def written(obj):
    """The pickle of an object that may hold the parts above."""
    stream = io.BytesIO()
    _Writer(stream, PROTOCOL).dump(obj)
    return stream.getvalue()
