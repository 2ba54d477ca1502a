"""A command of one's own as words, with places that are filled for each architecture."""

from __future__ import annotations

import shlex
import shutil
import string
from collections.abc import Mapping

from hwbench.errors import HwbenchError, unknown_name
from hwbench.tables.made.remedy import RemedyError

MODELS = {
    "onnx": "the network as an ONNX file",
    "torchscript": "the network as a TorchScript file (traced)",
    "torch_export": "the network as a .pt2 file of torch.export",
}
FILES = {**MODELS, "input": "the images of a run, a .npy file of float32"}
PLACES = {
    **FILES,
    "arch": "the architecture's string",
    "batch": "images of a run",
    "threads": "threads that compute",
    "warmup": "unrecorded runs, which the command makes by itself where it names these",
    "repeats": "recorded runs, which the command makes by itself where it names these",
    "seed": "of weights and images",
    "channels": "of an image",
    "input_size": "height and width of an image",
}
"""What a command may name in braces, and what is put there."""

_OF_A_SHELL = ("|", "||", "&", "&&", ";", "<", ">", ">>", "2>", "2>&1", "&>")


class CommandLine:
    """A command's words, checked.

    Parameters
    ----------
    text : as it is typed. It is split into words as a shell would split it, and what is filled in
        stays inside its word, blanks and all.
    in_shell : whether a shell runs it: what is filled in is quoted for that.

    Raises
    ------
    HwbenchError
        Where it is no command, names what there is not or no network, needs a shell that was not
        asked for, or its program is not there.
    """

    def __init__(self, text: str, *, in_shell: bool = False) -> None:
        self.text, self.in_shell = text, in_shell
        try:
            self.words = [text] if in_shell else shlex.split(text)
        except ValueError as error:
            raise HwbenchError(
                f"--command {text!r}: {error}; quote its words as a shell"
            ) from error
        if not text.strip() or not self.words:
            raise HwbenchError(
                "--command is empty; say what measures a file, such as --command 'bench --model "
                "{onnx}'"
            )
        self.named = {name for word in self.words for name in _places_in(word, text)}
        if not self.named & {*MODELS, "arch"}:
            raise RemedyError(
                f"--command {text!r} names no network, so that it would measure the same thing "
                "every time",
                "put the file where it belongs",
                {"--command": f"{text} {{onnx}}"},
            )
        if not in_shell:
            self._check_words()

    def _check_words(self) -> None:
        found = next((word for word in self.words if word in _OF_A_SHELL), None)
        if found is not None:
            raise RemedyError(
                f"--command holds the word {found!r}, which only a shell understands",
                "let one run it",
                {"--command": self.text, "--shell": None},
            )
        program = self.words[0]
        if "{" not in program and shutil.which(program) is None:
            raise HwbenchError(
                f"--command {self.text!r}: there is no program {program!r} that can be run; give "
                "its whole path"
            )

    def filled(self, values: Mapping[str, object]) -> list[str]:
        """The words with what they name.

        Parameters
        ----------
        values : for each of `named`.
        """
        if not self.in_shell:
            return [word.format_map(values) for word in self.words]
        quoted = {name: shlex.quote(str(value)) for name, value in values.items()}
        return ["/bin/sh", "-c", self.text.format_map(quoted)]


def _places_in(word: str, text: str) -> list[str]:
    try:
        parts = [(name, form, kind) for _, name, form, kind in string.Formatter().parse(word)]
    except ValueError as error:
        raise HwbenchError(
            f"--command {text!r}: {error}; a brace that is meant is written twice: {{{{ and }}}}"
        ) from error
    found = []
    for name, form, kind in parts:
        if name is None:
            continue
        if name not in PLACES or form or kind:
            raise unknown_name("place of --command", name, PLACES)
        found.append(name)
    return found
