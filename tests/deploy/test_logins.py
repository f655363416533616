"""T4: a login for each role, named by the environment, and who may grant."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.management import CommandError, call_command

from deploy.roles import Login, Role


def read_settings(
    tmp_path: Path, show: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"import deploy.settings as s; print({show})"],
        env={"PATH": os.environ["PATH"], "CELLSHOP_DATA": str(tmp_path)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("role", "user"),
    [("", "cellshop_app"), ("bench", "cellshop_bench"), ("owner", "cellshop")],
)
def test_the_embedded_database_has_a_login_for_each_role(
    tmp_path: Path, role: str, user: str
) -> None:
    environment = {"DATABASE_ROLE": role} if role else {}
    read = read_settings(tmp_path, "s.DATABASES['default']['USER']", **environment)

    assert read.stdout.strip() == user


def test_each_role_has_its_own_address_where_one_is_given(tmp_path: Path) -> None:
    read = read_settings(
        tmp_path,
        "s.DATABASES['default']['USER'], [s.DATABASE_LOGINS[r].user for r in s.Role]",
        DATABASE_URL="postgres://app:a@db.example/shop",
        DATABASE_OWNER_URL="postgres://boss:b@db.example/shop",
        DATABASE_ROLE="bench",
    )

    assert read.stdout.strip() == "app ['boss', 'app', 'app']"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"DATABASE_ROLE": "root"}, "DATABASE_ROLE"),
        ({"DATABASE_OWNER_URL": "postgres://boss:b@db.example/shop"}, "without DATABASE_URL"),
    ],
)
def test_a_wrong_role_or_a_lonely_address_is_named(
    tmp_path: Path, environment: dict[str, str], words: str
) -> None:
    read = read_settings(tmp_path, "1", **environment)

    assert read.returncode != 0
    assert words in read.stderr


@pytest.mark.parametrize(
    ("users", "ids"),
    [
        (("boss", "boss", "boss"), ["deploy.W001"]),
        (("boss", "app", "app"), ["deploy.W002"]),
        (("boss", "app", "bench"), []),
    ],
)
def test_check_warns_where_logins_are_shared(
    users: tuple[str, ...], ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logins = {role: Login(user, "") for role, user in zip(Role, users, strict=True)}
    monkeypatch.setattr(settings, "DATABASE_LOGINS", logins)

    found = [message.id for message in run_checks() if str(message.id).startswith("deploy.")]

    assert found == ids


def test_only_the_owner_grants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DATABASE_ROLE", "app")

    with pytest.raises(CommandError, match="DATABASE_ROLE=owner"):
        call_command("grant_roles")
