"""Negative controls: each safeguard is taken away, and the tests that cover it must fail.

    python -m tests.faults.controls [name ...]

The product has no switch for any of them.  A safeguard is taken away by a patch of this package,
in a pytest of its own and, where the guardian holds it, in the guardian's process too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Control:
    """`tests` pass with the safeguard and must fail, every one, without it."""

    words: str
    tests: tuple[str, ...]


CONTROLS: Mapping[str, Control] = {
    "dead-man": Control(
        "the guardian's dead-man",
        (
            "tests/faults/test_runner.py::test_a_stopped_runner_is_switched_off_and_commands_nothing_when_woken",
            "tests/faults/test_runner.py::test_a_runner_that_hangs_in_its_own_code_is_switched_off",
        ),
    ),
    "guardian-token": Control(
        "the guardian's check of the token",
        (
            "tests/faults/test_runner.py::test_a_higher_token_ends_the_older_session_with_the_output_off",
        ),
    ),
    "contactor-seen-open": Control(
        "the look at what the contactor parts",
        (
            "tests/faults/test_contactor_welded.py::test_a_welded_contactor_is_named_before_anything_flows",
            "tests/faults/test_contactor_welded.py::test_a_welded_contactor_refuses_a_night_while_somebody_is_still_there",
        ),
    ),
    "lease-token": Control(
        "the database's check of the token",
        (
            "tests/shop/equipment/test_leases.py::test_a_stale_token_can_neither_renew_nor_release_nor_write",
        ),
    ),
    "row-lock": Control(
        "the lock on the cells' rows",
        (
            "tests/shop/test_turns.py::test_no_pack_is_assembled_on_evidence_that_changed_at_the_same_instant",
            "tests/shop/test_turns.py::test_an_approval_and_what_supersedes_it_are_never_both_valid",
        ),
    ),
    "unique-index": Control(
        "the unique index on placements",
        ("tests/shop/test_negative_controls.py::test_the_index_alone_holds_one_cell_in_one_pack",),
    ),
    "compare-and-set": Control(
        "the compare-and-set of a claim",
        ("tests/shop/jobs/test_claims.py::test_of_two_claims_at_once_one_wins_200_of_200",),
    ),
    "idempotency-key": Control(
        "the memory of an idempotency key",
        (
            "tests/api/rest/test_idempotency.py::test_the_same_request_again_gets_the_same_answer_and_no_second_effect",
        ),
    ),
    "append-only": Control(
        "the triggers on evidence",
        ("tests/shop/test_append_only.py::test_update_delete_and_truncate_are_refused",),
    ),
    "enable-always": Control(
        "ENABLE ALWAYS of the triggers",
        (
            "tests/faults/test_tampering.py::test_the_superuser_cannot_edit_by_switching_replication_on",
        ),
    ),
    "signature": Control(
        "the check of signatures",
        (
            "tests/faults/test_tampering.py::test_a_chain_and_manifest_recomputed_without_the_key_have_no_signature",
            "tests/faults/test_tampered_packs.py::test_an_edited_decision_is_named",
        ),
    ),
}
