"""What the commissioning of a bench left beside bench.toml, where it is of this very bench."""

from __future__ import annotations

from stations.commissioning import report
from stations.config import BenchConfig
from stations.values import Measured

IN_THE_LEADS = ("supply", "meter", "relay", "router")  # others change nothing that it measured


def measured_of(config: BenchConfig) -> tuple[Measured, str]:
    """What to plan with, and for the person what is known; nothing where no report fits."""
    try:
        found = report.decode((config.folder / report.FILE).read_bytes())
    except FileNotFoundError:
        return Measured(), "not commissioned: `python -m stations check` measures leads and supply"
    except (OSError, report.ReportWrong) as error:
        return Measured(), f"{report.FILE} is not used: {error}"
    told = {(one.role, one.driver, one.serial_number) for one in found.instruments}
    ours = {
        (one.role, one.driver, one.serial_number)
        for one in config.instruments
        if one.role in IN_THE_LEADS
    }
    simulated = config.clock is not None
    same = {one for one in told if one[0] in IN_THE_LEADS} == ours
    if not (same and found.station == config.station and found.simulated == simulated):
        return Measured(), f"{report.FILE} is not used: it is of other instruments"
    measured = found.measured
    return measured, (
        f"commissioned {found.at:%Y-%m-%d}: leads {1000 * measured.leads_ohm:.1f} mohm, "
        f"supply {1000 * measured.supply_offset_v:+.1f} mV"
    )
