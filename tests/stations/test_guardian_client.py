"""Single questions to a guardian: each on its own connection, or all on one that may be lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stations.guardian_client import GuardianLink, GuardianSilent
from stations.wire import LineBuffer, encode, listen, socket_in


@contextmanager
def answering(folder: Path, questions: list[int]) -> Iterator[Path]:
    """A guardian that hangs up after so many questions on each connection, then is gone.

    What is left in `questions` is how many were asked on the connections that were not made.
    """
    path = socket_in(folder)

    def serve() -> None:
        while questions:
            connection, _ = listener.accept()
            connection.settimeout(5.0)
            with connection:
                heard = LineBuffer()
                for _ in range(questions.pop(0)):
                    data = connection.recv(65536)
                    for message in heard.feed(data):
                        connection.sendall(
                            encode({"id": message["id"], "ok": True, "output": "off"})
                        )

    with listen(path) as listener:
        listener.setblocking(True)
        thread = threading.Thread(target=serve)
        thread.start()
        yield path
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_a_kept_link_asks_on_one_connection_and_on_another_once_that_is_lost(
    tmp_path: Path,
) -> None:
    with answering(tmp_path, [3, 2]) as path:
        link = GuardianLink(path, keeps=True)

        told = [link.status() for _ in range(5)]

    assert told == [{"output": "off"}] * 5


def test_each_question_has_a_connection_of_its_own_otherwise(tmp_path: Path) -> None:
    with answering(tmp_path, [1, 1]) as path:
        link = GuardianLink(path)

        assert [link.status() for _ in range(2)] == [{"output": "off"}] * 2


def test_a_guardian_that_has_gone_is_silent(tmp_path: Path) -> None:
    with answering(tmp_path, [1]) as path:
        link = GuardianLink(path, keeps=True, timeout_s=0.5)
        link.status()

    with pytest.raises(GuardianSilent, match=r"no guardian at .*guardian.sock"):
        link.status()
