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

GONE: Message = {"type": "http.disconnect"}
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
    """Answers 413 to a body as soon as it says that it is too big, or is; the rest is not read."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
        elif _length(scope) > BODY_MAX:
            await _refuse(send)
        else:
            exchange = _Exchange(receive, send)
            await self.application(scope, exchange.receive, exchange.send)


class _Exchange:
    """One request whose body is counted; once it is too much, the answer is ours."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._seen = 0

    async def receive(self) -> Message:
        if self._seen > BODY_MAX:
            return GONE
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen <= BODY_MAX:
            return message
        await _refuse(self._send)
        return GONE

    async def send(self, message: Message) -> None:
        if self._seen <= BODY_MAX:
            await self._send(message)


def _length(scope: Scope) -> int:
    said = dict(scope["headers"]).get(b"content-length", b"0")
    return int(said) if said.isdigit() else 0


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(TOO_BIG).encode()})
