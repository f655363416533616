"""A changing request under a key is done once: the same again gets the same answer.

A refused request has written nothing and is forgotten with it: it may be sent again.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from shop.jobs.queries import policy_numbers
from shop.people.models import User
from shop.refusals import Problem, Refusal
from shop.requests.models import DoneRequest


class KeyUsed(Refusal):
    """The key came with another request before."""

    def __init__(self) -> None:
        super().__init__(
            [
                Problem(
                    "key_used",
                    "This Idempotency-Key came with another request before.",
                    "Send a new key with a new request; repeat a request unchanged.",
                )
            ]
        )


def begin(*, by: User, key: str, request_sha256: str, now: datetime) -> DoneRequest:
    """Claim the key first thing in the effect's transaction; done already if it has a status.

    A twin that is under way is waited for.  Raises KeyUsed.
    """
    claim = DoneRequest(
        by=by, key_sha256=sha256(key.encode()), request_sha256=request_sha256, at=now
    )
    DoneRequest.objects.bulk_create([claim], ignore_conflicts=True)
    row = DoneRequest.objects.get(by=by, key_sha256=claim.key_sha256)
    if row.request_sha256 != request_sha256:
        raise KeyUsed
    return row


def finish(row: DoneRequest, *, status: int, answer: str) -> None:
    """Keep the answer, in the same transaction."""
    DoneRequest.objects.filter(pk=row.pk).update(status=status, answer=answer)


def forget_expired(*, now: datetime) -> None:
    """Drop the keys that are older than the policy keeps them."""
    limit = timedelta(seconds=policy_numbers().request_keys_s)
    DoneRequest.objects.filter(at__lt=now - limit).delete()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
