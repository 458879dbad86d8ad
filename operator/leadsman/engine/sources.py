"""Where a target's desired state comes from now: which commit, and its files."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from leadsman.errors import LeadsmanError, SourceError
from leadsman.model.source import LocalSource
from leadsman.source.local import local_artifact

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.engine.lookup import Lookup
    from leadsman.engine.state import TargetState
    from leadsman.model.source import Artifact, Commit, Credentials, GitSource
    from leadsman.model.target import Target
    from leadsman.source.mirrors import GitMirrors

# Several targets of one repository that poll within so many seconds share one answer, but a target
# asks no less often than its interval says.
_SHARED_FOR = 2.0
_SHARED_PART = 0.5


class Sources:
    """Asks Git, with the credentials that a target names.

    ``staged`` is called with a stage's name and the seconds that it took.
    """

    def __init__(
        self, mirrors: GitMirrors, lookup: Lookup, staged: Callable[[str, float], None]
    ) -> None:
        self._mirrors = mirrors
        self._lookup = lookup
        self._staged = staged

    async def commit(self, state: TargetState, target: Target) -> Commit | None:
        """Return the commit to check; None for a local folder, which is read as it is.

        Raises:
            LeadsmanError: the credentials cannot be read, or Git cannot be asked.

        """
        source = target.source
        if isinstance(source, LocalSource):
            return None
        credentials = await self._credentials(source)
        if target.suspended and state.commit is not None and state.commit.sha:
            return state.commit
        started = time.monotonic()
        try:
            return await self._ask(state, source, credentials)
        except LeadsmanError:
            # A rotated password is the likeliest cause that another look at the Secret mends.
            self._lookup.forget_credentials(source)
            raise
        finally:
            self._staged("source", time.monotonic() - started)

    async def artifact(self, target: Target, commit: Commit | None) -> Artifact:
        """Return the files of a commit, or of a local folder.

        Raises:
            LeadsmanError: the credentials cannot be read, or the files cannot be had.

        """
        source = target.source
        if isinstance(source, LocalSource):
            return await asyncio.to_thread(local_artifact, source)
        assert commit is not None  # noqa: S101 - tells the type checker what commit() returns
        credentials = await self._credentials(source)
        started = time.monotonic()
        try:
            return await self._mirrors.artifact(source, credentials, commit)
        except LeadsmanError:
            self._lookup.forget_credentials(source)
            raise
        finally:
            self._staged("checkout", time.monotonic() - started)

    async def _credentials(self, source: GitSource) -> Credentials | None:
        return await self._lookup.credentials(source) if source.secret else None

    async def _ask(
        self, state: TargetState, source: GitSource, credentials: Credentials | None
    ) -> Commit:
        max_age = min(_SHARED_FOR, source.interval * _SHARED_PART)
        try:
            return await self._mirrors.resolve(source, credentials, max_age=max_age)
        except SourceError as error:
            known = state.failure is not None and state.failure.reason == error.reason
            if error.reason != "RefNotFound" or known:
                raise
        # What another target was told a moment ago may be older than the push of this reference.
        return await self._mirrors.resolve(source, credentials)
