"""The Celery application: a wake-up service, never the truth.

The settings follow from measurements on Celery 5.7 with Redis: a message acknowledged late is
delivered twice once the visibility timeout passes, a restarted broker may lose messages, and a
half-open connection is noticed only with socket time-outs.  So hardware work is acknowledged
early and never retried, and PostgreSQL says what is queued: beat sends it again until leased.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")

from django.conf import settings  # needs the line above
from django.db import close_old_connections

from deploy import broker, embedded

broker.use()
app = Celery("cellshop")
app.set_default()  # for every thread: a request is served in another one than this
app.conf.update(
    broker_url=settings.REDIS_URL,
    broker_transport_options={
        "visibility_timeout": 30 * 24 * 3600,  # every consumer sweeps by its own value
        "socket_timeout": 5,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "health_check_interval": 5,
    },
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # for ever
    task_acks_late=False,  # the broker must never start hardware work again
    task_reject_on_worker_lost=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_prefetch_multiplier=1,
    worker_soft_shutdown_timeout=20,
    worker_max_tasks_per_child=None,
    worker_redirect_stdouts=False,
    task_ignore_result=True,
    task_time_limit=None,
    task_soft_time_limit=None,
    task_serializer="json",
    accept_content=["json"],
    task_default_queue="office",
    task_always_eager=False,
    CELERY_DB_REUSE_MAX=1000,  # else the connection is closed around every task, kept or not
    enable_utc=True,
    timezone="UTC",
    beat_scheduler="celery.beat:Scheduler",  # the schedule is static: nothing to persist
    beat_max_loop_interval=5,
    beat_schedule={
        "send queued runs again": {
            "task": "shop.resend_queued",
            "schedule": settings.RESEND_S,
            "options": {"expires": 4 * settings.RESEND_S},
        },
        "end runs whose lease lapsed": {
            "task": "shop.reap",
            "schedule": settings.RESEND_S,
            "options": {"expires": 4 * settings.RESEND_S},
        },
        "remind of banks that wait for a pack": {
            "task": "shop.remind",
            "schedule": settings.REMIND_S,
            "options": {"expires": 4 * settings.REMIND_S},
        },
    },
)
app.autodiscover_tasks(["shop"])


@signals.task_prerun.connect
def let_go_of_old_connections(**_: Any) -> None:
    """As Django does before a request: a kept connection is tried before it is used again."""
    close_old_connections()


@signals.setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Celery leaves logging alone where somebody listens to this: the settings set it up."""


@signals.celeryd_init.connect
@signals.beat_init.connect
def join_embedded_services(**_: Any) -> None:
    """Start the embedded Redis, where it is used, before a worker or beat connects to it."""
    if embedded.Server.REDIS in settings.EMBEDDED:
        services = embedded.join(
            settings.CELLSHOP_DATA, needs=settings.EMBEDDED, durable=settings.CELLSHOP_DURABLE
        )
        app.conf.update(broker_url=services.redis_url())
