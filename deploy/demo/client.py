"""A person at a browser, as far as the REST API goes: a session, and refusals in words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

T = TypeVar("T")
PERIOD_S = 0.5


class Refused(Exception):
    """The shop said no; the message has its words and what would fix it."""


class StoryFailed(Exception):
    """The story cannot go on."""


class Person:
    """Someone with or without an account, talking to the shop over HTTP."""

    def __init__(self, url: str, username: str = "", password: str = "") -> None:
        self._http = httpx.Client(base_url=url, timeout=30.0)
        if username:
            self.get("session")
            self.post("session", {"username": username, "password": password})

    def get(self, path: str) -> Any:
        return self._answer(self._http.get(f"/api/v1/{path}"))

    def post(self, path: str, body: Any = None, *, file: tuple[str, bytes] | None = None) -> Any:
        headers = {"X-CSRFToken": self._http.cookies.get("csrftoken") or ""}
        if file is None:
            return self._answer(
                self._http.post(f"/api/v1/{path}", json=body or {}, headers=headers)
            )
        return self._answer(
            self._http.post(f"/api/v1/{path}", files={"file": file}, headers=headers)
        )

    def page(self, path: str) -> str:
        """A page as HTML."""
        answer = self._http.get(path)
        if answer.status_code != httpx.codes.OK:
            raise StoryFailed(f"{path} answered {answer.status_code}")
        return answer.text

    def _answer(self, answer: httpx.Response) -> Any:
        if answer.is_success:
            return answer.json()
        raise Refused(f"{answer.request.method} {answer.url.path}: {_words(answer)}")


class Hands:
    """The simulated technician's hands at one bench."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=10.0)

    def links(self, state: str) -> None:
        """ "on": links and leads joined; "off": every cell alone."""
        answer = self._http.post(f"/links/{state}")
        if answer.is_error:
            raise StoryFailed(f"the hands could not put links {state}: {answer.text[:200]}")


def until(look: Callable[[], T | None], *, within_s: float, what: str) -> T:
    """The first thing `look` finds; raises StoryFailed when it took longer than `within_s`."""
    pause, deadline = threading.Event(), time.monotonic() + within_s
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise StoryFailed(f"waited {within_s:.0f} s for {what}")
        pause.wait(PERIOD_S)


def _words(answer: httpx.Response) -> str:
    try:
        told = answer.json()
        problems = [f"{p['words']} {p['fix']}" for p in told.get("problems", [])]
        return " ".join([f"{answer.status_code}, {told.get('title', '')}.", *problems])
    except (ValueError, AttributeError, KeyError):
        return f"{answer.status_code} {answer.text[:200]}"
