"""People who are logged in, and a shop with one of everything."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.cast import Cast, the_cast


@pytest.fixture
def cast(db: None) -> Cast:
    return the_cast()


@pytest.fixture
def technician(cast: Cast) -> Client:
    return logged_in(cast.tola)


@pytest.fixture
def supervisor(cast: Cast) -> Client:
    return logged_in(cast.sade)


def logged_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client
