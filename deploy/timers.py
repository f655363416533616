"""The shop's timers and the ratios between them that safety rests on.

Lengths in seconds.  A worker fences itself before its lease can lapse, and a lapsed lease is
taken over only after a grace on top; a holder must have had several chances to renew before
it fences itself.  A bench whose supply hangs on its own host may go on alone for longer.  A run
whose bench has closed its journal, and whose worker does not conclude it, was left: taken over
after several of the uplink's periods.  A worker counts as deaf only after a queued run was sent
to it several times.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Timers:
    lease_ttl_s: float
    lease_renew_s: float
    lease_grace_s: float
    self_fence_s: float
    autonomy_s: float
    takeover_s: float
    uplink_period_s: float
    chunk_max_s: float
    resend_s: float
    deaf_after_s: float

    @property
    def line_silence_s(self) -> float:
        """A connection to the database that is unheard for as long is given up.

        A quarter of the self-fence: one that dies costs a renewal, and there is time for another.
        """
        return self.self_fence_s / 4

    def problems(self) -> list[str]:
        """Every ratio that does not hold, in words that name the variables; empty means go."""
        ratios = [
            (self.lease_renew_s * 3 <= self.self_fence_s, "3 x LEASE_RENEW_S <= SELF_FENCE_S"),
            (self.self_fence_s * 4 <= self.lease_ttl_s * 3, "SELF_FENCE_S <= 3/4 LEASE_TTL_S"),
            (self.lease_grace_s * 4 >= self.lease_ttl_s, "LEASE_GRACE_S >= 1/4 LEASE_TTL_S"),
            (
                self.uplink_period_s * 4 <= self.lease_renew_s,
                "4 x UPLINK_PERIOD_S <= LEASE_RENEW_S",
            ),
            (self.self_fence_s <= self.autonomy_s <= 86_400, "SELF_FENCE_S <= AUTONOMY_S <= 86400"),
            (self.uplink_period_s * 4 <= self.takeover_s, "4 x UPLINK_PERIOD_S <= TAKEOVER_S"),
            (self.uplink_period_s <= self.chunk_max_s, "UPLINK_PERIOD_S <= CHUNK_MAX_S"),
            (self.resend_s <= self.lease_ttl_s, "RESEND_S <= LEASE_TTL_S"),
            (self.resend_s * 3 <= self.deaf_after_s, "3 x RESEND_S <= DEAF_AFTER_S"),
        ]
        lengths = [
            (0 < value < math.inf, f"{name.upper()} above 0 and finite")
            for name, value in asdict(self).items()
        ]
        return [words for holds, words in ratios + lengths if not holds]
