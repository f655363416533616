"""The contactor is held by a timer that was seen at work, and dropped out until it reads open.

A scripted relay board stands in for boards that are not as the makers say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stations.clock import guard_s
from stations.drivers.protocols import Refused, RelayState
from stations.drivers.transport import always
from stations.drivers.waveshare_relay8 import RATINGS
from stations.guardian.contactor import Contactor, ContactorHand
from stations.guardian.lane import Answer, Done
from stations.guardian.lockout import Lockout
from stations.guardian.off import LOCKED, OffKeeper
from stations.guardian.switched import Overtaken, ReadBackDiffers
from stations.values import Identity, RelayRatings
from tests.stations.scripted_device import ScriptedDevice
from tests.stations.test_guardian_off import SETPOINT, Supply
from tests.stations.test_guardian_off import Lane as SupplyLane

CHANNEL, HOLD_S = 2, 6.0


@dataclass
class Board(ScriptedDevice):
    """A relay board with switches for what goes wrong."""

    closes: bool = True
    opens: bool = True  # when its time is over
    renews: bool = True  # its time when closed again
    obeys_release: bool = True
    until_s: float = 0.0
    ratings: RelayRatings = RATINGS

    def identify(self) -> Identity:
        return Identity("relay", "Relay8", "unit-1", "2.00")

    @property
    def closed(self) -> bool:
        return guard_s() < self.until_s

    def read(self) -> RelayState:
        self.exchange("read")
        return RelayState(frozenset({CHANNEL} if self.closed else ()), "")

    def hold(self, channel: int, seconds: float) -> None:
        self.exchange(f"hold {seconds:g}")
        assert channel == CHANNEL
        if self.closes and (self.renews or not self.closed):
            self.until_s = guard_s() + seconds if self.opens else float("inf")

    def release(self, channel: int) -> None:
        self.exchange("release")
        assert channel == CHANNEL
        if self.obeys_release:
            self.until_s = 0.0


def hand(board: Board) -> ContactorHand:
    return ContactorHand(board, CHANNEL, HOLD_S)


def no() -> bool:
    return False


@pytest.mark.parametrize(
    ("board", "words"),
    [
        (Board(closes=False), "does not close"),
        (Board(opens=False), "does not open by itself"),
        (Board(renews=False), "does not begin its time anew"),
        (Board(until_s=float("inf")), "is closed with the output off"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_board_that_is_no_watchdog_is_refused(board: Board, words: str) -> None:
    with pytest.raises(Refused, match=words):
        hand(board).prepare()


def test_a_timer_is_seen_at_work_and_leaves_the_contactor_open() -> None:
    board = Board()

    hand(board).prepare()

    assert [words for words in board.sent if words.startswith("hold")] == ["hold 1", "hold 1"]
    assert not board.closed


def test_a_latched_contactor_is_told_to_open_before_it_is_refused() -> None:
    board = Board(opens=False)

    with pytest.raises(Refused):
        hand(board).prepare()

    assert not board.closed


def test_nothing_is_held_when_off_was_asked_for_meanwhile() -> None:
    board = Board()

    for act in (hand(board).pull_in, hand(board).hold):
        with pytest.raises(Overtaken):
            act(no)

    assert board.sent == []


def test_a_contactor_that_fell_open_is_not_closed_again_under_load() -> None:
    board = Board()

    with pytest.raises(ReadBackDiffers, match="opened by itself"):
        hand(board).hold(always)

    assert board.sent == ["read"]


def test_opening_is_sent_again_on_a_new_link_after_a_silence() -> None:
    board = Board(until_s=float("inf"), silent=1)

    hand(board).drop_out()

    assert board.sent == ["release", "reopen", "release", "read"]


class Lane:
    """A lane whose work is done when the test says so."""

    def __init__(self, board: Board) -> None:
        self.hand = hand(board)
        self.work: list[tuple[Callable[[ContactorHand], Any], Done]] = []

    def submit(self, priority: int, work: Callable[[ContactorHand], Any], done: Done) -> None:
        self.work.append((work, done))

    def run(self) -> None:
        work, done = self.work.pop(0)
        began_s = guard_s()
        try:
            done(Answer(work(self.hand), None, began_s, guard_s()))
        except Exception as error:
            done(Answer(None, error, began_s, guard_s()))


def contactor(board: Board, *, rearm_s: float = 0.0) -> tuple[Contactor, Lane, list[str]]:
    lane, alarms = Lane(board), list[str]()
    made = Contactor(
        lane,  # type: ignore[arg-type]
        rearm_s=rearm_s,
        retry_s=0.2,
        changed=alarms.append,
    )
    return made, lane, alarms


def pulled_in(board: Board, *, rearm_s: float = 0.0) -> tuple[Contactor, Lane, list[str]]:
    made, lane, failures = contactor(board, rearm_s=rearm_s)
    made.pull_in(always, lambda answer: None)
    lane.run()
    assert made.state == "closed"
    return made, lane, failures


def test_is_not_held_again_too_soon_nor_twice_at_once() -> None:
    made, lane, _ = pulled_in(Board(), rearm_s=60.0)
    made.hold(always, pytest.fail)
    assert lane.work == []

    made, lane, _ = pulled_in(Board())
    made.hold(always, pytest.fail)
    made.hold(always, pytest.fail)
    assert len(lane.work) == 1


def test_one_lost_answer_is_passed_over_and_a_second_is_not() -> None:
    board, failures = Board(), list[str]()
    made, lane, _ = pulled_in(board)

    for silent in (1, 0, 1, 1):
        board.silent = silent
        made.hold(always, failures.append)
        lane.run()

    assert failures == ["no answer to read"]


def test_a_contactor_that_fell_open_is_told_at_once() -> None:
    board, failures = Board(), list[str]()
    made, lane, _ = pulled_in(board)
    board.until_s = 0.0

    made.hold(always, failures.append)
    lane.run()

    assert failures == ["the contactor has opened by itself"]
    assert made.state == "unknown"


def test_opens_until_it_reads_back_open() -> None:
    board = Board(obeys_release=False)
    made, lane, alarms = pulled_in(board)
    made.drop_out()
    for _ in range(9):
        lane.run()
        made.tick(made.due_s())
    assert made.dropping
    assert made.alarm.startswith("the contactor is not proven open")
    assert len(alarms) == 1

    board.obeys_release = True
    lane.run()

    assert (made.state, made.dropping, made.alarm) == ("open", False, "")
    assert alarms[1:] == ["the contactor is open"]


@pytest.mark.parametrize("obeys", [True, False])
def test_pulls_in_only_after_it_was_seen_open(obeys: bool) -> None:
    """Or a try that is still under way would open it with the output on."""
    made, lane, _ = pulled_in(Board(obeys_release=obeys))
    answers: list[Answer] = []
    made.drop_out()
    made.pull_in(always, answers.append)
    assert len(lane.work) == 1

    for _ in range(1 + obeys):
        lane.run()

    assert [answer.error is None for answer in answers] == [obeys]
    assert made.state == ("closed" if obeys else "unknown")


def keeper(supply: Supply, tmp_path: Path) -> tuple[OffKeeper, SupplyLane, Lane]:
    lane = SupplyLane(supply)
    made, contactor_lane, _ = pulled_in(Board())
    off = OffKeeper(
        lane,  # type: ignore[arg-type]
        0.2,
        lambda words: None,
        lockout=Lockout(tmp_path / "locked"),
        contactor=made,
    )
    return off, lane, contactor_lane


def test_the_contactor_drops_out_once_the_supply_is_proven_off(tmp_path: Path) -> None:
    off, lane, contactor_lane = keeper(Supply(), tmp_path)

    off.demand()
    assert contactor_lane.work == []
    lane.run()

    assert off.output == "off"
    assert len(contactor_lane.work) == 1


def test_a_contactor_waits_for_no_hanging_supply(tmp_path: Path) -> None:
    off, _, contactor_lane = keeper(Supply(), tmp_path)
    off.demand()

    off.tick(off.due_s())

    assert len(contactor_lane.work) == 1
    assert not (tmp_path / "locked").exists()  # a supply that hangs has not disobeyed


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A supply has no time to obey: what comes after it has disobeyed is what is tested."""
    monkeypatch.setattr("stations.guardian.off.OBEYS_S", 0.0)


@pytest.mark.usefixtures("at_once")
def test_what_a_supply_that_disobeyed_says_later_is_no_proof(tmp_path: Path) -> None:
    supply = Supply(obeys=False)
    off, lane, contactor_lane = keeper(supply, tmp_path)
    off.demand()
    for _ in range(3):
        lane.run()
        off.tick(off.due_s())
    contactor_lane.run()

    supply.obeys = True
    lane.run()

    assert (off.output, off.last, off.wanted) == ("unknown", None, True)
    assert Lockout(tmp_path / "locked").words == LOCKED

    off.unlock()
    off.tick(off.due_s())
    lane.run()

    assert off.output == "off"
    assert not (tmp_path / "locked").exists()


@pytest.mark.usefixtures("at_once")
def test_a_supply_that_was_only_silent_is_taken_at_its_word(tmp_path: Path) -> None:
    supply = Supply(silent=6)
    off, lane, contactor_lane = keeper(supply, tmp_path)
    off.demand()
    for _ in range(3):
        lane.run()
        off.tick(off.due_s())
    contactor_lane.run()

    lane.run()

    assert off.output == "off"


def test_a_supply_that_obeys_late_has_not_disobeyed(tmp_path: Path) -> None:
    """Tries may follow each other fast; a slow supply is neither zeroed nor parted at once."""
    supply = Supply(obeys=False, setpoint=SETPOINT)
    off, lane, contactor_lane = keeper(supply, tmp_path)
    off.demand()
    for _ in range(9):
        lane.run()
        off.demand()
    assert contactor_lane.work == []

    supply.obeys = True
    lane.run()

    assert (off.output, supply.setpoint) == ("off", SETPOINT)
    assert not (tmp_path / "locked").exists()
