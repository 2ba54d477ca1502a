"""A file that is published somewhere: its address, and how its bytes are known."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal, Self
from urllib.parse import quote, unquote, urlsplit

from pydantic import Field, model_validator

from hwbench.toml import FrozenModel

RAW_FILES = "https://raw.githubusercontent.com"

_SCHEMES = ("https", "http", "file")
_PLACE = ("repository", "commit", "path")


class SourceFile(FrozenModel):
    r"""One file of a public benchmark, pinned: its address always gives the same bytes.

    Attributes
    ----------
    repository : "owner/name" of the GitHub repository that holds it, if one does.
    commit : of that repository, 40 hexadecimal digits.
    path : inside the repository. A file that cannot be fetched may have nothing but this name.
    url : where it can be fetched (https, http or file). A file of a repository needs none: it is
        made of the three above.
    sha256 : of its bytes, if known.
    git_blob_sha1 : git's name of its content, sha1("blob <bytes>\0" + content), if known.
    md5 : of its bytes, where its authors publish nothing better.
    bytes : its length, if known.
    licence : under which the repository publishes it, if known.
    optional : whether the others are of use without it. It is left out where a mirror lacks it, and
        where no checksum of it is known unless it lies in a folder that is the mirror.
    """

    repository: str | None = Field(default=None, pattern=r"^[\w.-]+/[\w.-]+$")
    commit: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")
    path: str | None = Field(default=None, min_length=1)
    url: str = ""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    git_blob_sha1: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")
    md5: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")
    bytes: int | None = Field(default=None, gt=0)
    licence: str | None = None
    optional: bool = False

    @model_validator(mode="before")
    @classmethod
    def _with_url(cls, given: object) -> object:
        if not isinstance(given, dict) or "url" in given:
            return given
        place = [part for key in _PLACE if isinstance(part := given.get(key), str)]
        if len(place) < len(_PLACE):
            return given
        return {**given, "url": f"{RAW_FILES}/{quote('/'.join(place))}"}

    @model_validator(mode="after")
    def _has_a_safe_place(self) -> Self:
        if self.repository is not None and (self.commit is None or self.path is None):
            raise ValueError("a file of a repository needs repository, commit and path")
        if not self.url and self.path is None:
            raise ValueError("give repository, commit and path, or url")
        scheme = urlsplit(self.url).scheme
        if self.url and scheme not in _SCHEMES:
            raise ValueError(f"url must begin with https, http or file, not {scheme!r}")
        if scheme == "http" and self.checksum is None:
            raise ValueError("a file without a checksum needs an https address")
        parts = self.relative_path.split("/")
        if not {"", ".", ".."}.isdisjoint(parts) or not self.relative_path.isprintable():
            raise ValueError(f"{self.relative_path!r} is no path inside a folder")
        if "\\" in self.relative_path or ":" in self.relative_path:
            raise ValueError(f"{self.relative_path!r} is no path on every system")
        return self

    @property
    def relative_path(self) -> str:
        """Where it lies in a cache or a mirror: "<owner>/<repository>/<commit>/<path>".

        A file that stands elsewhere lies under "<host>/<path of the address>".
        """
        if self.repository is not None:
            return f"{self.repository}/{self.commit}/{self.path}"
        if not self.url:
            return str(self.path)
        address = urlsplit(self.url)
        path = self.path or unquote(address.path).lstrip("/")
        return f"{address.hostname or 'local'}/{path}"

    @property
    def name(self) -> str:
        """The last part of its path."""
        return PurePosixPath(self.relative_path).name

    @property
    def checksum_kind(self) -> Literal["sha256", "git_blob_sha1", "md5"]:
        """Which checksum says whether a copy is right; sha256 where several or none is known."""
        if self.sha256 is None and self.git_blob_sha1 is not None:
            return "git_blob_sha1"
        if self.sha256 is None and self.md5 is not None:
            return "md5"
        return "sha256"

    @property
    def checksum(self) -> str | None:
        """The checksum of that kind in hexadecimal digits, None where none is known."""
        return self.sha256 or self.git_blob_sha1 or self.md5
