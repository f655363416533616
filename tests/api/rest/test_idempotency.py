"""`Idempotency-Key`: the same request again is one act with one answer, also at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from api.rest.urls import urlpatterns
from shop import clock
from shop.evidence.models import Approval, CapacityTest
from shop.jobs.models import Job, JobEvent, Run
from shop.packs.models import GateDecision, Pack
from shop.requests.models import DoneRequest
from shop.requests.services import forget_expired
from shop.trace.models import TraceLink
from tests import factories
from tests.api.clients import Api, codes, logged_in
from tests.api.made import approved, assembled, balanced
from tests.cast import Cast, the_cast
from tests.faults.matrix import Trial
from tests.race import race
from tests.shop.packs.factories import make_design

# What changes nothing, or is one act however often it is done and never refused.
WITHOUT_KEY = {"session", "pack-check", "run-stop"}
WITH_ITS_OWN = {"packs", "links"}


def test_every_changing_request_knows_the_key() -> None:
    for pattern in urlpatterns:
        view = pattern.callback.view_class  # type: ignore[attr-defined]
        for name in {"post", "put", "patch", "delete"} & set(vars(view)):
            known = hasattr(getattr(view, name), "__wrapped__")
            own = pattern.name in WITHOUT_KEY | WITH_ITS_OWN
            assert known is not own, f"{name} {pattern.name}"


def new_job(cast: Cast, count: int = 4) -> dict[str, Any]:
    serials = [cell.serial for cell in factories.make_cells(count)]
    return {"recipe_version": factories.make_recipe_version(by=cast.sade).pk, "cells": serials}


@pytest.mark.fault("42", "one POST sent 100 times under its key", trials=20)
def test_the_same_request_again_gets_the_same_answer_and_no_second_effect(
    cast: Cast, tola: Api, trial: Trial
) -> None:
    body = new_job(cast)

    answers = [tola.once("k-1", "jobs", **body) for _ in range(100)]

    trial.happened(len(answers) == 100)
    assert {(a.status_code, a.content) for a in answers} == {(201, answers[0].content)}
    assert Job.objects.count() == 1
    assert tola.once("k-2", "jobs", **body).json()["id"] != answers[0].json()["id"]


@pytest.mark.fault("42", "POST sent again with another body under its key", trials=20)
def test_the_same_key_with_another_request_is_refused_in_words(
    cast: Cast, tola: Api, trial: Trial
) -> None:
    first, other = new_job(cast), new_job(cast)
    tola.once("k-1", "jobs", **first)

    changed = tola.once("k-1", "jobs", **other)
    elsewhere = tola.once("k-1", f"jobs/{Job.objects.get().pk}/claim", station="bench-1")

    trial.happened(first != other)
    assert (changed.status_code, codes(changed)) == (422, ["key_used"])
    assert (elsewhere.status_code, codes(elsewhere)) == (422, ["key_used"])
    assert Job.objects.count() == 1


def test_a_key_is_somebodys_own(cast: Cast, tola: Api, sade: Api) -> None:
    body = new_job(cast)

    assert tola.once("k-1", "jobs", **body).json() != sade.once("k-1", "jobs", **body).json()


def test_a_refused_request_is_judged_anew(cast: Cast, tola: Api) -> None:
    """It wrote nothing, the memory of it included."""
    station = factories.make_station()
    job = factories.make_job(by=cast.bayo, claimed_at=station)
    path = f"jobs/{job.pk}/claim"

    first = tola.once("k-1", path, station=station.slug)
    logged_in(cast.bayo).post(f"/api/v1/jobs/{job.pk}/release")
    again = tola.once("k-1", path, station=station.slug)

    assert (first.status_code, codes(first)) == (409, ["job_not_open"])
    assert again.status_code == 200
    assert JobEvent.objects.filter(kind="claimed").count() == 1


def test_claim_start_and_release_are_each_one_act(cast: Cast, tola: Api) -> None:
    factories.make_policy(by=cast.sade)
    station, job = factories.make_station(now=clock.now()), factories.make_job(by=cast.sade)
    path = f"jobs/{job.pk}"

    claims = [tola.once("c", f"{path}/claim", station=station.slug) for _ in range(2)]
    releases = [tola.once("r", f"{path}/release") for _ in range(2)]
    tola.post(f"{path}/claim", station=station.slug)
    starts = [tola.once("s", f"{path}/start", confirmed=True) for _ in range(2)]

    for first, second in (claims, releases, starts):
        assert (first.status_code, first.content) == (second.status_code, second.content)
        assert first.status_code < 300
    assert Run.objects.count() == 1


def test_a_file_is_the_same_by_its_content_whatever_separates_its_parts(
    cast: Cast, tola: Api
) -> None:
    factories.make_policy(by=cast.sade)
    serial = factories.make_cells(1)[0].serial

    def send(capacity_ah: float, boundary: str) -> Any:
        rows = f"serial,capacity_ah,tested_at\n{serial},{capacity_ah},2026-01-10\n"
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n'
            f"Content-Type: text/csv\r\n\r\n{rows}\r\n--{boundary}--\r\n"
        )
        return tola.client.generic(
            "POST",
            "/api/v1/capacity-tests/import",
            body,
            content_type=f"multipart/form-data; boundary={boundary}",
            headers={"Idempotency-Key": "k-1"},
        )

    first, again, other = send(200.5, "one"), send(200.5, "two"), send(199.5, "one")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert (other.status_code, codes(other)) == (422, ["key_used"])
    assert CapacityTest.objects.count() == 1


def test_approvals_are_one_act(cast: Cast, sade: Api) -> None:
    balanced(cast)
    seen = [
        {"serial": cell["serial"], "evidence_sha256": cell["evidence_sha256"]}
        for cell in sade.get("approvals").json()["cells"]
    ]

    first, again = (sade.once("k-1", "approvals", cells=seen) for _ in range(2))

    assert (first.status_code, first.content) == (201, again.content)
    assert Approval.objects.count() == 4


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "schlüssel"])
def test_a_key_that_is_none_is_malformed(cast: Cast, tola: Api, key: str) -> None:
    answer = tola.once(key, "jobs", **new_job(cast))

    assert (answer.status_code, codes(answer)) == (400, ["malformed"])
    assert not Job.objects.exists()


def test_a_stop_is_never_refused_for_its_key(cast: Cast, tola: Api) -> None:
    run = factories.make_run(by=cast.tola)
    tola.once("k-1", "jobs", **new_job(cast))

    assert tola.once("k-1", f"runs/{run.pk}/stop").status_code == 202


def test_a_key_is_forgotten_when_the_policy_says_so(cast: Cast, tola: Api) -> None:
    factories.make_policy(by=cast.sade, request_keys_s=3600.0)
    body = new_job(cast)
    tola.once("k-1", "jobs", **body)

    forget_expired(now=clock.now() + timedelta(minutes=59))
    assert DoneRequest.objects.count() == 1
    forget_expired(now=clock.now() + timedelta(minutes=61))

    assert tola.once("k-1", "jobs", **body).status_code == 201
    assert Job.objects.count() == 2


def test_keeps_neither_key_nor_request(cast: Cast, tola: Api) -> None:
    tola.once("a-secret-key", "jobs", **new_job(cast))

    row = DoneRequest.objects.get()
    assert "a-secret-key" not in str(vars(row))
    assert (row.status, len(row.key_sha256), len(row.request_sha256)) == (201, 64, 64)


@pytest.mark.fault("42", "one POST sent by four at once under one key", trials=5)
@pytest.mark.django_db(transaction=True)
def test_twins_at_once_are_one_act_with_one_answer(trial: Trial) -> None:
    cast = the_cast()
    body = new_job(cast, 2)
    apis = [Api(logged_in(cast.tola)) for _ in range(4)]

    def twin(api: Api) -> Callable[[int], tuple[int, bytes]]:
        def send(number: int) -> tuple[int, bytes]:
            answer = api.once(f"k-{number}", "jobs", **body)
            return answer.status_code, answer.content

        return send

    rounds = race([twin(api) for api in apis], rounds=10)

    trial.times = len(rounds)
    trial.happened(all(len(answers) == 4 for answers in rounds))
    assert [len(set(answers)) for answers in rounds] == [1] * 10
    assert {answers[0][0] for answers in rounds} == {201}
    assert Job.objects.count() == 10


@pytest.mark.django_db(transaction=True)
def test_assembling_twice_at_once_is_one_pack_and_one_decision() -> None:
    cast = the_cast()
    cells = [cell.serial for cell in approved(cast).cells]
    body = {"design": make_design().name, "cells": cells, "serial": "P-7"}
    apis = [Api(logged_in(cast.bayo)) for _ in range(4)]

    answers = race([lambda _, a=api: a.once("k-1", "packs", **body) for api in apis])[0]  # type: ignore[misc]

    assert {(a.status_code, a.content) for a in answers} == {(201, answers[0].content)}
    assert (Pack.objects.count(), GateDecision.objects.count()) == (1, 1)
    later = apis[0].once("k-1", "packs", **body)
    assert (later.status_code, later.content) == (201, answers[0].content)
    changed = apis[0].once("k-1", "packs", **body | {"serial": "P-8"})
    assert (changed.status_code, codes(changed)) == (422, ["key_used"])


@pytest.mark.django_db(transaction=True)
def test_a_pack_that_the_gate_refused_is_judged_anew_under_its_key() -> None:
    cast = the_cast()
    bank = balanced(cast)
    body = {"design": make_design().name, "cells": [c.serial for c in bank.cells], "serial": "P-7"}
    bayo = Api(logged_in(cast.bayo))

    first = bayo.once("k-1", "packs", **body)
    sade = Api(logged_in(cast.sade))
    seen = [
        {"serial": cell["serial"], "evidence_sha256": cell["evidence_sha256"]}
        for cell in sade.get("approvals").json()["cells"]
    ]
    sade.post("approvals", cells=seen)

    assert (first.status_code, set(codes(first))) == (409, {"G1"})
    assert bayo.once("k-1", "packs", **body).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_a_link_is_told_again_under_its_key_and_its_secret_is_stored_nowhere() -> None:
    """T2: the same request gets the same secret, yet the database holds only hashes."""
    cast = the_cast()
    pack = assembled(cast)
    bayo = Api(logged_in(cast.bayo))
    path = f"packs/{pack.serial}/links"

    first, again = (bayo.once("k-1", path) for _ in range(2))

    secret = first.json()["secret"]
    assert (first.status_code, first.content) == (201, again.content)
    assert TraceLink.objects.get().pk == first.json()["id"]
    assert Api().get(f"trace/{secret}").status_code == 200
    assert DoneRequest.objects.get().answer == ""
    assert bayo.once("k-2", path).json()["secret"] != secret
    assert bayo.post(path).json()["secret"] != secret
