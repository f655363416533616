"""T4: without its key nothing is sealed or approved; a key can be retired and followed."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from shop.audit.services import replace_key
from shop.evidence.models import Approval
from shop.jobs.execution import execute
from shop.readings.models import Manifest
from shop.signing.keyring import KeyUnusable
from shop.signing.models import KeyRetirement, SigningKey
from shop.signing.services import ready
from tests import factories
from tests.cast import Cast
from tests.played import play_run
from tests.shop.packs.factories import approve, make_bank, make_capacity

STOPPED = factories.NOON


@pytest.fixture(autouse=True)
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of keys that a test may spoil."""
    monkeypatch.setattr(settings, "CELLSHOP_KEYS", tmp_path)
    return tmp_path


def spoil(keys: Path, purpose: SigningKey.Purpose) -> None:
    ready(purpose)
    (keys / f"{purpose}.pem").unlink()


def played(cast: Cast, ended_at: datetime = STOPPED) -> Manifest:
    station = factories.make_station(now=STOPPED - timedelta(hours=6))
    cells = factories.make_cells(4)
    return play_run(by=cast.tola, cells=cells, station=station, ended_at=ended_at).manifests.get()


def test_a_start_without_the_key_is_refused_in_words(cast: Cast, keys: Path) -> None:
    spoil(keys, SigningKey.Purpose.MANIFESTS)
    run = factories.make_run(by=cast.tola)

    execute(run.pk)

    run.refresh_from_db()
    assert run.state == "REFUSED"
    assert "manifests.pem is missing" in run.cause


def test_a_run_whose_key_went_away_is_not_concluded_without(cast: Cast, keys: Path) -> None:
    spoil(keys, SigningKey.Purpose.MANIFESTS)

    with pytest.raises(KeyUnusable):
        played(cast)

    assert not Manifest.objects.exists()


def test_an_approval_without_the_key_is_refused_whole(cast: Cast, keys: Path) -> None:
    cells = make_bank(by=cast.tola, stopped=STOPPED).cells
    for cell in cells:
        make_capacity(cell)
    spoil(keys, SigningKey.Purpose.APPROVALS)

    with pytest.raises(KeyUnusable, match=r"approvals\.pem is missing"):
        approve(cells, by=cast.sade, now=STOPPED + timedelta(minutes=20))

    assert not Approval.objects.exists()


def test_a_key_is_recorded_once_with_the_day_of_its_first_use(cast: Cast) -> None:
    first, second = played(cast), played(cast)

    assert first.key == second.key == SigningKey.objects.get()
    assert first.key.valid_from == first.recorded_at


@pytest.mark.parametrize("lost", [False, True])
def test_a_retired_key_is_followed_by_another_and_its_seals_stay_good(
    cast: Cast, keys: Path, lost: bool
) -> None:
    before = played(cast)
    assert before.key is not None
    if lost:
        spoil(keys, SigningKey.Purpose.MANIFESTS)

    replace_key(
        SigningKey.Purpose.MANIFESTS,
        retired_key_id=before.key.key_id,
        words="stolen",
        operator="root",
        now=before.recorded_at + timedelta(minutes=1),
    )

    after = played(cast, ended_at=STOPPED + timedelta(days=1))
    assert after.key not in (None, before.key)
    assert KeyRetirement.objects.get().words == "stolen"
    call_command("verify", stdout=StringIO())


def test_the_command_says_which_key_signs_from_now_on(cast: Cast) -> None:
    known, said = played(cast).key, StringIO()
    assert known is not None

    call_command("new_signing_key", "manifests", known.key_id, "a new year", stdout=said)

    key = SigningKey.objects.get(retirement=None, purpose=SigningKey.Purpose.MANIFESTS)
    assert said.getvalue() == f"manifests are signed with key {key.key_id} from now on\n"


def test_only_a_key_that_signs_is_retired(cast: Cast) -> None:
    known = played(cast).key
    assert known is not None

    with pytest.raises(CommandError, match=f"Those that do: {known.key_id}"):
        call_command("new_signing_key", "manifests", "0123456789abcdef", "a slip")
