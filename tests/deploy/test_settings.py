"""The environment is checked as a whole; every wrong variable is named."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model

from deploy.database import options
from deploy.roles import Role
from deploy.timers import Timers

DEFAULTS = Timers(
    lease_ttl_s=60,
    lease_renew_s=10,
    lease_grace_s=30,
    self_fence_s=45,
    autonomy_s=3600,
    takeover_s=10,
    uplink_period_s=0.5,
    chunk_max_s=5,
    resend_s=5,
    deaf_after_s=30,
)


def read_settings(
    tmp_path: Path, *, show: str = "s.DATABASES, s.REDIS_URL", **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"import deploy.settings as s; print({show})"],
        env={"PATH": os.environ["PATH"], "CELLSHOP_DATA": str(tmp_path)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_default_timers_hold_their_ratios() -> None:
    assert DEFAULTS.problems() == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"self_fence_s": 59.0}, "SELF_FENCE_S <= 3/4 LEASE_TTL_S"),
        ({"lease_renew_s": 20.0}, "3 x LEASE_RENEW_S <= SELF_FENCE_S"),
        ({"lease_grace_s": 5.0}, "LEASE_GRACE_S >= 1/4 LEASE_TTL_S"),
        ({"autonomy_s": 30.0}, "SELF_FENCE_S <= AUTONOMY_S <= 86400"),
        ({"takeover_s": 1.0}, "4 x UPLINK_PERIOD_S <= TAKEOVER_S"),
        ({"uplink_period_s": 0.0}, "UPLINK_PERIOD_S above 0 and finite"),
        ({"lease_ttl_s": float("inf")}, "LEASE_TTL_S above 0 and finite"),
        ({"deaf_after_s": 14.0}, "3 x RESEND_S <= DEAF_AFTER_S"),
        ({"lease_ttl_s": float("nan")}, "SELF_FENCE_S <= 3/4 LEASE_TTL_S"),
    ],
)
def test_timers_out_of_ratio_are_named(change: dict[str, float], named: str) -> None:
    assert named in replace(DEFAULTS, **change).problems()


def test_every_malformed_variable_is_named_at_once(tmp_path: Path) -> None:
    result = read_settings(tmp_path, LEASE_TTL_S="soon", DB_POOL_MAX="-1", DEBUG="perhaps")

    assert result.returncode != 0
    for name in ("LEASE_TTL_S", "DB_POOL_MAX", "DEBUG"):
        assert name in result.stderr


def test_wrong_ratio_stops_the_start(tmp_path: Path) -> None:
    result = read_settings(tmp_path, SELF_FENCE_S="70")

    assert "SELF_FENCE_S <= 3/4 LEASE_TTL_S" in result.stderr


def test_given_urls_are_used_and_nothing_is_embedded(tmp_path: Path) -> None:
    result = read_settings(
        tmp_path,
        DATABASE_URL="postgres://me:word@db.example:5433/shop?sslmode=require",
        REDIS_URL="redis://cache.example/3",
    )

    assert result.returncode == 0, result.stderr
    assert "db.example" in result.stdout
    assert "'sslmode': 'require'" in result.stdout
    assert "redis://cache.example/3" in result.stdout
    assert not (tmp_path / "services.json").exists()


def test_what_a_url_asks_of_the_connection_is_kept(tmp_path: Path) -> None:
    result = read_settings(
        tmp_path,
        show="s.DATABASES['default']['OPTIONS']",
        DATABASE_URL="postgres://me:word@db.example/shop?sslmode=verify-full&connect_timeout=7",
    )

    options = ast.literal_eval(result.stdout)
    assert (options["sslmode"], options["connect_timeout"]) == ("verify-full", 7)
    assert options["tcp_user_timeout"] == 11250


@pytest.mark.parametrize(
    ("role", "asked"),
    [
        (Role.OWNER, ""),
        (Role.APP, "-c idle_in_transaction_session_timeout=60s"),
        (Role.BENCH, "-c idle_in_transaction_session_timeout=60s -c lock_timeout=5000ms"),
    ],
)
def test_a_bench_waits_for_no_lock_longer_than_its_lease_bears(role: Role, asked: str) -> None:
    assert options(role, DEFAULTS)["options"] == asked


@pytest.mark.parametrize(
    ("given", "embedded"),
    [
        ({"DATABASE_URL": "postgres://me:word@db.example/shop"}, ["redis"]),
        ({"REDIS_URL": "redis://cache.example/3"}, ["postgres"]),
        ({}, ["postgres", "redis"]),
    ],
    ids=["database", "redis", "none"],
)
def test_only_the_server_without_a_url_is_embedded(
    tmp_path: Path, given: dict[str, str], embedded: list[str]
) -> None:
    result = read_settings(tmp_path, show="*sorted(s.EMBEDDED)", **given)

    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == embedded


def test_reading_the_settings_starts_no_server(tmp_path: Path) -> None:
    result = read_settings(tmp_path)

    assert result.returncode == 0, result.stderr
    assert (tmp_path / "services.json").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "holder.lock").exists()


@pytest.mark.django_db
def test_the_default_database_is_a_real_postgresql() -> None:
    assert get_user_model().objects.count() == 0


@pytest.mark.parametrize(("role", "age"), [("bench", "None"), ("app", "0"), ("owner", "0")])
def test_only_a_bench_keeps_its_connection(tmp_path: Path, role: str, age: str) -> None:
    show = "s.DATABASES['default']['CONN_MAX_AGE']"

    result = read_settings(tmp_path, show=show, DATABASE_ROLE=role, DB_POOL_MAX="0")

    assert result.stdout == f"{age}\n"


def test_what_an_address_asks_for_is_kept(tmp_path: Path) -> None:
    show = "s.DATABASES['default']['OPTIONS']['sslmode']"
    url = "postgres://a:b@db.example/shop?sslmode=require"

    result = read_settings(tmp_path, show=show, DATABASE_URL=url)

    assert result.stdout == "require\n"
