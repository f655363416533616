"""The browser's few small files: versioned by their content, cached for good, sent whole.

No collectstatic step: WhiteNoise finds them in the source tree.  It would hand each one to
Django as an iterator over an open file, which an ASGI server can only read in one go (and warns
of); the whole is below 300 kB, so it is read here.  `GZipMiddleware` compresses what we answer.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware

VERSION = "v"  # the query of a versioned address
FOR_GOOD = "max-age=31536000, public, immutable"


def version(name: str) -> str:
    """A few letters that change with the file's content; "" where there is no such file."""
    found = finders.find(name)
    return _version(found) if isinstance(found, str) else ""


@cache
def _version(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]


class VersionedStorage(StaticFilesStorage):
    """`{% static %}` gives an address that changes with the file."""

    def url(self, name: str | None) -> str:
        address = super().url(name)
        stamp = version(name) if name else ""
        return f"{address}?{VERSION}={stamp}" if stamp else address


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # whitenoise has no types
    """WhiteNoise, answering with the whole file."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        # Never a part of a file: it is compressed on the way out, where a range means nothing.
        asked = {name: value for name, value in request.META.items() if name != "HTTP_RANGE"}
        found = static_file.get_response(request.method, asked)
        answer = HttpResponse(_whole(found.file), status=int(found.status))
        del answer["Content-Type"]
        for key, value in found.headers:
            answer[key] = value
        if _is_current(request):
            answer["Cache-Control"] = FOR_GOOD
        return answer


def _whole(file: BinaryIO | None) -> bytes:
    """Nothing for HEAD and for what the browser has already."""
    if file is None:
        return b""
    with file:
        return file.read()


def _is_current(request: HttpRequest) -> bool:
    """An address of another version must not be kept under that version's name."""
    stamp = request.GET.get(VERSION)
    return bool(stamp) and stamp == version(request.path_info.removeprefix(settings.STATIC_URL))
