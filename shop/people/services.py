"""People and customers."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from shop.people.models import Customer, User
from shop.people.roles import Role
from shop.refusals import Problem, Refusal


def add_person(*, username: str, password: str, role: str, name: str = "") -> User:
    """A person who may log in; at set-up, so nobody's role is asked."""
    if role not in list(Role):
        raise Refusal([Problem("unknown_role", f"No role {role!r}.", f"Known: {', '.join(Role)}.")])
    first, _, last = name.partition(" ")
    try:
        with transaction.atomic():
            return User.objects.create_user(
                username=username,
                password=password,
                role=role,
                first_name=first,
                last_name=last,
            )
    except IntegrityError as error:
        raise Refusal(
            [Problem("person_known", f"There is a {username!r} already.", "Choose another name.")]
        ) from error


def add_customer(*, name: str, contact: str = "") -> Customer:
    return Customer.objects.create(name=name, contact=contact)
