"""`session`: log in with CSRF, log out; wrong passwords and strangers."""

from __future__ import annotations

from django.test import Client

from tests.api.clients import Api, codes
from tests.cast import PASSWORD, Cast


def test_tells_a_stranger_nobody_is_logged_in_and_gives_a_token(db: None) -> None:
    answer = Api().get("session").json()

    assert answer["user"] is None
    assert len(answer["csrf"]) > 20


def test_logs_in_with_the_token_and_says_who_it_is(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    token = client.get("/api/v1/session").json()["csrf"]

    answer = client.post(
        "/api/v1/session",
        {"username": "tola", "password": PASSWORD},
        content_type="application/json",
        headers={"X-CSRFToken": token},
    )

    assert answer.status_code == 200
    assert answer.json()["user"] == {"username": "tola", "name": "Tola", "role": "TECHNICIAN"}


def test_refuses_a_log_in_that_another_site_sent(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)

    answer = client.post("/api/v1/session", {"username": "tola", "password": PASSWORD})

    assert (answer.status_code, codes(answer)) == (403, ["not_allowed"])


def test_refuses_a_wrong_password_in_words(cast: Cast) -> None:
    answer = Api().post("session", username="tola", password="wrong")

    assert (answer.status_code, codes(answer)) == (403, ["wrong_password"])


def test_names_the_fields_that_are_missing(cast: Cast) -> None:
    answer = Api().post("session", username="tola")

    assert (answer.status_code, codes(answer)) == (400, ["malformed"])
    assert "password" in answer.json()["problems"][0]["words"]


def test_an_act_without_the_token_is_refused(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.tola)

    answer = client.post("/api/v1/jobs", {}, content_type="application/json")

    assert (answer.status_code, codes(answer)) == (403, ["not_allowed"])


def test_logs_out(tola: Api) -> None:
    assert tola.delete("session").status_code == 204

    assert tola.get("jobs").status_code == 401
