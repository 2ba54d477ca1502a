"""What requests hold: names, and bodies of a bounded size."""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from hwbench.studio.state import studio_of

MOST_JSON = 4 << 20
MOST_FILE = 64 << 20
"""Bytes of a request's body."""


def named(request: Request, name: str = "name") -> str:
    """A parameter of the address.

    Raises
    ------
    HTTPException
        Where it is missing.
    """
    found = request.query_params.get(name)
    if not found:
        raise HTTPException(400, f"the address lacks '{name}'")
    return found


async def body_of(request: Request, most: int) -> bytes:
    """The body of a request, no more of which is read than is allowed.

    Raises
    ------
    HTTPException
        Where it is larger.
    """
    content = bytearray()
    async for block in request.stream():
        content += block
        if len(content) > most:
            raise HTTPException(413, f"more than {most:,} bytes are not taken")
    return bytes(content)


async def object_of(request: Request) -> dict[str, Any]:
    """The body of a request, a JSON object.

    Raises
    ------
    HTTPException
        Where it is none.
    """
    content = await body_of(request, MOST_JSON)
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "the body is no JSON") from error
    if not isinstance(found, dict):
        raise HTTPException(400, "the body is no JSON object")
    return found


def require_edit(request: Request) -> None:
    """Refuse what starts, stops or writes something where the studio only reads.

    Raises
    ------
    HTTPException
        With status 403.
    """
    if not studio_of(request).settings.edit:
        raise HTTPException(403, "this studio only reads; start it with hwbench studio --edit")
