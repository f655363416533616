"""The inbox between the lanes' threads and the guardian's loop: no answer stays in it."""

from __future__ import annotations

import select
import threading
from functools import partial

from stations.guardian.loop import Inbox

LANES, ANSWERS = 4, 3000
PATIENCE_S = 5.0


def test_no_answer_is_left_behind_however_the_lanes_fall_together() -> None:
    """Each lane posts when its answer before was dealt with, as instruments' lanes do."""
    inbox, dealt_with = Inbox(), [threading.Semaphore(1) for _ in range(LANES)]

    def lane(number: int) -> None:
        for _ in range(ANSWERS):
            if not dealt_with[number].acquire(timeout=2 * PATIENCE_S):
                return
            inbox.post(partial(taken, number))

    left = [LANES * ANSWERS]

    def taken(number: int) -> None:
        left[0] -= 1
        dealt_with[number].release()

    threads = [threading.Thread(target=lane, args=(n,), daemon=True) for n in range(LANES)]
    for thread in threads:
        thread.start()
    while left[0]:
        ready, _, _ = select.select([inbox.reader], [], [], PATIENCE_S)
        assert ready, f"{left[0]} answers wait and nobody woke the loop"
        inbox.empty()
    for thread in threads:
        thread.join()
    inbox.close()
