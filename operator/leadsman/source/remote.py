"""One repository, opened with one set of credentials: asked, fetched and kept once for all."""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from leadsman.errors import SourceError
from leadsman.source.failure import refuses_object, timed_out, too_large
from leadsman.source.flight import Flight
from leadsman.source.mirror import Mirror
from leadsman.source.program import Program
from leadsman.source.refs import Candidate, Listing, candidates, not_found

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
    from pathlib import Path

    from leadsman.model.source import GitRef
    from leadsman.source.credentials import Access
    from leadsman.source.mirror import CommitInfo
    from leadsman.source.process import Finished
    from leadsman.source.program import Workshop


class Remote:
    """A repository as a server has it, with the mirrors of it that are here.

    Most need only single commits, which are fetched without history into a shallow mirror. The
    other mirror is for servers that give no commit by its id, and for looking into a history.
    """

    def __init__(self, access: Access, folder: Path, workshop: Workshop) -> None:
        self.access = access
        self.name = folder.name
        self.where = str(access.url)
        self.used = time.monotonic()
        self._users = 0
        self._limits = workshop.limits
        self._program = Program(access, workshop)
        self._shallow = Mirror(folder.with_suffix(".git"), workshop.program, self.where)
        self._full = Mirror(folder.with_suffix(".full.git"), workshop.program, self.where)
        self._flights: dict[Hashable, Flight[Any]] = {}
        self._complete = False
        self._asked = 0.0
        self._answer: Listing | SourceError | None = None
        self._listing: Listing | None = None
        self._choices: dict[GitRef, tuple[Candidate, ...]] = {}
        self._contained: set[tuple[str, str]] = set()

    @property
    def disposable(self) -> bool:
        """Whether nobody is using it."""
        return not self._users

    @property
    def folders(self) -> list[Path]:
        """The folders of its mirrors."""
        return [mirror.path for mirror in (self._shallow, self._full) if mirror.exists]

    @contextmanager
    def using(self) -> Iterator[Remote]:
        """Keep it while the block runs."""
        self._users += 1
        try:
            yield self
        finally:
            self._users -= 1
            self.used = time.monotonic()

    async def listing(self, *, complete: bool, max_age: float, seconds: float) -> Listing:
        """Return what the server has, as of at most ``max_age`` seconds ago.

        ``complete`` asks for all references, not only branches and tags.
        """
        # Once somebody needs all references, everybody gets them: one question is cheaper.
        self._complete = complete = self._complete or complete
        key = ("ls-remote", complete)
        if time.monotonic() - self._asked <= max_age:
            if isinstance(self._answer, SourceError):
                error = self._answer
                raise SourceError(error.reason, error.message, retryable=error.retryable)
            if self._answer is not None and (self._answer.complete or not complete):
                return self._answer
        elif (flight := self._flights.get(key)) is not None and flight.begun:
            del self._flights[key]  # it asked too long ago
        doing = "listing its branches and tags"
        listing: Listing = await self._share(key, self._ask, seconds, doing)
        return listing

    def doubt(self) -> None:
        """Take no answer that was asked for before now: somebody has pushed."""
        self._asked = -math.inf

    def choose(self, ref: GitRef, listing: Listing) -> tuple[Candidate, ...]:
        """Return what a reference means; worked out again only when the server says other."""
        if listing is not self._listing:
            return candidates(ref, listing)
        if ref not in self._choices:
            self._choices[ref] = candidates(ref, listing)
        return self._choices[ref]

    async def ensure(self, sha: str, ref: str, seconds: float) -> Mirror:
        """Return a mirror that has a commit, fetched if need be; ``ref`` leads to it, if known."""
        while True:
            for mirror in (self._shallow, self._full):
                if sha in mirror.commits:
                    return mirror

            async def obtain(begin: Callable[[], None]) -> None:
                await self._obtain(sha, ref, begin)

            await self._share(("fetch", sha), obtain, seconds, f"fetching {ref or sha}")

    async def info(self, found: Candidate, seconds: float) -> CommitInfo:
        """Return what is shown of a commit."""
        mirror = await self.ensure(found.sha, found.ref, seconds)
        return mirror.commits[found.sha]

    async def contains(self, branch: str, tip: str, sha: str, seconds: float) -> bool:
        """Tell whether a commit is part of a branch that ends at ``tip``."""
        if sha != tip and (sha, tip) not in self._contained:

            async def look(begin: Callable[[], None]) -> None:
                if await self._is_ancestor(branch, sha, begin):
                    self._contained.add((sha, tip))

            key = ("history", branch, tip, sha)
            await self._share(key, look, seconds, f"fetching the branch {branch}")
        return sha == tip or (sha, tip) in self._contained

    async def _share(
        self,
        key: Hashable,
        operation: Callable[[Callable[[], None]], Awaitable[Any]],
        seconds: float,
        doing: str,
    ) -> Any:
        """Wait for what is under way under a key, or begin it."""
        flight = self._flights.get(key)
        if flight is None or flight.over:
            flight = self._flights[key] = Flight(operation)
        try:
            return await flight.join(seconds)
        except TimeoutError:
            raise timed_out(self.where, doing, seconds) from None
        finally:
            if flight.over and self._flights.get(key) is flight:
                del self._flights[key]

    async def _ask(self, begin: Callable[[], None]) -> Listing:
        complete = self._complete
        asked = math.nan

        def begun() -> None:
            nonlocal asked
            asked = self._asked = time.monotonic()
            self._answer = None
            begin()

        command = ["ls-remote", *([] if complete else ["--heads", "--tags"]), "--"]
        try:
            done = await self._program.run(
                [*command, self.access.url.text], begin=begun, operation="ls-remote"
            )
            if done.code:
                raise self._program.failure(done)
        except SourceError as error:
            if self._asked == asked:
                self._answer = error
            raise
        listing = Listing(done.stdout, complete)
        if self._asked != asked:
            # It was doubted, or asked again, meanwhile: good only for who was waiting for it.
            return listing
        if listing != self._listing:
            self._listing = listing
            self._choices.clear()
        self._answer = self._listing
        return self._listing

    async def _obtain(self, sha: str, ref: str, begin: Callable[[], None]) -> None:
        wanted = f"+{sha}:refs/leadsman/{sha}"
        given = await self._fetch(self._shallow, ["--depth=1"], [wanted], begin, by_id=True)
        if given and await self._has(self._shallow, sha):
            return
        # A server that gives no commit by its id gives whole branches, and perhaps it is in one.
        specs = ["+refs/heads/*:refs/leadsman/heads/*", "+refs/tags/*:refs/leadsman/tags/*"]
        if ref and not ref.startswith(("refs/heads/", "refs/tags/")):
            specs.append(f"+{ref}:refs/leadsman/other")
        given = await self._fetch(self._full, ["--prune"], specs, begin)
        if not given or not await self._has(self._full, sha):
            raise not_found(f"{self.where}: it has no commit {sha}")

    async def _is_ancestor(self, branch: str, sha: str, begin: Callable[[], None]) -> bool:
        ours = f"refs/leadsman/branch-of-{sha}"
        if not await self._fetch(self._full, [], [f"+refs/heads/{branch}:{ours}"], begin):
            raise not_found(f"{self.where}: there is no branch {branch!r}")
        # It also fails where the commit is not there at all, so in no branch.
        done = await self._program.run(["merge-base", "--is-ancestor", sha, ours], self._full)
        return done.code == 0 and await self._has(self._full, sha)

    async def _has(self, mirror: Mirror, sha: str) -> bool:
        """Look whether a commit came with a fetch, and remember what it says."""
        with mirror.reading():
            info = await asyncio.to_thread(mirror.read_commit, sha)
        if info is not None:
            mirror.commits[sha] = info
        return info is not None

    async def _fetch(
        self,
        mirror: Mirror,
        options: Sequence[str],
        specs: Sequence[str],
        begin: Callable[[], None],
        *,
        by_id: bool = False,
    ) -> bool:
        """Fetch into a mirror; False if the server does not give what was asked for.

        ``by_id`` takes words of a server that nobody knows for a refusal, too.
        """
        command = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", *options, "--"]
        command += [self.access.url.text, *specs]
        limit = self._limits.repository

        def watch() -> None:
            if mirror.size() > limit:
                raise too_large(self.where, "what is fetched is too large", f"{limit} bytes")

        async def attempt() -> Finished:
            if not mirror.exists:
                await self._make(mirror)
            try:
                return await self._program.run(
                    command, mirror, begin=begin, operation="fetch", watch=watch
                )
            finally:
                mirror.tidy()

        async with mirror.lock:
            if mirror.worn and mirror.disposable:
                mirror.clear()
            older = bool(mirror.commits)
            try:
                done = await attempt()
            except SourceError as error:
                if error.reason != "TooLarge" or not older or not mirror.disposable:
                    raise
                # It may be the older commits that fill the mirror.
                mirror.clear()
                done = await attempt()
        if not done.code:
            return True
        failure = self._program.failure(done)
        if refuses_object(done.stderr) or (by_id and failure.reason == "GitFailed"):
            return False
        raise failure

    async def _make(self, mirror: Mirror) -> None:
        path = str(mirror.path)
        done = await self._program.run(["init", "--quiet", "--bare", "--template=", "--", path])
        if done.code:
            raise self._program.failure(done)
