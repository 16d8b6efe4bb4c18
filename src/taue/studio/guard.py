"""What every request passes before anything else sees it."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Awaitable, Callable, Collection
from typing import Any

Scope = dict[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

OPEN = "/health"
"""Answers without a password, for whatever watches the server."""

POLICY = (
    "default-src 'self'; "
    # gradio's page begins with inline scripts, and compiles its templates.
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; "
    "frame-ancestors 'self'; form-action 'self'; base-uri 'self'"
)
"""The page may ask nobody but its own server."""

HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


BELIEVED = (b"x-forwarded-host",)
"""Headers that gradio would take the server's own name from, wherever it leads."""


def key_of(login: tuple[str, str]) -> bytes:
    """What a request with this user and password says of it."""
    return b"Basic " + base64.b64encode(":".join(login).encode())


class Guard:
    """Names, sizes, passwords; an ASGI application around another.

    Args:
        app: what is guarded.
        names: host names that the server answers to, against pages elsewhere that point their own
            name at it; empty for any.
        login: user and password, or None.
        largest: bytes of a request's body.
    """

    def __init__(
        self, app: Any, names: Collection[str], login: tuple[str, str] | None, largest: int
    ) -> None:
        self.app, self.names, self.largest = app, frozenset(names), largest
        self.key = None if login is None else key_of(login)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return  # there is no other kind here
        headers = dict(scope["headers"])
        if self.names and _host(headers) not in self.names:
            await _answer(send, 421, b"This server does not go by that name.")
        elif not self._known(headers, scope["path"]):
            await _answer(
                send,
                401,
                b"Give user and password.",
                (b"www-authenticate", b'Basic realm="taue", charset="UTF-8"'),
            )
        elif int(headers.get(b"content-length", b"0") or 0) > self.largest:
            await _answer(send, 413, b"That is too large.")
        else:
            kept = [one for one in scope["headers"] if one[0] not in BELIEVED]
            scope = {**scope, "headers": kept}
            await self.app(scope, self._counted(receive), _with_headers(send))

    def _known(self, headers: dict[bytes, bytes], path: str) -> bool:
        given = headers.get(b"authorization", b"")
        return self.key is None or path == OPEN or hmac.compare_digest(given, self.key)

    def _counted(self, receive: Any) -> Any:
        """Bodies that do not say how long they are end where they are too long."""
        total = 0

        async def counted() -> Any:
            nonlocal total
            message = await receive()
            total += len(message.get("body", b""))
            return {"type": "http.disconnect"} if total > self.largest else message

        return counted


def _host(headers: dict[bytes, bytes]) -> str:
    told = headers.get(b"host", b"").decode("latin-1").lower()
    name, _, port = told.rpartition(":")
    return (name if port.isdigit() else told).strip("[]")


def _with_headers(send: Any) -> Any:
    async def extended(message: Any) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message.get("headers", [])}
            more = [one for one in HEADERS if one[0] not in own]
            message = {**message, "headers": [*message.get("headers", []), *more]}
        await send(message)

    return extended


async def _answer(send: Any, status: int, text: bytes, *more: tuple[bytes, bytes]) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
