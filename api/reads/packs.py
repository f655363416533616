"""A pack with its cells in position and the links by which its customer sees it."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

from shop.care.queries import Care, care_of
from shop.packs.models import Pack, Placement
from shop.trace.models import TraceLink
from shop.trace.recall import Reason, reasons_of


@dataclass(frozen=True, slots=True)
class PackShown:
    pack: Pack
    placements: list[Placement]
    links: list[TraceLink]
    recalls: tuple[Reason, ...]
    care: Care


def pack_shown(serial: str) -> PackShown | None:
    """None for an unknown serial."""
    pack = (
        Pack.objects.filter(serial=serial)
        .select_related("design", "customer", "assembled_by", "gate_decision")
        .first()
    )
    if pack is None:
        return None
    placements = pack.placements.select_related("cell__batch")
    return PackShown(
        pack=pack,
        placements=list(placements.order_by("position")),
        links=list(pack.trace_links.select_related("created_by").order_by("-id")),
        recalls=reasons_of(pack),
        care=care_of(pack),
    )


def public_url(request: HttpRequest, secret: str) -> str:
    """Where a customer finds the pack; by the shop's public name where it has one."""
    path = f"/t/{secret}"
    base: str = settings.PUBLIC_URL
    return f"{base.rstrip('/')}{path}" if base else request.build_absolute_uri(path)
