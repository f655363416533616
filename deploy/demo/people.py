"""The demo's people, with passwords that are generated once and printed at each start."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from shop.people.models import Customer, User
from shop.people.roles import Role
from shop.people.services import add_customer, add_person

PEOPLE: Mapping[str, tuple[Role, str]] = {
    "technician": (Role.TECHNICIAN, "First technician"),
    "technician2": (Role.TECHNICIAN, "Second technician"),
    "supervisor": (Role.SUPERVISOR, "Supervisor"),
}
CUSTOMER = "Sample customer"


def ensure_people(data: Path) -> dict[str, str]:
    """Make the people who are missing; username to password, as they can log in now."""
    passwords = _passwords(data / "demo-people.json")
    for username, (role, name) in PEOPLE.items():
        known = User.objects.filter(username=username).first()
        if known is None:
            add_person(username=username, password=passwords[username], role=role, name=name)
        elif not known.check_password(passwords[username]):
            known.set_password(passwords[username])
            known.save(update_fields=["password"])
    return passwords


def ensure_customer() -> Customer:
    known = Customer.objects.filter(name=CUSTOMER).first()
    return known or add_customer(name=CUSTOMER, contact="customer@example.com")


def _passwords(path: Path) -> dict[str, str]:
    """From a file of mode 0600, completed where somebody is missing."""
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = {name: secrets.token_urlsafe(9) for name in PEOPLE if name not in known}
    if missing:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(known | missing, file)
    return known | missing
