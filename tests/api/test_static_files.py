"""What the browser loads: small on the wire, kept for good, never half of a file."""

from __future__ import annotations

import gzip
import re
from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.test import Client

from api.pages.static_files import FOR_GOOD
from shop.trace.services import share
from tests.api.made import assembled
from tests.cast import Cast

CSS = "pages/cellshop.css"
WIRE_MAX = 100_000  # what a customer's phone has to fetch, compressed


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """The cast, committed: assembling needs a transaction of its own."""
    from tests.cast import the_cast

    return the_cast()


def fetched(path: str, **headers: str) -> Any:
    return Client(headers={"accept-encoding": "gzip", **headers}).get(path)


def test_a_file_of_the_current_version_is_compressed_and_kept_for_good() -> None:
    answer = fetched(staticfiles_storage.url(CSS))

    assert answer["Content-Encoding"] == "gzip"
    assert answer["Cache-Control"] == FOR_GOOD
    assert not answer.streaming
    assert b"--page" in gzip.decompress(answer.content)


def test_another_version_and_none_are_not_kept_for_good() -> None:
    for path in (f"/static/{CSS}", f"/static/{CSS}?v=0123456789ab"):
        assert fetched(path)["Cache-Control"] != FOR_GOOD


def test_a_part_of_a_file_is_answered_with_the_whole() -> None:
    answer = fetched(f"/static/{CSS}", range="bytes=0-9")

    assert answer.status_code == HTTPStatus.OK
    assert len(gzip.decompress(answer.content)) > 1000


def test_what_is_not_there_is_404_and_has_no_version() -> None:
    assert fetched("/static/pages/nothing.css").status_code == HTTPStatus.NOT_FOUND
    assert staticfiles_storage.url("pages/nothing.css") == "/static/pages/nothing.css"


def test_a_customers_page_with_all_its_files_is_below_100_kb(cast: Cast) -> None:
    """T2: it opens on a phone in the field."""
    pack = assembled(cast)
    page = fetched(f"/t/{share(pack=pack, by=cast.bayo, now=pack.assembled_at)}")
    html = gzip.decompress(page.content).decode()
    found = re.findall(r'(?:href|src|data-curve)="(/[^"#]+)"', html)
    files = {path for path in found if "/static/" in path or "/curve" in path}

    answers = [fetched(path.replace("&amp;", "&")) for path in files]

    assert {answer.status_code for answer in answers} == {HTTPStatus.OK}
    assert any("curve?" in path for path in files)
    assert len(page.content) + sum(len(answer.content) for answer in answers) < WIRE_MAX
