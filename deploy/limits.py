"""A bound on what anybody may send, kept before a byte of it is stored."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

BODY_MAX = 2_500_000  # bytes; a capacity file has 1 MB at most

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

TOO_BIG = {
    "title": "Too much at once",
    "problems": [
        {
            "code": "body_too_big",
            "words": f"More than {BODY_MAX:,} bytes were sent.",
            "fix": "Split the file and send the parts.",
        }
    ],
}


class BodyLimit:
    """Answers 413 to a body that says it is too big; hangs up on one that does not say so."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _length(scope) > BODY_MAX:
            await _refuse(send)
            return
        await self.application(scope, _counted(receive), send)


def _length(scope: Scope) -> int:
    said = dict(scope["headers"]).get(b"content-length", b"0")
    return int(said) if said.isdigit() else 0


def _counted(receive: Receive) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return {"type": "http.disconnect"} if seen > BODY_MAX else message

    return counted


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(TOO_BIG).encode()})
