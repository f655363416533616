"""Clients of the API and of the pages, and what they read out of answers."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from shop.people.models import User


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


class Api:
    """JSON in and out, below /api/v1/."""

    def __init__(self, client: Client | None = None) -> None:
        self.client = client or Client()

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1/{path}")

    def post(self, path: str, **body: Any) -> Any:
        return self.client.post(f"/api/v1/{path}", body, content_type="application/json")

    def once(self, key: str, path: str, **body: Any) -> Any:
        """A POST under an Idempotency-Key."""
        return self.client.post(
            f"/api/v1/{path}",
            body,
            content_type="application/json",
            headers={"Idempotency-Key": key},
        )

    def delete(self, path: str, **headers: str) -> Any:
        return self.client.delete(f"/api/v1/{path}", headers=headers)


def codes(response: Any) -> list[str]:
    """The codes of a refusal; also holds it to the one shape that all have."""
    body = response.json()
    assert body["title"]
    assert all(problem["words"] for problem in body["problems"])
    return [problem["code"] for problem in body["problems"]]


def text(response: Any) -> str:
    """What a person reads: markup taken out, white space joined."""
    html = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", response.content.decode(), flags=re.S)
    words = re.sub(r"<[^>]+>", " ", html).replace("&#x27;", "'").replace("&quot;", '"')
    return re.sub(r"[\s\u202f]+", " ", words)
