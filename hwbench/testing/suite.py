"""One way to hold a part against what it promises: named checks, one by one or all together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from hwbench.errors import HwbenchError, one_line


class Subject:
    """A part that is checked, and what it is checked on.

    Attributes
    ----------
    kind, name : of the part, as messages begin with them: "space nasbench201: ...".
    """

    kind: str
    name: str

    def require(self, condition: bool, message: str) -> None:
        """Say which promise is broken, if it is.

        Raises
        ------
        AssertionError
            Where the condition does not hold.
        """
        if not condition:
            raise AssertionError(f"{self.kind} {self.name}: {message}")

    def call(self, what: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """What a function returns; where it raises instead, it is said what should have worked."""
        try:
            return function(*arguments)
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(
                f"{self.kind} {self.name}: {what} raises {type(error).__name__}: {error}"
            ) from error

    def require_refusal(self, what: str, function: Callable[..., Any], *arguments: Any) -> str:
        """Fail where a function does not raise `HwbenchError` with a message of one line.

        Returns
        -------
        The message.
        """
        try:
            function(*arguments)
        except HwbenchError as error:
            one_line = len(str(error).splitlines()) == 1
            self.require(one_line, f"{what} is refused in more than one line: {error}")
            return str(error)
        except Exception as error:
            raise AssertionError(
                f"{self.kind} {self.name}: {what} raises {type(error).__name__}, not "
                f"HwbenchError: {error}"
            ) from error
        raise AssertionError(f"{self.kind} {self.name}: {what} is not refused")


S = TypeVar("S", bound=Subject)
T = TypeVar("T")


class Suite(Generic[S]):
    """The checks of one kind of part.

    Parameters
    ----------
    prepare : makes of a part, however it is given, the subject of checks.
    """

    def __init__(self, prepare: Callable[..., S]) -> None:
        self.prepare = prepare
        self._promises: dict[str, Callable[[S], None]] = {}

    def promise(self, what: str) -> Callable[[Callable[[S], None]], Callable[[S], None]]:
        """Decorator: a function that raises `AssertionError` where a subject breaks a promise.

        Parameters
        ----------
        what : is promised, in words for messages: "the seed".
        """

        def add(function: Callable[[S], None]) -> Callable[[S], None]:
            self._promises[what] = function
            return function

        return add

    def checks(self, *part: Any, **options: Any) -> list[Check]:
        """The checks in their order, of a part if one is given."""
        return [Check(self, what, part, options) for what in self._promises]

    def run(self, subject: S, what: str) -> None:
        """Hold a subject against one promise."""
        subject.call(f"checking {what}", self._promises[what], subject)

    def run_all(self, part: Any, **options: Any) -> None:
        """Hold a part against every promise, in their order."""
        subject = self.prepare(part, **options)
        for what in self._promises:
            self.run(subject, what)


@dataclass(frozen=True, eq=False)
class Check:
    """A promise of one kind of part: `check(part, **options)` holds a part against it.

    Attributes
    ----------
    suite : that the check is of.
    what : is promised, in words.
    part : that is checked where the call names none; of length 0 or 1.
    options : of the part, as for the function that runs all checks; those of the call come first.
    """

    suite: Suite[Any]
    what: str
    part: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def __name__(self) -> str:
        """What tests are called after: pytest takes it for the id of a parameter."""
        return "".join(letter if letter.isalnum() else "_" for letter in self.what)

    def __repr__(self) -> str:
        return f"<check of {self.what}>"

    def __call__(self, *part: Any, **options: Any) -> None:
        """Hold the part against the promise.

        Raises
        ------
        AssertionError
            Where it is broken; the message says how.
        HwbenchError
            Where there is no such part, or it cannot be made.
        """
        subject = self.suite.prepare(*(part or self.part), **{**self.options, **options})
        self.suite.run(subject, self.what)


def described(part: Any) -> str:
    """What a part is called in messages: the name it was given by, or that of its class."""
    if isinstance(part, str):
        return part
    return part.__name__ if hasattr(part, "__name__") else type(part).__name__


def no_such_part(kind: str, part: Any, forms: str) -> HwbenchError:
    """The error for what names or holds no part.

    Parameters
    ----------
    kind : of the part.
    part : what was given.
    forms : what may be given.
    """
    shown = repr(part) if isinstance(part, str | int | float | None) else described(part)
    return HwbenchError(f"{kind} {one_line(shown, 80)}: is none; give {forms}")


def made(kind: str, part: Callable[[], T], name: str = "") -> T:
    """What a class or a function makes without arguments.

    Parameters
    ----------
    kind : of part that is made.
    part : makes it.
    name : of the part, for the message; by default that of the class.

    Raises
    ------
    HwbenchError
        Where it makes nothing.
    """
    try:
        return part()
    except HwbenchError:
        raise
    except Exception as error:  # the code of others may raise anything
        raise HwbenchError(
            f"{kind} {name or described(part)}: cannot be made "
            f"({type(error).__name__}: {one_line(error)}); where it needs arguments, give an object"
        ) from error
