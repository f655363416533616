"""Bad input over HTTP: a clear error, never a traceback, and nothing written."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from shop.requests.models import DoneRequest
from tests import factories
from tests.api.clients import Api, codes, text
from tests.cast import Cast
from tests.shop.packs.factories import make_design

SIGNS = ["%00", "%ff", "%F0%9F%94%8B", "x" * 5000, "..%2F..%2Fetc", "%0d%0aX: y", "' OR 1=1 --"]
PATHS = ["cells/{}", "packs/{}", "batches/{}", "t/{}", "jobs/{}", "runs/{}", "stations/{}"]
HUGE = 10**30


def rows() -> dict[str, int]:
    models = apps.get_app_config("shop").get_models()
    return {model.__name__: model._default_manager.count() for model in models}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("sign", [*SIGNS, str(HUGE)])
def test_an_address_that_names_nothing_is_404(cast: Cast, path: str, sign: str) -> None:
    page, program = Client(), Client()
    page.force_login(cast.tola)
    program.force_login(cast.tola)
    api_path = path.format(sign).replace("t/", "trace/", 1) if path == "t/{}" else path.format(sign)

    assert page.get(f"/{path.format(sign)}").status_code == 404
    assert program.get(f"/api/v1/{api_path}").status_code == 404


def job(cast: Cast, **changes: Any) -> dict[str, Any]:
    recipe = factories.make_recipe_version(by=cast.sade)
    serials = [cell.serial for cell in factories.make_cells(4)]
    return {"recipe_version": recipe.pk, "cells": serials} | changes


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"cells": ["NO-SUCH", "NOR-THIS"]}, 404, "unknown_serial"),
        ({"cells": ["a\x00b"]}, 400, "malformed"),
        ({"cells": ["\ud800"]}, 400, "malformed"),
        ({"cells": ["x" * 61]}, 400, "malformed"),
        ({"cells": [["C1"]]}, 400, "malformed"),
        ({"cells": "C1"}, 400, "malformed"),
        ({"cells": []}, 400, "malformed"),
        ({"cells": ["C1"] * 1025}, 400, "malformed"),
        ({"recipe_version": HUGE}, 404, "unknown"),
        ({"recipe_version": "one"}, 400, "malformed"),
        ({"recipe_version": None}, 400, "malformed"),
    ],
)
def test_a_job_of_nonsense_is_refused(
    cast: Cast, tola: Api, changes: dict[str, Any], status: int, code: str
) -> None:
    body = job(cast, **changes)
    before = rows()

    answer = tola.post("jobs", **body)

    assert (answer.status_code, set(codes(answer))) == (status, {code})
    assert rows() == before


def test_one_cell_scanned_twice_is_refused(cast: Cast, tola: Api) -> None:
    body = job(cast)
    body["cells"].append(body["cells"][0])
    before = rows()

    answer = tola.post("jobs", **body)

    assert (answer.status_code, codes(answer)) == (409, ["cell_twice"])
    assert body["cells"][0] in answer.json()["problems"][0]["words"]
    assert rows() == before


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '"x"', '{"cells": NaN}', "\x00", "[" * 9000]
)
def test_json_that_is_none_is_malformed(cast: Cast, tola: Api, body: str) -> None:
    answer = tola.client.post("/api/v1/jobs", body, content_type="application/json")

    assert answer.status_code == 400
    assert codes(answer)


def test_another_media_type_is_refused_in_words(cast: Cast, tola: Api) -> None:
    answer = tola.client.post("/api/v1/jobs", "<x/>", content_type="application/xml")

    assert (answer.status_code, codes(answer)) == (415, ["media_type"])


@pytest.mark.parametrize(
    ("act", "state"), [("claim", "CLAIMED"), ("start", "OPEN"), ("release", "OPEN")]
)
def test_an_act_in_the_wrong_state_is_refused(cast: Cast, tola: Api, act: str, state: str) -> None:
    station = factories.make_station()
    at = station if state == "CLAIMED" else None
    claimed = factories.make_job(by=cast.tola, claimed_at=at)
    before = rows()

    answer = tola.post(f"jobs/{claimed.pk}/{act}", station=station.slug, confirmed=True)

    assert answer.status_code == 409
    said = answer.json()["problems"][0]["words"]
    assert said.startswith(f"The job is {state.lower()}, not ")
    assert rows() == before


def test_an_impossible_capacity_is_refused_by_line(cast: Cast, tola: Api) -> None:
    factories.make_policy(by=cast.sade)
    cell = factories.make_cells(1)[0]
    file = SimpleUploadedFile(
        "c.csv", f"serial,capacity_ah,tested_at\n{cell.serial},2000,2026-01-10\n".encode()
    )
    before = rows()

    answer = tola.client.post("/api/v1/capacity-tests/import", {"file": file})

    assert (answer.status_code, codes(answer)) == (409, ["impossible_capacity"])
    assert "Line 2" in answer.json()["problems"][0]["words"]
    assert rows() == before


@pytest.mark.parametrize("field", ["cells", "serial", "station", "step", "recipe", "design"])
@pytest.mark.parametrize("sign", ["\x00", "\ud83d", str(HUGE), "<script>alert(1)</script>"])
def test_a_form_of_nonsense_is_refused_on_its_page(
    cast: Cast, technician: Client, field: str, sign: str
) -> None:
    open_job, run = factories.make_job(by=cast.sade), factories.make_run(by=cast.tola)
    paths = ["/jobs/new", "/packs/new", f"/jobs/{open_job.pk}/claim", f"/runs/{run.pk}/confirm"]
    filled = {"design": make_design().pk, "cells": "NO-SUCH", "serial": "P-1", "act": "assemble"}
    before = rows()

    for path in paths:
        answer = technician.post(path, filled | {field: sign.encode("utf-8", "replace").decode()})

        assert 400 <= answer.status_code < 500, path
        assert "<script>alert" not in answer.content.decode()
        assert text(answer)
    assert rows() == before
    assert not DoneRequest.objects.exists()
