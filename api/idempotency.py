"""`Idempotency-Key`, and the hidden key of a page's form: a repeated request is one act.

Honoured when given.  The key is claimed in the transaction of the effect, so that twins that
come at once take turns, the second gets the first one's answer, and a crash leaves both or
neither.  The same key with another request is refused (422).  What was refused wrote nothing
and is not remembered.  A stop needs no key: it is never refused, and twice is once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from shop import clock
from shop.people.models import User
from shop.requests import services
from shop.requests.models import DoneRequest
from shop.requests.services import sha256

HEADER = "Idempotency-Key"
FIELD = "once"  # of a page's form
KEY = re.compile(r"[\x21-\x7e]{1,255}")
REFUSED, SEE_OTHER = 400, 303


class AlreadyDone(Exception):
    """The request was done before; `row` holds its answer."""

    def __init__(self, row: DoneRequest) -> None:
        super().__init__(str(row))
        self.row = row


@dataclass(slots=True)
class Asked:
    """Who asked for what under which key."""

    by: User
    key: str
    request_sha256: str
    row: DoneRequest = field(init=False)

    def begin(self) -> None:
        """First thing in the effect's transaction; raises AlreadyDone or KeyUsed."""
        self.row = services.begin(
            by=self.by, key=self.key, request_sha256=self.request_sha256, now=clock.now()
        )
        if self.row.status:
            raise AlreadyDone(self.row)

    def begin_again(self) -> str:
        """Likewise for an act that is the same whenever it is done: the key, to do it by."""
        row = services.begin(
            by=self.by, key=self.key, request_sha256=self.request_sha256, now=clock.now()
        )
        services.finish(row, status=201, answer="")
        return self.key

    def finish(self, status: int, answer: str) -> None:
        services.finish(self.row, status=status, answer=answer)

    @contextmanager
    def around(self, answer: Callable[[], tuple[int, str]]) -> Iterator[None]:
        """Inside an effect's own transaction, around it; `answer` is status and text to keep."""
        self.begin()
        yield
        self.finish(*answer())


def around(
    asked: Asked | None, answer: Callable[[], tuple[int, str]]
) -> AbstractContextManager[None]:
    """`Asked.around`, or nothing where there is no key."""
    return nullcontext() if asked is None else asked.around(answer)


# for programs


def idempotent(method: Callable[..., Response]) -> Callable[..., Response]:
    """A view's method whose effect and memory of it are one transaction."""

    @wraps(method)
    def once(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        asked = asked_of(request)
        if asked is None:
            return method(view, request, *args, **kwargs)
        try:
            with transaction.atomic():
                asked.begin()
                answer = method(view, request, *args, **kwargs)
                asked.finish(*kept(answer))
        except AlreadyDone as done:
            return replayed(done.row)
        return answer

    return once


def asked_of(request: Request) -> Asked | None:
    """None without the header; raises ValidationError for a key that is none."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not KEY.fullmatch(key):
        raise ValidationError({HEADER: "1 to 255 visible ASCII characters, such as a UUID"})
    services.forget_expired(now=clock.now())
    said = request.data
    plain = _fields(said.lists()) if hasattr(said, "lists") else said
    return Asked(_person(request.user), key, _digest(request.method, request.path, plain))


def kept(answer: Response) -> tuple[int, str]:
    text = "" if answer.data is None else JSONRenderer().render(answer.data).decode()
    return answer.status_code, text


def replayed(row: DoneRequest) -> Response:
    return Response(json.loads(row.answer) if row.answer else None, status=row.status)


# for people


def one_act(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page's form: sent twice unchanged, the second tap goes where the first one went.

    A form that was changed is another act, also after a step back in the browser.
    """

    @wraps(view)
    def once(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        asked = asked_by_form(request)
        if asked is None:
            return view(request, *args, **kwargs)
        try:
            with transaction.atomic():
                asked.begin()
                answer = view(request, *args, **kwargs)
                if answer.status_code == SEE_OTHER:
                    asked.finish(SEE_OTHER, answer["Location"])
                else:  # refused in words: nothing was written, nothing is remembered
                    transaction.set_rollback(True)
        except AlreadyDone as done:
            return redone(done.row)
        return answer

    return once


def redone(row: DoneRequest) -> HttpResponse:
    """On to where the first tap went."""
    return HttpResponseRedirect(row.answer, status=row.status)


def key_of_form(request: HttpRequest) -> str:
    key = request.POST.get(FIELD, "") if request.method == "POST" else ""
    return key if KEY.fullmatch(key) else ""


def asked_by_form(request: HttpRequest) -> Asked | None:
    key = key_of_form(request)
    if not key:
        return None
    services.forget_expired(now=clock.now())
    skipped = {FIELD, "csrfmiddlewaretoken"}
    said = [(name, values) for name, values in request.POST.lists() if name not in skipped]
    digest = _digest(request.method, request.path, _fields([*said, *request.FILES.lists()]))
    return Asked(_person(request.user), f"{key} {digest}", digest)


def _fields(lists: Iterable[tuple[str, list[Any]]]) -> Mapping[str, Any]:
    return {
        name: [_content(v) if isinstance(v, UploadedFile) else v for v in values]
        for name, values in lists
    }


def _content(upload: UploadedFile[Any]) -> list[str]:
    """A file by its name and content; read by chunks, and left at its beginning."""
    parts = [sha256(chunk) for chunk in upload.chunks()]
    upload.seek(0)
    return [upload.name or "", sha256("".join(parts).encode())]


def _digest(method: str | None, path: str, said: object) -> str:
    return sha256(json.dumps([method, path, said], sort_keys=True).encode())


def _person(user: object) -> User:
    if not isinstance(user, User):
        raise TypeError("a key came from nobody")
    return user
