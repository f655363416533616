"""Who may do what, as one table (B: three kinds of people)."""

from __future__ import annotations

import pytest

from shop.people.roles import Act, Role, may, require
from shop.people.services import add_customer, add_person
from shop.refusals import Refusal, RoleRefusal


@pytest.mark.parametrize("act", [Act.APPROVE, Act.DISPOSE, Act.DEFINE, Act.REVOKE_TRACE])
def test_only_a_supervisor(act: Act) -> None:
    assert may(Role.SUPERVISOR, act)
    assert not may(Role.TECHNICIAN, act)
    with pytest.raises(RoleRefusal, match="Ask a supervisor"):
        require(Role.TECHNICIAN, act)


@pytest.mark.parametrize("act", [Act.CLAIM, Act.START, Act.CONFIRM, Act.STOP, Act.ASSEMBLE])
def test_bench_work_is_for_both(act: Act) -> None:
    assert may(Role.TECHNICIAN, act)
    assert may(Role.SUPERVISOR, act)


@pytest.mark.parametrize("role", ["", "CUSTOMER", "technician"])
def test_an_unknown_role_may_do_nothing(role: str) -> None:
    assert not any(may(role, act) for act in Act)


def test_an_act_that_does_not_exist_is_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="juggle"):
        may(Role.SUPERVISOR, "juggle")


def test_a_person_is_added_once_with_a_known_role(db: None) -> None:
    tola = add_person(username="tola", password="long-enough-9", role="TECHNICIAN", name="Tola Ade")

    assert (tola.words, tola.check_password("long-enough-9")) == ("Tola Ade", True)
    with pytest.raises(Refusal, match="already"):
        add_person(username="tola", password="x", role="TECHNICIAN")
    with pytest.raises(Refusal, match="No role 'BOSS'"):
        add_person(username="b", password="x", role="BOSS")


def test_a_customer_has_a_name(db: None) -> None:
    assert str(add_customer(name="Ife Solar")) == "Ife Solar"
