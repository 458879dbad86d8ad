"""The git program, run for one repository: with its credentials and nothing else of ours."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from leadsman.errors import SourceError
from leadsman.source import process
from leadsman.source.failure import git_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from leadsman.source.credentials import Access
    from leadsman.source.limits import Limits
    from leadsman.source.mirror import Mirror

_REDIRECTED = re.compile(r"returned error: 30[12378]")
# What of our own environment git and ssh may see.
_INHERITED = (
    "PATH", "LD_LIBRARY_PATH", "GIT_EXEC_PATH", "GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
)  # fmt: skip


@dataclass(slots=True)
class Workshop:
    """What all repositories share: the program, the limits, the places and who is told.

    ``protocols`` are those that git may use, separated by colons. ``home`` is an empty folder.
    ``observe`` is called with the operation (``ls-remote``, ``fetch`` or ``checkout``), the
    seconds that it took and ``ok`` or the reason of its failure.
    """

    program: str
    limits: Limits
    protocols: str
    temporary: Path
    home: Path
    observe: Callable[[str, float, str], None]
    turns: defaultdict[str, asyncio.Semaphore] = field(init=False)

    def __post_init__(self) -> None:
        self.turns = defaultdict(lambda: asyncio.Semaphore(self.limits.per_host))

    def environment(self) -> dict[str, str]:
        """Return the environment of a git that reads no configuration and asks nobody."""
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return inherited | {
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_CEILING_DIRECTORIES": str(self.home.parent),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": self.protocols,
            "LC_ALL": "C",
        }


class Program:
    """Runs git for the repository that ``access`` opens."""

    def __init__(self, access: Access, workshop: Workshop) -> None:
        self._access = access
        self._workshop = workshop
        self._where = str(access.url)
        self._follow = False

    async def run(
        self,
        command: Sequence[str],
        mirror: Mirror | None = None,
        *,
        begin: Callable[[], None] | None = None,
        operation: str = "",
        watch: Callable[[], None] | None = None,
    ) -> process.Finished:
        """Run git, in a mirror if one is given, when it is this server's turn.

        ``begin`` is called when the turn has come; ``operation`` is what is observed. What git
        itself says is the caller's to judge.

        Raises:
            SourceError: git could not run, or had to be stopped.
        """
        started = time.monotonic()
        outcome = "Timeout"
        try:
            async with self._workshop.turns[self._access.url.host]:
                if begin is not None:
                    begin()
                started = time.monotonic()
                done = await self._git(command, mirror, watch)
                if self._redirected(done):
                    self._follow = True
                    done = await self._git(command, mirror, watch)
            outcome = self.failure(done).reason if done.code else "ok"
        except SourceError as error:
            outcome = error.reason
            raise
        finally:
            if operation:
                self._workshop.observe(operation, time.monotonic() - started, outcome)
        return done

    def failure(self, done: process.Finished) -> SourceError:
        """Return the error that git's words mean."""
        if self._follow and "could not read Username" in done.stderr:
            # Ours would have had an answer: it is another server that asks.
            return SourceError(
                "Redirected",
                f"{self._where}: the server redirects to another server that wants credentials; "
                "they are not sent there: put the new address into the url",
                retryable=False,
            )
        return git_failure(
            done.stderr,
            where=self._where,
            authenticated=self._access.authenticated,
            scrub=self._access.scrub,
        )

    def _redirected(self, done: process.Finished) -> bool:
        """Tell whether it is worth to try again, and let git follow redirects from now on."""
        if not done.code or self._follow or not self._access.can_follow:
            return False
        return bool(_REDIRECTED.search(done.stderr))

    async def _git(
        self, command: Sequence[str], mirror: Mirror | None, watch: Callable[[], None] | None
    ) -> process.Finished:
        workshop = self._workshop
        with self._access.session(workshop.temporary, follow=self._follow) as more:
            environment = workshop.environment() | more
            if mirror is not None:
                environment["GIT_DIR"] = str(mirror.path)
            return await process.run(
                [workshop.program, *command],
                environment=environment,
                folder=workshop.home,
                where=self._where,
                stdout_limit=workshop.limits.listing,
                watch=watch,
            )
