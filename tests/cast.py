"""The fixed cast of every test that needs people: the same few, known by name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.contrib.auth.hashers import make_password

from shop.people.models import Customer, User
from shop.people.roles import Role

PASSWORD = "torque-4-newton-metres"


@dataclass(frozen=True)
class Cast:
    """Tola runs jobs, Sade approves, Bayo is another technician, Ife owns packs.

    The stranger has an account but no role that the shop knows.
    """

    tola: User  # technician
    bayo: User  # technician
    sade: User  # supervisor
    kemi: User  # supervisor
    ife: Customer
    stranger: User


def the_cast() -> Cast:
    """Create the cast; call once per test."""
    return Cast(
        tola=person("tola", Role.TECHNICIAN),
        bayo=person("bayo", Role.TECHNICIAN),
        sade=person("sade", Role.SUPERVISOR),
        kemi=person("kemi", Role.SUPERVISOR),
        ife=Customer.objects.create(name="Ife Solar", contact="ife@example.org"),
        stranger=User(username="stranger", role="STRANGER"),
    )


def person(username: str, role: Role) -> User:
    """Someone who logs in with PASSWORD; hashed once, for hashing is slow on purpose."""
    return User.objects.create(
        username=username, first_name=username.title(), role=role, password=_hashed()
    )


@cache
def _hashed() -> str:
    return make_password(PASSWORD)
