"""Who is answered: one browser with the token, under a name of this machine, from our own pages.

Every answer carries a policy that lets a page load and call nothing but the studio itself, so that
even a script that came in by a name or a file of a run could not run, nor tell anybody.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from hwbench.studio.settings import Settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TOKEN = "token"  # noqa: S105  the name of a parameter

READING = ("GET", "HEAD")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def cookie_name(settings: Settings) -> str:
    """The name of the cookie: studios of one machine share their cookies, whatever their port."""
    return f"hwbench-studio-{hashlib.sha256(settings.token.encode()).hexdigest()[:12]}"


class Guard:
    """Middleware that turns away whoever is not the studio's own browser.

    Parameters
    ----------
    app : what answers the others.
    settings : of the studio.
    """

    def __init__(self, app: App, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing here speaks over WebSockets
            return

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope)
        answer = self.app if refusal is None else refusal
        await answer(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """What a request that is not to be answered gets; None where it is."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _without_port(host) not in self.settings.hosts:  # another name that leads here
            return PlainTextResponse("this studio does not answer to that name\n", 421)
        reading = scope["method"] in READING
        given = QueryParams(scope["query_string"]).get(TOKEN)
        if reading and given is not None:
            return self._taken_in(scope, given)
        if not self._known(headers):
            return PlainTextResponse(
                "open the address that hwbench studio has printed: it holds a token\n", 401
            )
        if not reading and not _from_own_page(headers, host):
            return PlainTextResponse("another site may change nothing here\n", 403)
        return None

    def _known(self, headers: Headers) -> bool:
        name = cookie_name(self.settings)
        pairs = (each.strip().partition("=") for each in headers.get("cookie", "").split(";"))
        return any(key == name and self._is_token(value) for key, _, value in pairs)

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self.settings.token.encode())

    def _taken_in(self, scope: Scope, given: str) -> Response:
        """The token becomes a cookie, so that it stands in no address that is kept or passed on."""
        if not self._is_token(given):
            return PlainTextResponse("that is not this studio's token\n", 401)
        # A path of two slashes would lead to another host.
        response = RedirectResponse("/" + scope["path"].lstrip("/"), 303)
        response.set_cookie(
            cookie_name(self.settings), given, httponly=True, samesite="strict", path="/"
        )
        return response


def _from_own_page(headers: Headers, host: str) -> bool:
    """Whether a request that may change something comes from a page of the studio's."""
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin = urlsplit(headers.get("origin", ""))
    return origin.scheme in ("http", "https") and origin.netloc == host


def _without_port(host: str) -> str:
    end = host.rfind(":")
    return host if end < 0 or host.endswith("]") else host[:end]
