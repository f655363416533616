"""Start programs in order, keep them running, and end them in the reverse order.

The order of ending is what keeps benches safe: those who ask for current end first, the
guardians that switch it off and prove it next, the (simulated) instruments last.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from deploy.supervisor.child import Child
from deploy.supervisor.program import Program, StartFailed
from deploy.supervisor.sweeper import Sweeper
from deploy.supervisor.terminal import hangups

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
HURRIED_STOP_S = 3.0
BACKOFF_S = (0.5, 1.0, 2.0, 4.0, 8.0)
FIRST_TRIES = 3
MAKE_SAFE_S = 20.0


class Supervisor:
    """`run` starts `programs` and returns when it was told to close, everything stopped."""

    def __init__(
        self, programs: Sequence[Program], *, folder: Path, say: Callable[[str, str], None]
    ) -> None:
        self._programs = sorted(programs, key=lambda program: program.stage)
        self._folder = folder
        self._say = say
        self._first_stage = min((program.stage for program in programs), default=0)
        self._sweeper: Sweeper | None = None
        self._children: dict[str, Child] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._closing = asyncio.Event()
        self._hurry = asyncio.Event()
        self._signal: signal.Signals | None = None

    async def run(
        self,
        *,
        story: Program | None = None,
        close_after_story: bool = False,
        on_ready: Callable[[], None] = lambda: None,
    ) -> int:
        """0, the story's exit code, 1 for a failed start, or 128 + signal for a cut story."""
        self._sweeper = Sweeper()
        loop = asyncio.get_running_loop()
        for sign in SIGNALS:
            loop.add_signal_handler(sign, self._on_signal, sign)
        try:
            with hangups() as terminal:
                if terminal is not None:
                    loop.add_reader(terminal, self._on_closed_terminal, terminal)
                return await self._start_and_serve(story, close_after_story, on_ready)
        except StartFailed as failure:
            self._say("demo", str(failure))
            return 1
        finally:
            self._closing.set()
            await self._close()
            self._sweeper.dismiss()
            for sign in SIGNALS:
                loop.remove_signal_handler(sign)

    def close(self) -> None:
        self._closing.set()

    async def _start_and_serve(
        self, story: Program | None, close_after_story: bool, on_ready: Callable[[], None]
    ) -> int:
        if not await self._unless_closing(self._start_all()):
            return self._interrupted(close_after_story)
        on_ready()
        if story is not None:
            played = asyncio.ensure_future(self._play(story))
            if not await self._unless_closing(played):
                return self._interrupted(close_after_story)
            if close_after_story:
                return played.result()
        await self._closing.wait()
        return 0

    def _interrupted(self, matters: bool) -> int:
        return 128 + self._signal if matters and self._signal is not None else 0

    def _on_closed_terminal(self, terminal: int) -> None:
        asyncio.get_running_loop().remove_reader(terminal)
        self._on_signal(signal.SIGHUP)

    def _on_signal(self, sign: signal.Signals) -> None:
        if self._closing.is_set():
            if sign is signal.SIGHUP:
                return  # the terminal's end may be told twice
            self._say("demo", "in a hurry: ending what does not end by itself")
            self._hurry.set()
            return
        self._signal = sign
        self._say("demo", f"{sign.name}: stopping everything, outputs off (again: in a hurry)")
        self._closing.set()

    async def _unless_closing(self, work: asyncio.Future[int] | asyncio.Future[None]) -> bool:
        """Await `work`, unless told to close first; then it is cancelled and False returned."""
        told = asyncio.ensure_future(self._closing.wait())
        await asyncio.wait({work, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if work.done():
            work.result()
            return True
        work.cancel()
        await asyncio.wait({work})
        return False

    def _start_all(self) -> asyncio.Future[None]:
        return asyncio.ensure_future(self._start_stages())

    async def _start_stages(self) -> None:
        for stage in sorted({program.stage for program in self._programs}):
            ready = []
            for program in self._programs:
                if program.stage == stage:
                    is_ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    self._keepers[program.name] = asyncio.create_task(self._keep(program, is_ready))
                    ready.append(is_ready)
            await asyncio.gather(*ready)

    async def _keep(self, program: Program, is_ready: asyncio.Future[None]) -> None:
        """Run `program` again and again until told to close."""
        failures = 0
        while not self._closing.is_set():
            child = await self._launch(program)
            if child is not None and self._closing.is_set():
                await child.stop(self._patience)
                return
            if child is not None and await child.wait_ready():
                if not is_ready.done():
                    is_ready.set_result(None)
                failures = 0
                reason = await self._watch(child)
            elif child is not None:
                child.kill()
                reason = f"not ready, ended with {await child.wait_end()}"
            else:
                reason = "cannot be started"
            if self._closing.is_set():
                return
            failures += 1
            self._say(program.name, f"[{reason}]")
            if not is_ready.done() and (failures >= FIRST_TRIES or not program.restarts):
                words = list(child.last_words)[-1:] if child is not None else []
                is_ready.set_exception(StartFailed(f"{program.name} {reason} {' '.join(words)}"))
                return
            if not program.restarts:
                return
            await self._make_safe(program)
            await self._pause(BACKOFF_S[min(failures, len(BACKOFF_S)) - 1])

    async def _launch(self, program: Program) -> Child | None:
        child = await self._start(program)
        if child is not None:
            self._children[program.name] = child
        return child

    async def _start(self, program: Program) -> Child | None:
        # The first stage is what the others need to end well: no sudden death for it.
        orphan = program.stage == self._first_stage
        say = partial(self._say, program.name)
        try:
            child = await Child.start(program, self._folder, say, orphan=orphan)
        except OSError as error:
            say(str(error))
            return None
        if self._sweeper is not None:
            self._sweeper.watch(program.stage, child.pid)
            child.on_end(partial(self._sweeper.forget, program.stage, child.pid))
        return child

    async def _watch(self, child: Child) -> str:
        """Why it runs no longer, in words."""
        ended = asyncio.ensure_future(child.wait_end())
        silent = asyncio.ensure_future(child.wait_silence())
        complaint = asyncio.ensure_future(child.wait_complaint())
        await asyncio.wait({ended, silent, complaint}, return_when=asyncio.FIRST_COMPLETED)
        silent.cancel(), complaint.cancel()
        if ended.done():
            return f"ended with {ended.result()}"
        if complaint.done():
            await child.stop(self._patience)
            return "does not do its work: ended"
        child.kill()
        await ended
        return f"no heartbeat for {child.program.heartbeat_s:g} s: killed"

    async def _make_safe(self, program: Program) -> None:
        """Run the program's off command to its end; the next start proves it again."""
        if not program.make_safe:
            return
        safe = Program(name=program.name, command=program.make_safe, stop_s=1.0)
        child = await self._start(safe)
        if child is None:
            return
        try:
            code = await asyncio.wait_for(child.wait_end(), MAKE_SAFE_S)
            self._say(program.name, f"[made safe: exit {code}]")
        except TimeoutError:
            child.kill()
            self._say(program.name, "[could not be made safe in time: SWITCH OFF BY HAND]")

    async def _play(self, story: Program) -> int:
        child = await self._start(story)
        if child is None:
            return 1
        try:
            return await child.wait_end()
        finally:
            child.kill()

    async def _pause(self, seconds: float) -> None:
        told = asyncio.ensure_future(self._closing.wait())
        await asyncio.wait({told}, timeout=seconds)
        told.cancel()

    async def _close(self) -> None:
        """Stop stage after stage, the last started first."""
        for stage in sorted({program.stage for program in self._programs}, reverse=True):
            programs = [program for program in self._programs if program.stage == stage]
            await asyncio.gather(*(self._stop(program) for program in programs))
            # A keeper may still be making its program safe.
            keepers = [self._keepers[p.name] for p in programs if p.name in self._keepers]
            if keepers:
                await asyncio.wait(keepers, timeout=MAKE_SAFE_S)
                for keeper in keepers:
                    keeper.cancel()

    async def _stop(self, program: Program) -> None:
        child = self._children.get(program.name)
        if child is None:
            return
        if not await child.stop(self._patience):
            self._say(program.name, f"[did not end within {program.stop_s:g} s: killed]")
            await self._make_safe(program)

    def _patience(self, seconds: float) -> asyncio.Future[None]:
        """Done after `seconds`, or a short while after somebody is in a hurry."""

        async def lose() -> None:
            hurried = asyncio.ensure_future(self._hurry.wait())
            await asyncio.wait({hurried}, timeout=seconds)
            if hurried.done():
                await asyncio.sleep(min(seconds, HURRIED_STOP_S))
            hurried.cancel()

        return asyncio.ensure_future(lose())
