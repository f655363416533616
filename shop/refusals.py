"""A refusal in words: what is wrong, and what to do about it.

Services raise one exception for everything they refuse, with every problem found, so that a
person sees the whole list at once.  A refusal has written nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

WORDS_MAX = 500  # letters of a reason, as the database keeps it


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason to refuse: a stable `code` for programs, words and a fix for people.

    `about` names the field of a form or a body that it stands beside, where there is one.
    """

    code: str
    words: str
    fix: str = ""
    about: str = ""

    def __str__(self) -> str:
        return f"{self.words} {self.fix}".strip()


class Refusal(Exception):
    """The act was not done; `problems` says why, never empty."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(str(problem) for problem in self.problems))


class RoleRefusal(Refusal):
    """The person's role does not allow the act."""


class StaleTransition(Refusal):
    """Somebody else was first: the row was no longer in the state that we believed in."""

    def __init__(self, what: str, believed: str) -> None:
        super().__init__(
            [
                Problem(
                    "stale",
                    f"{what} is no longer {believed}: somebody else was first.",
                    "Load the page again to see how it stands now.",
                )
            ]
        )


def reason_problems(
    words: str, said: str, *, what: str = "why", about: str = "words", most: int = WORDS_MAX
) -> list[Problem]:
    """What ends, changes or takes back something is done with a reason, in at most `most` letters.

    Without one `said` is wrong, and `what` is to be said.
    """
    if words.strip() and len(words) <= most:
        return []
    return [Problem("reason", said, f"Say in at most {most} letters {what}.", about=about)]


def refuse(problems: Iterable[Problem]) -> None:
    """Raise Refusal if there is any problem."""
    found = list(problems)
    if found:
        raise Refusal(found)
