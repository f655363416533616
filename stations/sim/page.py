"""The page of the hands: the table as it is, and a button for what hands can do."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from stations.sim.faults import FAULTS

_STYLE = (
    "body{font:1rem/1.5 system-ui;max-width:40rem;margin:2rem auto;padding:0 1rem}"
    "td,th{padding:.2rem .8rem;text-align:right}form{display:inline}"
    "button,select{font:inherit;padding:.4rem .8rem;margin:.2rem}"
)


def page(state: Mapping[str, Any]) -> str:
    """The whole page for one look at the table (`Table.state`)."""
    station = escape(state["station"])
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Hands at {station}</title><style>{_STYLE}</style>"
        f"<h1>Simulated table of {station}</h1>"
        f"<p>{escape(_words(state))}</p>{_cells(state)}"
        '<p><a href="/">Look again</a></p>'
        f"<h2>Hands</h2>{_buttons(state)}<h2>Faults</h2>{_faults(state)}</html>"
    )


def _words(state: Mapping[str, Any]) -> str:
    wiring = "The cells are joined by links" if state["links"] else "Every cell lies alone"
    if state["series"]:
        bms = "open" if state["bms_open"] else "closed"
        wiring = f"The cells are in series, the BMS is {bms} to charge"
    on = f"the leads are on cell {state['alone']}" if state["alone"] else "the leads are on"
    leads = on if state["leads"] else "the leads are off"
    if state["meter_on_leads"]:
        leads += ", the meter's leads on the supply's"
    output = (
        f"The output is on: {state['supply_voltage_v']:.3f} V, {state['supply_current_a']:.2f} A, "
        f"{state['regulation']}"
        if state["output"]
        else f"The output is off{' (' + state['tripped'] + ')' if state['tripped'] else ''}"
    )
    contactor = f" The contactor is {state['contactor']}." if state["contactor"] else ""
    meter = {None: "", 0: ", the meter on nothing"}.get(
        state["meter_led"], f", the meter led to cell {state['meter_led']}"
    )
    now = f"{state['at'][:19]} UTC, {state['speed']:g} ×."
    return f"{wiring}, {leads}{meter}. {output}.{contactor} {now}"


def _cells(state: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{position}<td>{cell['voltage_v']:.4f}<td>{100 * cell['soc']:.2f}"
        f"<td>{cell['current_a']:.2f}"
        for position, cell in enumerate(state["cells"], 1)
    )
    return f"<table><tr><th>Cell<th>Volts<th>Charge, %<th>Amps in{rows}</table>"


def _buttons(state: Mapping[str, Any]) -> str:
    acts = (
        [("/links/off", "Take links and leads off")]
        if state["links"]
        else [("/links/on", "Put links and leads on"), ("/string/on", "Put all in series")]
    )
    if state["alone"]:
        acts.append(("/leads/off", "Take the leads off"))
    elif not state["links"]:
        cells = range(1, len(state["cells"]) + 1)
        acts += [(f"/leads/cell/{n}", f"Put the leads on cell {n}") for n in cells]
    if state["meter_led"] is not None or state["meter_on_leads"]:
        acts.append(("/meter/back", "Put the meter back"))
    if not state["meter_on_leads"]:
        acts.append(("/meter/leads", "Lay the meter's leads on the supply's"))
    if not state["links"]:
        acts += [
            (f"/meter/cell/{n}", f"Lead the meter to cell {n}")
            for n in range(1, len(state["cells"]) + 1)
        ]
    if state["links"]:
        acts.append(
            ("/leads/off", "Take the leads off")
            if state["leads"]
            else ("/leads/on", "Put the leads on")
        )
    return "".join(
        f'<form method="post" action="{path}"><button>{words}</button></form>'
        for path, words in acts
    )


def _faults(state: Mapping[str, Any]) -> str:
    forms = []
    for instrument, current in state["faults"].items():
        options = "".join(
            f'<option value="{name}"{" selected" if name == current else ""}>{escape(fault.words)}'
            for name, fault in FAULTS.items()
            if instrument in fault.instruments
        )
        forms.append(
            f'<form method="post" action="/faults"><input type="hidden" name="instrument" '
            f'value="{instrument}"><label>The {instrument} <select name="fault">{options}</select>'
            "</label><button>Set</button></form><br>"
        )
    return "".join(forms)
