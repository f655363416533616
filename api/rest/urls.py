"""The shop for programs, under /api/v1/.  JSON in, JSON out; the shapes below are the contract.

Manners.  Log in with `POST session`; afterwards send the cookie and, on every request that is
not GET, the header `X-CSRFToken` with the value of the cookie `csrftoken` (it changes at
log-in; `csrf` in the answer carries it too).  Times are ISO 8601 in UTC, ages and lengths of
time are seconds, units are in the names.  A number that was not measured is null.  `simulated`
is true for everything that a simulated bench produced.

A request that changes something may carry `Idempotency-Key`, 1 to 255 visible characters that
nobody guesses twice, such as a UUID.  The same key with the same request is done once and gets
the same answer again, for a day unless the policy says otherwise; with another request it is
refused (422).  What was refused wrote nothing and is judged anew when it is sent again.  `stop`
ignores the key: it is never refused, and twice is once.

Every refusal has the same shape, made in `errors.py`:

    {"title": "This cannot be done now",
     "problems": [{"code": "job_not_open", "words": "…what and why…", "fix": "…what to do…",
                   "about": the field of the body that it is about, where there is one}]}

    400 malformed: a missing or unusable field   401 nobody is logged in
    403 the role may not do this                  404 unknown (a revoked trace link too)
    422 the Idempotency-Key came with another request before
    409 refused by a rule, or another was faster; from `packs` with
        every finding beside the problems: {…, "findings": [Finding]}

Resources.

    GET    session                     -> {"user": {"username", "name", "role"} | null, "csrf"}
    POST   session  {"username", "password"}                          -> 200 as GET
    DELETE session                                                    -> 204

    GET    stations                    -> {"stations": [Station]}
    POST   stations {"slug", "name", "host": default localhost}       -> 201 Station   supervisors
    POST   stations/<slug>/rename {"name"}   -> 200 Station   supervisors; its slug stays
    POST   stations/<slug>/retire {"words": why, "seen_off": default false, asked for where nobody
             knows its output}            -> 200 Station   supervisors; for good: it takes no job,
                                          and is among `stations` only while its output is not off
    GET    stations/<slug>/instruments -> {"instruments": [Instrument], "lacks": [Problem] for any
                                          run, "procedures": [{"procedure", "lacks": [Problem]}]}
    POST   stations/<slug>/instruments {"instruments": [{"role",      -> 201 {"instruments":
             "driver", "serial_number", "model": of one that is           [Instrument]}   all or
             read by hand}]}, as `python -m stations identify --json`     none; supervisors
             prints it; what lies at no station is put there again
    GET    stations/<slug>/commissionings    -> {"commissionings": [Commissioning]} the newest 20
    POST   stations/<slug>/commissionings {"report": what the bench's          -> 201 Commissioning
                                           commissioning.json holds}
    GET    recipes                     -> {"recipes": [Recipe brief]}   newest of each first
    POST   recipes  {"name", "procedure", "parameters": {name: value},        -> 201 Recipe
                     "reason": why, from the second version on}
    GET    recipes/<id>                                               -> Recipe
    GET    recipes/<id>/since/<id>     -> {"old": Recipe brief, "new": Recipe brief,
                                           "differences": [Field + "old", "new"]}
    POST   recipes/<id>/retire {"words": why}                         -> 201 Recipe
    GET    policies                    -> {"policies": [Policy brief]}  the first is in force
    POST   policies {"parameters": {name: value}, "reason"}           -> 201 Policy
    GET    policies/<version>                                         -> Policy
    GET    policies/<version>/since/<version>                         -> as of recipes
    GET    jobs                        -> {"jobs": [Job]}             newest first, at most 100
    POST   jobs     {"recipe_version": 1, "cells": [serial, …]}       -> 201 Job
    GET    jobs/<id>                                                  -> Job + "runs": [Run brief],
                                          "plan": {"target_v", "facts": {name: number},
                                                   "lasts_s", "sha256",
                                                   "handlings": of each cell's nuts,
                                                   "unseen": who protects cells that
                                                   nothing shows, "" where they are seen,
                                                   "load_hours": {"full_h", "half_h"}
                                                   of one load, where cells are emptied | null}
                                                   | null,
                                          "in_the_way": [{"code", "words", "fix", "about"}]
    GET    jobs/<id>/hours?rested_v=3.312                             -> Hours   at its station
    POST   jobs/<id>/claim   {"station": slug}                        -> 200 Job
    POST   jobs/<id>/release {}                                       -> 200 Job
    POST   jobs/<id>/cancel  {"words": why}                           -> 200 Job
    GET    jobs/<id>/schedule?ready_by=2026-11-27T06:00Z&attended=false&rested_v=3.312
                                      -> {"begin_at", "drives_at", "ready_by", "calls": [{"titles",
                                          "earliest", "latest"}], "attention_s", "waits_max_s",
                                          "held"}   drives_at: the first output goes on
    POST   jobs/<id>/start   {"confirmed": true, "attended": true,    -> 201 Run   attended: false
                              "not_before", or "ready_by" with "rested_v"}   where nobody stays,
                                          refused with each reason; for a moment a run waits QUEUED
                                          where somebody stays, else joined, with the output off in
                                          its step "wait"; `stop` cancels it (F4, F6)

    GET    lead-sets                   -> {"lead_sets": [Leads]}      cables, by their name
    POST   lead-sets {"name", "awg" or "gauge_mm2", "length_m",      -> 201 Leads   supervisors
                      "end": "ring_6|ring_8|clip|banana"}
    GET    stations/<slug>/leads       -> {"leads": Leads | null}     that lie there now
    POST   stations/<slug>/leads {"name"}                             -> 201 {"leads": Leads}
    GET    runs/<id>                                                  -> Run
    GET    runs/<id>/curve?points=600                                 -> Curve
    POST   runs/<id>/presence {}      -> 201 {"id", "at", "due_at"}   somebody is at the bench
    GET    alerts                     -> {"address", "arrived_at", "unsent_runs": [run ids],
                                          "checks": [Alert check]}
    POST   alerts/checks {}           -> 201 Alert check   sends a test with a code
    POST   alerts/checks/<id>/confirm {"code": as it arrived}         -> 200 Alert check
    GET    runs/<id>/left             -> {"hours": Interval | null, "words"} | null
    GET    runs/<id>/looks            -> {"looks": [{"of", "named": [words], "unseen", "well"}]}
    POST   runs/<id>/confirm {"step": "connect", "answer": number     -> 201 {"id", "step", "at"}
                              where the step "asks" for one}
    POST   runs/<id>/readings {"volts": "3,642", "cell": serial, or "place": 2 (default: the next),
                               "first": what it read when asked again, "corrects": false}
                               -> 201 {"id", "step", "cell", "voltage_v", "meter", "at", "reads"}
    POST   runs/<id>/scans {"cell": serial or maker's code of the cell that the bench meter's probes
                            are on, "corrects": false}
                               -> 201 {"id", "step", "cell", "meter", "at", "reads"}   read by the
                               bench once its meter stands still: "reads" of the run says it
    POST   runs/<id>/stop    {}                                       -> 202 Run
    POST   runs/<id>/give-up {"seen_off": true, "parted": true, "words": why} -> 200 Run   a
                                          supervisor, of a run whose bench is lost for good

    GET    shelf                       -> {"cells": [Shelved]}        by what expires next
    POST   shelf/places {"cells": [serial, …], "shelf", "unlinked": true, "covered": true,
             "temperature_c": of the shelf, where somebody read it}   -> 201 {"places": [Place],
                                          "warning": where that is too warm}   all cells or none
    GET    cell-types                  -> {"cell_types": [Cell type]}
    POST   cell-types {"maker", "model", "datasheet", "capacity_ah",  -> 201 Cell type   supervisors
             and, where it says so, the other figures of a Cell type}
    POST   cell-types/<id>/figures {"discharge_c_max", "torque_nm"}   -> 201 Cell type   what it
             left unsaid; supervisors
    GET    cells/<serial>                                             -> Cell
    POST   cells/<serial>/studs {"thread_locker", "words"}            -> 201 Studs
    POST   capacity-tests/import       multipart, field "file"        -> 201 {"tests": [Test]}
    GET    approvals                   -> {"cells": [Waiting]}        what a supervisor may look at
    POST   approvals {"cells": [{"serial", "evidence_sha256"}]}       -> 201 {"approvals": [
                                                {"serial", "evidence_sha256", "at"}]}
    POST   supersessions {"kind": "balance|voltage_check|capacity_test",      -> 201 {"id",
                          "id", "words": why}                    "kind", "of", "words", "at"}
    GET    drivers                     -> {"drivers": [{"role", "driver", "model", "can"}]}
    GET    instruments                 -> {"instruments": [Instrument]}
    POST   instruments/<id>/calibrations {"certificate", "valid_from", "valid_until"}
                                                            -> 201 Calibration   supervisors
    POST   instruments/<id>/take-off {"words": why}         -> 200 Instrument, at no station
    POST   calibrations/<id>/withdraw {"words": why}                  -> 201 {"id",
                                          "calibration", "certificate", "words", "at"}
    GET    recalls                     -> {"packs": [{"serial", "customer", "since", "reasons":
                                          [Reason]}]}   by what was taken back last
    GET    audit                       -> {"entries": [{"number", "kind", "by": username | null,
                                          "at", "address", "data"}]}  the newest 200, supervisors
    GET    designs                     -> {"designs": [{"id", "name", "series", "parallel",
                                            "cells", "application"}]}
    GET    customers                   -> {"customers": [{"id", "name"}]}
    POST   packs/check {"design": name, "cells": [serial, …],         -> 200 {"allowed": bool,
                        "simulated": false, "sample": false}              "findings": [Finding]}
    POST   packs    as packs/check, and {"serial", "customer": id | null}     -> 201 Pack
    GET    packs/<serial>                                             -> Pack
    POST   packs/<serial>/links {}     -> 201 {"id", "secret", "path": "/t/<secret>", "url"}
    DELETE packs/<serial>/links/<id>                                  -> 204
    GET    service                     -> {"packs": [{"serial", "customer", "due_at", "why"}]}  to
                                          be read within 30 days, the longest overdue first
    POST   packs/<serial>/readings {"cells_v": [volts, …], "at_top": bool,    -> 201 {"id"}
                                    "taken_at", "measured_by", "months": int | null}
    POST   packs/<serial>/recoveries {"reading": id, "recipe": id}    -> 201 {"course", "job": id}
    POST   packs/<serial>/skips {"capacity_ah", "tested_at",          -> 201 {"id", "rated_ah"}
                                 "measured_by"}   supervisors
    POST   packs/<serial>/apart {"words": why, "capacity_recipe": id | null,  -> 201 {"jobs": [id]}
                                 "balance_recipe": id | null}     supervisors
    GET    trace/<secret>              no log-in                      -> Trace
    GET    trace/<secret>/curve?run=<run_id of a balance>&points=600        -> Curve

Shapes.

    Station  {"slug", "name", "output": "OFF|ON|UNKNOWN|SEEN_OFF" by a person, "alarm",
              "heartbeat_at", "online": bool, "retired_at" | null, "run": {"id", "state", "step"} |
              null, "job": id | null, "commissioned": {"measured_at" | null, "passed": bool,
              "lead_milliohm" | null, "unattended": [Problem] that keep it from running
              unattended, "drawing": [Problem] that keep what draws by its load from that too}}
    Leads    {"name", "gauge_mm2", "length_m", "end", "rated_a", "station": slug | null,
              "milliohm" last | null, "measured": [{"milliohm", "at", "station", "run" | null}]}
    Commissioning  {"id", "sha256", "measured_at", "passed": bool, "by": username, "report":
              `stations.commissioning.report.Report` by its field names, "certificates":
              [{"role", "serial_number", "certificate" | null, "valid_until" | null}] in force
              when it was measured, as they count now}
    Recipe   {"id", "name", "version", "procedure", "by": username, "at", "reason",
              "retired": Reason | null, "fields": [Field + "value"]}   brief: without its fields
    Policy   {"version", "by": username, "at", "reason", "fields": [Field + "value"]}   likewise
    Field    {"name", "kind": "number|whole number|yes or no|word", "unit", "does", "source",
              "default", "bounds": {"low", "high"} | null, "choices": [word]}
    Job      {"id", "kind", "state", "recipe": {"name", "version"}, "station": slug | null,
              "claimed_by": username | null, "claimed_at", "created_at",
              "cells": [{"serial", "position"}], "run": id of the newest run | null,
              "cancelled": {"by": username, "at", "words": why} | null}
    Hours    {"hours": Interval, "finishes": bool, "stops": why it would not, "is_night": bool,
              "rested_v", "alternatives": [{"words", "hours": Interval}], "visits": [{"titles",
              "after": Interval}], "surges": [{"spread_v", "peak_a", "peak_c", "verdict"}]} | null
              where nobody foretells them
    Interval {"low_h", "middle_h", "high_h"}   one in ten is faster, one in ten slower
    Run      {"id", "job", "station": slug, "state", "attempt", "simulated", "queued_at",
              "ended_at", "cause", "stop_requested_at", "attended", "not_before", "ready_by",
              "presence": {"due_at", "left_s", "is_close", "waits"} | null,
              "step": name, "steps": [{"name", "title",
                  "kind": "instruct|measure|verify|charge|discharge|rest|wait|compare",
                  "state": "done|now|next|skipped|stopped"}],
              "needs": {"step", "title", "text", "confirm", "drawing", "asks": what is to be
                  read and typed, "" for nothing, "cells", "cell": the one that it is
                  about, 0 for all} | null,                     one is waited for
              "announce": {"step", "title", "text", "confirm"} | null,   may be confirmed early
              "begin": {"step", "title", "text", "confirm"} | null,   it waits until "not_before";
                  confirming this step begins now
              "reads": {"step", "led": bool, "read": [{"position", "voltage_v", "at"}], "left":
                  [{"position", "serial"}], "again": bool, "settling": position | null,
                  "unread": why the last scan came to nothing} | null,   cell by cell; led: the
                  bench reads its own meter, which goes to each; again: the first cell's second
              "live": {"age_s", "output", "step", "speed", "voltage_v", "supply_voltage_v",
                       "supply_current_a", "cell_voltages_v": […],
                       "temperatures_c": […], "at"} | null,
              "facts": {name: number} as planned, "target_v",
              "stored_samples", "journal_closed_at",
              "cells_unseen": bool,   nothing shows the cells of its string
              "checks": [Check], "balance": Balance | null, "resistance": Resistance | null,
              "watch": Watch | null}
    Run brief {"id", "state", "attempt", "step", "cause", "queued_at", "ended_at"}
    Check    {"id", "kind": "PRE_PARALLEL|DISCONNECT|RECHECK|BOTTOM|WATCH", "target_v",
              "current_stopped_at", "simulated", "by_hand": bool, "led": bool: the bench meter went
              from cell to cell, "meter", "again": {"position", "voltage_v", "at"} | null: the
              first cell once more, "cells": [{"serial", "position", "voltage_v", "low_v",
              "high_v", "age_s", "verdict"}]}
    Balance  {"id", "method", "completeness": "COMPLETE|PARTIAL", "remark", "target_v", "tail_a",
              "done_a", "partial_a", "cv_s", "charge_ah", "simulated",
              "superseded": Reason | null,
              "cells": [those driven alone: {"serial", "position", "completeness", "remark",
              "tail_a", "cv_s", "charge_ah" (below 0: drawn), "rested_v", "current_stopped_at"}]}
    Watch    {"due_at" | null, "until" | null: of the second check that a first one waits for,
              "days" | null, "median_share_month" | null, "cells": [of a second check: {"serial",
              "position", "before_v", "drop_v", "against_median_v" | null, "loss_share_month" |
              null where it is not observable, "verdict"}]}
    Resistance  {"id", "run", "r_mohm", "u_mohm": by how much it may be off, "after_s": into the
              step, "early_mohm" | null, "early_after_s", "current_a", "rested_v", "low_mohm",
              "warn_mohm", "fail_mohm", "verdict": "PASS|MARGINAL|FAIL|INVALID", "tested_at",
              "simulated", "withdrawn": the certificate that no longer stands for it | null}
    Curve    {"run", "at": [unix seconds], "voltage_v": [], "supply_voltage_v": [],
              "current_a": [], "cells_v": [[cell 1 …], [cell 2 …]],
              "gaps": [[from, to]], "readings": count, "target_v", "simulated"}
    Cell     {"serial", "batch", "type", "capacity_ah", "evidence_sha256", "approved": bool,
              "pack": serial | null, "job": id | null, "tests": [Test], "resistances":
              [Resistance], "balances": [Balance +
              {"run"}], "checks": [{"id", "kind", "voltage_v", "low_v", "high_v", "age_s",
              "verdict", "at", "superseded": Reason | null}],
              "approvals": [{"evidence_sha256", "at"}], "nut_handlings": count,
              "studs": [Studs], "places": [Place] newest first, "lies": where, in words, "" in
              a pack}
    Cell type  {"id", "maker", "model", "datasheet", "capacity_ah", "charge_voltage_max_v",
              "discharge_voltage_min_v", "charge_c_max", "r_typical_ohm", "discharge_c_max" | null,
              "torque_nm" | null: of a nut, newton metres}   null: the datasheet does not say
    Studs    {"id", "thread_locker", "words", "by": username, "at"}   fitted once, if at all
    Test     {"id", "serial", "capacity_ah", "tested_at", "source": "MEASURED|IMPORTED",
              "run": id | null, "superseded": Reason | null}
    Reason   {"at", "words"}   when and why it was taken back
    Instrument  {"id", "station": slug | null, "role", "driver", "model", "serial_number",
              "can": its ratings in words, "calibration": {"kind": "pass|warning|fail|idle",
              "words"}, "calibrated_until" | null, "calibrations": [Calibration]}
    Calibration  {"id", "certificate", "valid_from", "valid_until", "withdrawn_at": null while it
              stands, "words"}
    Waiting  {"serial", "evidence_sha256", "evidence": {…what was seen…}, "problems": [Problem]}
    Shelved  {"serial", "bank": run, "state": "fresh|due|overdue|aside|unknown", "since", "until",
              "left_s": how long still fresh, "do": what comes next, "shelf": where it lies |
              null, "lies": that in words, and whether it is too warm there}
    Place    {"id", "serial", "shelf", "temperature_c" | null, "at", "by": username}
    Finding  {"rule": "G4", "verdict": "pass|fail|missing|warning|not applicable", "words", "value",
              "limit", "why", "fix", "cell": serial | ""}
    Pack     {"serial", "design", "customer", "simulated", "sample", "assembled_at",
              "cells": [{"serial", "position"}], "links": [{"id", "created_at", "revoked_at"}],
              "recalls": [Reason], "care": {"apart_at", "service": {"due_at",
              "why"} | null, "readings": [{"id", "cells_v", "at_top",
              "taken_at", "months", "measured_by", "spread_v", "taken", "course", "words",
              "fix"}], "skips": [{"id", "at", "capacity_ah", "rated_ah"}]}}
    Trace    `shop.trace.values.PackTrace` by its field names: {"serial", "valid", "why": [words],
              "advice": {"charge_low_v", "charge_high_v", "pack_low_v", "pack_high_v",
              "bms_model", "bms_over_voltage_v"}, "design", "application", "series", "parallel",
              "simulated", "sample", "assembled_at", "cells": […], "balances": [{"run_id", …}],
              "instruments": […], "service_at": its cells are to be read by then}
"""

from __future__ import annotations

from django.urls import path

from api.rest import (
    alerts,
    care,
    cell_types,
    cells,
    equipment,
    jobs,
    leads,
    packs,
    recipes,
    runs,
    session,
    shelf,
    stations,
    taken_back,
    trace,
)

app_name = "rest"
urlpatterns = [
    path("session", session.SessionView.as_view(), name="session"),
    path("stations", stations.StationsView.as_view(), name="stations"),
    path("stations/<slug:slug>/rename", stations.RenameView.as_view(), name="station-rename"),
    path("stations/<slug:slug>/retire", stations.RetireView.as_view(), name="station-retire"),
    path(
        "stations/<slug:slug>/commissionings",
        stations.CommissioningsView.as_view(),
        name="commissionings",
    ),
    path(
        "stations/<slug:slug>/instruments",
        equipment.StationInstrumentsView.as_view(),
        name="station-instruments",
    ),
    path("stations/<slug:slug>/leads", leads.StationLeadsView.as_view(), name="station-leads"),
    path("lead-sets", leads.LeadSetsView.as_view(), name="lead-sets"),
    path("recipes", recipes.RecipesView.as_view(), name="recipes"),
    path("recipes/<int:pk>", recipes.RecipeView.as_view(), name="recipe"),
    path(
        "recipes/<int:pk>/since/<int:earlier>",
        recipes.RecipeSinceView.as_view(),
        name="recipe-since",
    ),
    path("recipes/<int:pk>/retire", recipes.RetireView.as_view(), name="recipe-retire"),
    path("policies", recipes.PoliciesView.as_view(), name="policies"),
    path("policies/<int:version>", recipes.PolicyView.as_view(), name="policy"),
    path(
        "policies/<int:version>/since/<int:earlier>",
        recipes.PolicySinceView.as_view(),
        name="policy-since",
    ),
    path("jobs", jobs.JobsView.as_view(), name="jobs"),
    path("jobs/<int:pk>", jobs.JobView.as_view(), name="job"),
    path("jobs/<int:pk>/hours", jobs.HoursView.as_view(), name="job-hours"),
    path("jobs/<int:pk>/schedule", jobs.ScheduleView.as_view(), name="job-schedule"),
    path("jobs/<int:pk>/claim", jobs.ClaimView.as_view(), name="job-claim"),
    path("jobs/<int:pk>/release", jobs.ReleaseView.as_view(), name="job-release"),
    path("jobs/<int:pk>/cancel", jobs.CancelView.as_view(), name="job-cancel"),
    path("jobs/<int:pk>/start", jobs.StartView.as_view(), name="job-start"),
    path("runs/<int:pk>", runs.RunView.as_view(), name="run"),
    path("runs/<int:pk>/left", runs.LeftView.as_view(), name="run-left"),
    path("runs/<int:pk>/looks", runs.LooksView.as_view(), name="run-looks"),
    path("runs/<int:pk>/curve", runs.CurveView.as_view(), name="run-curve"),
    path("runs/<int:pk>/confirm", runs.ConfirmView.as_view(), name="run-confirm"),
    path("runs/<int:pk>/presence", runs.PresenceView.as_view(), name="run-presence"),
    path("alerts", alerts.AlertsView.as_view(), name="alerts"),
    path("alerts/checks", alerts.ChecksView.as_view(), name="alert-checks"),
    path("alerts/checks/<int:pk>/confirm", alerts.ConfirmCheckView.as_view(), name="alert-confirm"),
    path("runs/<int:pk>/readings", runs.ReadingsView.as_view(), name="run-readings"),
    path("runs/<int:pk>/scans", runs.ScansView.as_view(), name="run-scans"),
    path("runs/<int:pk>/give-up", runs.GiveUpView.as_view(), name="run-give-up"),
    path("runs/<int:pk>/stop", runs.StopView.as_view(), name="run-stop"),
    path("shelf", shelf.ShelfView.as_view(), name="shelf"),
    path("shelf/places", shelf.PlacesView.as_view(), name="shelf-places"),
    path("cell-types", cell_types.CellTypesView.as_view(), name="cell-types"),
    path("cell-types/<int:pk>/figures", cell_types.FiguresView.as_view(), name="cell-type-figures"),
    path("cells/<str:serial>", cells.CellView.as_view(), name="cell"),
    path("cells/<str:serial>/studs", cells.StudsView.as_view(), name="cell-studs"),
    path("capacity-tests/import", cells.ImportCapacityView.as_view(), name="import-capacity"),
    path("approvals", cells.ApprovalsView.as_view(), name="approvals"),
    path("supersessions", taken_back.SupersessionsView.as_view(), name="supersessions"),
    path("drivers", equipment.DriversView.as_view(), name="drivers"),
    path("instruments", equipment.InstrumentsView.as_view(), name="instruments"),
    path(
        "instruments/<int:pk>/calibrations",
        equipment.CalibrationsView.as_view(),
        name="instrument-calibrations",
    ),
    path(
        "instruments/<int:pk>/take-off",
        equipment.TakeOffView.as_view(),
        name="instrument-take-off",
    ),
    path(
        "calibrations/<int:pk>/withdraw",
        taken_back.WithdrawView.as_view(),
        name="calibration-withdraw",
    ),
    path("recalls", taken_back.RecallsView.as_view(), name="recalls"),
    path("audit", taken_back.AuditView.as_view(), name="audit"),
    path("designs", packs.DesignsView.as_view(), name="designs"),
    path("customers", packs.CustomersView.as_view(), name="customers"),
    path("packs/check", packs.CheckView.as_view(), name="pack-check"),
    path("packs", packs.PacksView.as_view(), name="packs"),
    path("packs/<str:serial>", packs.PackView.as_view(), name="pack"),
    path("service", care.ServiceView.as_view(), name="service"),
    path("packs/<str:serial>/readings", care.ReadingsView.as_view(), name="pack-readings"),
    path("packs/<str:serial>/recoveries", care.RecoveriesView.as_view(), name="pack-recoveries"),
    path("packs/<str:serial>/skips", care.SkipsView.as_view(), name="pack-skips"),
    path("packs/<str:serial>/apart", care.ApartView.as_view(), name="pack-apart"),
    path("packs/<str:serial>/links", packs.LinksView.as_view(), name="links"),
    path("packs/<str:serial>/links/<int:pk>", packs.LinkView.as_view(), name="link"),
    path("trace/<str:secret>", trace.TraceView.as_view(), name="trace"),
    path("trace/<str:secret>/curve", trace.TraceCurveView.as_view(), name="trace-curve"),
]
