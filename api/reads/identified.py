"""What `python -m stations identify --json` prints, as REST and a page take it in (F1)."""

from __future__ import annotations

import json
from typing import Any

from rest_framework import serializers

from api.refused import one_problem, wrong_fields
from shop.equipment.rules.registering import Named
from shop.refusals import Refusal

BYTES_MAX = 20_000
AT_ONCE = 16  # there are not so many roles
IDENTIFY = "python -m stations identify bench.toml"


class One(serializers.Serializer[Any]):
    role = serializers.CharField(max_length=40)
    driver = serializers.CharField(max_length=60, allow_blank=True, default="")
    serial_number = serializers.CharField(max_length=200)
    model = serializers.CharField(max_length=200, allow_blank=True, default="")


class Several(serializers.Serializer[Any]):
    instruments = serializers.ListField(child=One(), min_length=1, max_length=AT_ONCE)


def named(document: Any) -> list[Named]:
    """The instruments of one document; raises ValidationError naming each field that is wrong."""
    read = Several(data=document)
    read.is_valid(raise_exception=True)
    return [Named(**one) for one in read.validated_data["instruments"]]


def named_in_file(file: bytes) -> list[Named]:
    """The instruments of a file; raises Refusal that says what to do.  Read one byte too many."""
    if not file:
        raise _refused("No file was sent, or an empty one.")
    if len(file) > BYTES_MAX:
        raise _refused(f"The file has more than {BYTES_MAX} bytes: it is another one.")
    try:
        document = json.loads(file)
    except (ValueError, RecursionError) as error:
        raise _refused("The file is not the JSON that identify prints.") from error
    if not isinstance(document, dict) or "instruments" not in document:
        raise _refused("The file is not what identify prints: it lists no instruments.")
    if document["instruments"] == []:
        words = "The file names no instrument: nobody at the bench answered as bench.toml says."
        fix = f"`{IDENTIFY}` says at the bench what is wrong with each."
        raise one_problem("malformed", words, fix)
    try:
        return named(document)
    except serializers.ValidationError as error:
        wrong = "; ".join(wrong_fields(error.detail))
        raise _refused(f"The file is not what identify prints: {wrong}") from error


def _refused(words: str) -> Refusal:
    fix = f"Run `{IDENTIFY} --json > instruments.json` at the bench and send that file unchanged."
    return one_problem("malformed", words, fix)
