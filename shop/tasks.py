"""Celery's tasks, one line each: a task is the shop using a bench, or the office's clockwork."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from shop import clock, pulse
from shop.alerts import services as alerts
from shop.jobs import execution, messages, reaper, shutdown
from shop.shelf import services as shelf

__all__ = ["execute_run", "reap", "remind", "resend_queued", "shutdown"]


@shared_task(name="shop.execute_run", bind=True, acks_late=False, max_retries=0)
def execute_run(self: Any, run_id: int) -> None:
    if messages.is_for_us(run_id):
        execution.execute(run_id, redelivered=bool(self.request.delivery_info.get("redelivered")))


@shared_task(name="shop.resend_queued")
def resend_queued() -> None:
    pulse.beat()
    reaper.resend_queued(now=clock.now())


@shared_task(name="shop.reap")
def reap() -> None:
    try:
        reaper.reap(now=clock.now())
    finally:
        alerts.tell_runs(now=clock.now())


@shared_task(name="shop.remind")
def remind() -> None:
    shelf.remind(now=clock.now())
