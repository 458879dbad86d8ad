"""All Git repositories that targets name: what a reference means now, and its files.

Targets that name the same repository with the same credentials share its mirror, each question to
the server, each fetch and each checkout.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from leadsman.errors import SourceError
from leadsman.model.source import Artifact, Commit
from leadsman.source.checkouts import Checkout, CheckoutPlan, remove_tree
from leadsman.source.credentials import read_secret
from leadsman.source.failure import timed_out
from leadsman.source.flight import Flight
from leadsman.source.limits import Limits
from leadsman.source.program import Workshop
from leadsman.source.refs import needs_complete_listing, not_found, pinned, revision
from leadsman.source.remote import Remote
from leadsman.source.url import parse_url, repository_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import TypeAlias

    from leadsman.model.source import Credentials, GitSource
    from leadsman.source.refs import Candidate
    from leadsman.source.url import RemoteUrl

    _Key: TypeAlias = tuple[str, str, str | None, bool]

_GRACE = 60.0
_FOLDERS = ("home", "mirrors", "checkouts", "temporary")


class GitMirrors:
    """The mirrors and checkouts of one process.

    ``root`` is a folder for this process alone: what an earlier one left there is removed.
    ``git`` is the program, a name on PATH or a path. ``allow_file`` allows ``file://``
    repositories, which are for tests. What nobody uses is kept for ``grace`` seconds. ``observe``
    is called after each operation with its name (``ls-remote``, ``fetch``, ``checkout``), its
    seconds, and ``ok`` or the reason of its failure.
    """

    def __init__(
        self,
        root: Path,
        *,
        git: str = "git",
        limits: Limits | None = None,
        allow_file: bool = False,
        grace: float = _GRACE,
        observe: Callable[[str, float, str], None] | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._allow_file = allow_file
        self._grace = grace
        self._observe = _ignore if observe is None else observe
        home, self._mirrors, self._folder, self._temporary = (root / name for name in _FOLDERS)
        for folder in (home, self._mirrors, self._folder, self._temporary):
            remove_tree(folder)
            folder.mkdir(parents=True, mode=0o700)
        self._workshop = Workshop(
            program=git,
            limits=self._limits,
            protocols="http:https:ssh:file" if allow_file else "http:https:ssh",
            temporary=self._temporary,
            home=home,
            observe=self._observe,
        )
        # Folders are named after a hash that tells nothing of the password in it.
        self._salt = secrets.token_bytes(16)
        self._remotes: dict[str, Remote] = {}
        self._checkouts: dict[_Key, Checkout] = {}
        self._flights: dict[_Key, Flight[Checkout]] = {}
        self._removals: set[asyncio.Future[None]] = set()

    async def resolve(
        self, source: GitSource, credentials: Credentials | None, *, max_age: float = 0.0
    ) -> Commit:
        """Return the commit that a source's reference means, as of ``max_age`` seconds ago.

        An unchanged reference costs one ``git ls-remote``; a new commit is fetched.

        Raises:
            SourceError: ``InvalidURL``, ``InvalidSecret``, ``AuthenticationFailed``,
                ``RepositoryNotFound``, ``RefNotFound``, ``Unreachable``, ``TLSFailed``,
                ``HostKeyMismatch``, ``Redirected``, ``Timeout``, ``TooLarge``, ``GitFailed``.
        """
        with self._open(source, credentials).using() as remote:
            with _named(remote):
                found = await self._find(source, remote, max_age)
            info = await remote.info(found, source.timeout)
        return Commit(found.sha, found.revision, info.author, info.subject, info.time)

    async def artifact(
        self, source: GitSource, credentials: Credentials | None, commit: Commit | str
    ) -> Artifact:
        """Return a commit's files; it is fetched if it is not here, and checked out once.

        Raises:
            SourceError: as ``resolve``, ``SubmoduleFailed`` and ``InvalidTree``.
        """
        sha = commit if isinstance(commit, str) else commit.sha
        with self._open(source, credentials).using() as remote:
            key = (remote.name, sha, source.ignore, source.recurse_submodules)
            checkout = self._checkouts.get(key)
            if checkout is None or not checkout.root.is_dir():
                checkout = await self._check_out(key, remote, source, credentials)
            checkout.used = time.monotonic()
        if isinstance(commit, str):
            info = checkout.info
            commit = Commit(sha, revision(sha), info.author, info.subject, info.time)
        return Artifact(commit, checkout.root, checkout.trees)

    def doubt(self, names: Collection[str]) -> None:
        """Give no answer any more that is older than now, of repositories somebody has pushed to.

        ``names`` are addresses in the form of ``repository_name``.
        """
        for remote in self._remotes.values():
            if repository_name(remote.access.url.text) in names:
                remote.doubt()

    def prune(self, keep: Collection[Artifact | Path]) -> None:
        """Remove the checkouts that are not in ``keep``, and the mirrors that nobody asks.

        It only moves them away; the files are removed in the background.
        """
        now = time.monotonic()
        roots = {item if isinstance(item, Path) else item.root for item in keep}
        kept = set()
        for key, checkout in list(self._checkouts.items()):
            if checkout.root in roots:
                checkout.used = now
                kept.add(key[0])
            elif now - checkout.used >= self._grace:
                del self._checkouts[key]
                self._remove(checkout.root)
        for name, remote in list(self._remotes.items()):
            if name not in kept and remote.disposable and now - remote.used >= self._grace:
                del self._remotes[name]
                for folder in remote.folders:
                    self._remove(folder)

    async def close(self) -> None:
        """Wait until what was pruned is gone."""
        while self._removals:
            await asyncio.wait(self._removals)

    def _open(self, source: GitSource, credentials: Credentials | None) -> Remote:
        """Return the one remote for all sources with this address and these credentials."""
        url = parse_url(source.url, allow_file=self._allow_file)
        secret = f"{source.namespace}/{source.secret}" if source.secret else ""
        return self._open_url(url, credentials, secret)

    def _open_url(self, url: RemoteUrl, credentials: Credentials | None, secret: str) -> Remote:
        digest = blake2b(key=self._salt, digest_size=12)
        data = credentials.data if credentials else {}
        parts = [url.text.encode(), url.user.encode(), url.password.encode()]
        for part in parts + [part for item in sorted(data.items()) for part in _encoded(*item)]:
            digest.update(b"%d:%b" % (len(part), part))
        name = digest.hexdigest()
        if name not in self._remotes:
            access = read_secret(url, credentials, secret)
            self._remotes[name] = Remote(access, self._mirrors / name, self._workshop)
        return self._remotes[name]

    async def _find(self, source: GitSource, remote: Remote, max_age: float) -> Candidate:
        """Decide which commit a reference means."""
        ref = source.ref
        if ref.commit and not ref.branch:
            return pinned(ref)
        listing = await remote.listing(
            complete=needs_complete_listing(ref), max_age=max_age, seconds=source.timeout
        )
        if ref.commit:
            found = pinned(ref)
            (tip,) = remote.choose(type(ref)(branch=ref.branch), listing)
            if not await remote.contains(ref.branch, tip.sha, found.sha, source.timeout):
                raise not_found(f"the branch {ref.branch!r} has no commit {found.sha}")
            return found
        choices = remote.choose(ref, listing)
        if len(choices) == 1:
            return choices[0]
        # Versions that differ only in build metadata: the newest commit is meant, as in Flux.
        times = [(await remote.info(one, source.timeout)).time for one in choices]
        return max(zip(times, choices, strict=True), key=lambda pair: pair[0])[1]

    async def _check_out(
        self, key: _Key, remote: Remote, source: GitSource, credentials: Credentials | None
    ) -> Checkout:
        """Write a checkout, or wait for the one who is at it."""

        def submodule(parent: Remote, url: str) -> Remote:
            inner = parse_url(url, allow_file=self._allow_file)
            # Another server is none of the Secret's business.
            ours = credentials if inner.origin == parent.access.url.origin else None
            secret = f"{source.namespace}/{source.secret}" if ours else ""
            return self._open_url(inner, ours, secret)

        async def check_out(begin: Callable[[], None]) -> Checkout:
            plan = CheckoutPlan(source, remote, key[1], self._limits, submodule, self._former(key))
            return await self._write(key, plan, begin)

        flight = self._flights.get(key)
        if flight is None or flight.over:
            flight = self._flights[key] = Flight(check_out)
        try:
            return await flight.join(source.timeout)
        except TimeoutError:
            raise timed_out(remote.where, "writing its files", source.timeout) from None
        finally:
            if flight.over and self._flights.get(key) is flight:
                del self._flights[key]

    def _former(self, key: _Key) -> Checkout | None:
        """Return the checkout of another commit that was used last."""
        alike = (
            checkout
            for other, checkout in self._checkouts.items()
            if (other[0], *other[2:]) == (key[0], *key[2:])
        )
        return max(alike, key=lambda checkout: checkout.used, default=None)

    async def _write(self, key: _Key, plan: CheckoutPlan, begin: Callable[[], None]) -> Checkout:
        started = time.monotonic()
        outcome = "Timeout"

        def begun() -> None:
            nonlocal started
            started = time.monotonic()
            begin()

        folder = Path(tempfile.mkdtemp(prefix="checkout-", dir=self._temporary))
        try:
            checkout = await plan.carry_out(folder, begun)
            self._keep(key, checkout)
            outcome = "ok"
        except SourceError as error:
            outcome = error.reason
            raise
        finally:
            self._observe("checkout", time.monotonic() - started, outcome)
            if outcome != "ok":
                remove_tree(folder)
        return checkout

    def _keep(self, key: _Key, checkout: Checkout) -> None:
        """Put a complete checkout where targets find it."""
        digest = blake2b(repr(key).encode(), key=self._salt, digest_size=12)
        checkout.root = checkout.root.rename(self._folder / digest.hexdigest())
        checkout.root.chmod(0o555)
        checkout.used = time.monotonic()
        self._checkouts[key] = checkout

    def _remove(self, folder: Path) -> None:
        """Move a folder out of the way at once and remove it when there is time."""
        folder.chmod(0o700)
        trash = Path(tempfile.mkdtemp(prefix="trash-", dir=self._temporary))
        folder.rename(trash / folder.name)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            remove_tree(trash)
            return
        removal = loop.run_in_executor(None, remove_tree, trash)
        self._removals.add(removal)
        removal.add_done_callback(self._removals.discard)


def _encoded(key: str, value: bytes) -> tuple[bytes, bytes]:
    return key.encode(), value


def _ignore(_operation: str, _seconds: float, _outcome: str) -> None:
    """Tell nobody."""


@contextmanager
def _named(remote: Remote) -> Iterator[None]:
    """Name the repository in errors about its references."""
    try:
        yield
    except SourceError as error:
        if error.reason != "RefNotFound" or error.message.startswith(remote.where):
            raise
        raise SourceError(
            error.reason, f"{remote.where}: {error.message}", retryable=error.retryable
        ) from None
