"""T4: every log-in is told of, also one that failed, from pages and programs alike."""

from __future__ import annotations

import pytest
from django.test import Client

from shop.audit.models import AuditEntry
from tests.api.clients import Api
from tests.cast import PASSWORD, Cast


def entries() -> list[tuple[str, str | None, str, str]]:
    rows = AuditEntry.objects.select_related("by")
    return [
        (row.kind, row.by.username if row.by else None, row.address, row.data.get("account", ""))
        for row in rows
    ]


def test_a_program_that_logs_in_and_out_is_told_of_with_its_address(cast: Cast) -> None:
    api = Api(Client(REMOTE_ADDR="10.0.0.7"))

    api.post("session", username="tola", password=PASSWORD)
    api.delete("session")

    assert entries() == [
        ("LOGGED_IN", "tola", "10.0.0.7", ""),
        ("LOGGED_OUT", "tola", "10.0.0.7", ""),
    ]


def test_a_person_at_a_page_too(cast: Cast) -> None:
    client = Client()

    client.post("/login", {"username": "sade", "password": PASSWORD})
    client.post("/logout")

    assert [entry[:2] for entry in entries()] == [("LOGGED_IN", "sade"), ("LOGGED_OUT", "sade")]


def test_a_failed_log_in_names_the_account_it_was_for(cast: Cast) -> None:
    Client().post("/login", {"username": "tola", "password": "guess"})
    Api().post("session", username="tola", password="guess")

    assert entries() == [("LOG_IN_FAILED", None, "127.0.0.1", "tola")] * 2


@pytest.mark.parametrize("typed", [PASSWORD, "nobody", "tola\x00", "x" * 5000])
def test_what_is_no_account_is_not_kept(cast: Cast, typed: str) -> None:
    """People type their password where the name belongs."""
    Api().post("session", username=typed, password="x")

    assert all(typed not in str(vars(row)) for row in AuditEntry.objects.all())


def test_a_log_out_of_nobody_is_nothing(db: None) -> None:
    Api().delete("session")

    assert entries() == []
