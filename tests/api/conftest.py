"""The cast, logged in to pages and API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

# Models can be imported once Django is set up, which is after this file when it is loaded first.
if TYPE_CHECKING:
    from django.test import Client

    from tests.api.clients import Api
    from tests.cast import Cast


@pytest.fixture
def cast(db: None) -> Cast:
    from tests.cast import the_cast

    return the_cast()


@pytest.fixture
def technician(cast: Cast) -> Client:
    from tests.api.clients import logged_in

    return logged_in(cast.tola)


@pytest.fixture
def supervisor(cast: Cast) -> Client:
    from tests.api.clients import logged_in

    return logged_in(cast.sade)


@pytest.fixture
def tola(technician: Client) -> Api:
    from tests.api.clients import Api

    return Api(technician)


@pytest.fixture
def sade(supervisor: Client) -> Api:
    from tests.api.clients import Api

    return Api(supervisor)
