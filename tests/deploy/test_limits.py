"""A body without end is refused before it is stored, whether it says its length or not."""

from __future__ import annotations

import asyncio

import pytest

from deploy.limits import BODY_MAX, BodyLimit, Message, Receive, Scope, Send


def send_body(chunks: list[bytes], **headers: str) -> tuple[list[Message], list[Message]]:
    """What the application received, and what was answered."""
    received: list[Message] = []
    answered: list[Message] = []
    waiting = iter(chunks)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        while not received or received[-1].get("more_body"):
            received.append(await receive())

    async def receive() -> Message:
        return {"type": "http.request", "body": next(waiting), "more_body": True}

    async def send(message: Message) -> None:
        answered.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(BodyLimit(application)({"type": "http", "headers": named}, receive, send))
    return received, answered


def test_a_body_that_says_it_is_too_big_is_refused_unread() -> None:
    received, answered = send_body([], content_length=str(BODY_MAX + 1))

    assert received == []
    assert answered[0]["status"] == 413
    assert b"body_too_big" in answered[1]["body"]


def test_a_body_that_never_ends_is_refused_once_it_is_too_big() -> None:
    received, answered = send_body([b"x" * 1_000_000] * 5)

    assert [message["type"] for message in received] == ["http.request"] * 2 + ["http.disconnect"]
    assert [message.get("status") for message in answered] == [413, None]
    assert b"body_too_big" in answered[1]["body"]


@pytest.mark.parametrize("length", ["10", "", "many", str(BODY_MAX)])
def test_a_body_within_the_limit_passes(length: str) -> None:
    received, _ = send_body([b"x" * BODY_MAX, b"y"], content_length=length)

    assert [len(message.get("body", b"")) for message in received] == [BODY_MAX, 0]
