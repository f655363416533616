"""The shop for people.  Each page does one act; the same acts are under /api/v1/."""

from __future__ import annotations

from django.urls import path

from api.pages import (
    alerts,
    approvals,
    board,
    care,
    cells,
    jobs,
    leads,
    packs,
    people,
    recalls,
    recipes,
    runs,
    shelf,
    stations,
    trace,
)

app_name = "pages"
urlpatterns = [
    path("login", people.login, name="login"),
    path("logout", people.logout, name="logout"),
    path("", board.show, name="board"),
    path("board/stations", board.stations, name="board-stations"),
    path("jobs/new", jobs.new, name="job-new"),
    path("jobs/<int:pk>", jobs.show, name="job"),
    path("jobs/<int:pk>/hours", jobs.hours, name="job-hours"),
    path("jobs/<int:pk>/claim", jobs.claim, name="job-claim"),
    path("jobs/<int:pk>/release", jobs.release, name="job-release"),
    path("jobs/<int:pk>/start", jobs.start, name="job-start"),
    path("runs/<int:pk>", runs.show, name="run"),
    path("runs/<int:pk>/figures", runs.figures, name="run-figures"),
    path("runs/<int:pk>/left", runs.left, name="run-left"),
    path("runs/<int:pk>/ask", runs.ask, name="run-ask"),
    path("runs/<int:pk>/confirm", runs.confirm, name="run-confirm"),
    path("runs/<int:pk>/readings", runs.read, name="run-read"),
    path("runs/<int:pk>/give-up", runs.give_up, name="run-give-up"),
    path("runs/<int:pk>/presence", runs.presence, name="run-presence"),
    path("runs/<int:pk>/stop", runs.stop, name="run-stop"),
    path("approvals", approvals.show, name="approvals"),
    path("shelf", shelf.show, name="shelf"),
    path("alerts", alerts.show, name="alerts"),
    path("alerts/send", alerts.send, name="alert-send"),
    path("alerts/<int:pk>/confirm", alerts.confirm, name="alert-confirm"),
    path("cells/<str:serial>", cells.show, name="cell"),
    path("cells/<str:serial>/studs", cells.studs, name="cell-studs"),
    path("cells/<str:serial>/supersede", cells.supersede, name="cell-supersede"),
    path("stations", stations.index, name="stations"),
    path("stations/new", stations.new, name="station-new"),
    path("stations/<slug:slug>", stations.show, name="station"),
    path("stations/<slug:slug>/instruments", stations.register, name="station-register"),
    path("stations/<slug:slug>/commissionings", stations.commission, name="station-commission"),
    path("instruments/<int:pk>/calibrations", stations.calibrate, name="instrument-calibrate"),
    path("instruments/<int:pk>/take-off", stations.take_away, name="instrument-take-off"),
    path("leads", leads.show, name="leads"),
    path("leads/new", leads.new, name="leads-new"),
    path("leads/<int:pk>/fit", leads.fit, name="leads-fit"),
    path("recalls", recalls.show, name="recalls"),
    path("calibrations/<int:pk>/withdraw", recalls.withdraw, name="calibration-withdraw"),
    path("service", care.service, name="service"),
    path("recipes", recipes.index, name="recipes"),
    *(
        path(f"{family}/<int:key>{rest}", view, {"family": family}, name=f"{family}{name}")
        for family in ("recipe", "policy")
        for rest, view, name in (
            ("", recipes.show, "-version"),
            ("/since/<int:earlier>", recipes.since, "-since"),
            ("/new", recipes.new, "-new"),
        )
    ),
    path("recipe/<int:key>/retire", recipes.retire, name="recipe-retire"),
    path("batches/<str:code>", cells.batch, name="batch"),
    path("batches/<str:code>/capacity", cells.import_capacity, name="batch-import"),
    path("packs/new", packs.new, name="pack-new"),
    path("packs/<str:serial>", packs.show, name="pack"),
    path("packs/<str:serial>/links", packs.share, name="pack-share"),
    path("packs/<str:serial>/links/<int:pk>/revoke", packs.revoke, name="pack-revoke"),
    path("packs/<str:serial>/readings", care.read, name="pack-read"),
    path("packs/<str:serial>/recover", care.recover, name="pack-recover"),
    path("packs/<str:serial>/skip", care.skip, name="pack-skip"),
    path("packs/<str:serial>/apart", care.take_apart, name="pack-apart"),
    path("t/<str:secret>", trace.show, name="trace"),
]
