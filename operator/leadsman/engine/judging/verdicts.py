"""What was in sync before a restart, so that only what has changed since is compared.

An entry says that an object as Git has it was found in sync with the object that lives at a
resourceVersion, by rules, a schema and code of which it keeps a digest. So it is never out of date:
where anything of that is another, it is not found. The first list of the object's kind tells
whether it still lives at that version; until then it is ``assumed`` and not said to be in sync.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

import leadsman
from leadsman.storage import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from leadsman.engine.state import TargetState
    from leadsman.model.desired import DesiredObject
    from leadsman.model.identity import Gvk, TargetKey

log = logging.getLogger(__name__)

# Another number where what is kept would be read in another way.
_FORMAT: Final = 1
# Objects that are written down between two turns of the event loop: 2 us each.
_AT_ONCE: Final = 2000
_EVERY: Final = 300.0


class _Target(msgspec.Struct, array_like=True, gc=False):
    """One target's objects: digests as in ``_digest``, with the resourceVersions that live."""

    kind: str
    namespace: str
    name: str
    uid: str
    objects: dict[bytes, str]


class _File(msgspec.Struct, array_like=True):
    format: int
    targets: list[_Target]


class VerdictCache:
    """A file of verdicts that outlives the process; without it everything is compared.

    ``schema`` returns what identifies how a kind is described now.
    """

    def __init__(self, path: Path, schema: Callable[[Gvk], str]) -> None:
        self._path = path
        self._schema = schema
        self._code = _code()
        self._known: dict[tuple[str, str, str, str], dict[bytes, str]] = {}
        self._judged = 0

    async def load(self) -> None:
        """Read what an earlier process has written; what cannot be read is as if it was not."""
        with suppress(OSError, msgspec.MsgspecError):
            data = await asyncio.to_thread(self._path.read_bytes)
            file = msgspec.msgpack.decode(data, type=_File)
            if file.format == _FORMAT:
                self._known = {
                    (each.kind, each.namespace, each.name, each.uid): each.objects
                    for each in file.targets
                }

    def recall(self, state: TargetState) -> None:
        """Assume of the target's pending objects what is known, once."""
        known = self._known.pop(_ident(state), None)
        # Who asks for everything to be compared anew gets that.
        if not known or state.requested != state.handled:
            return
        schemas: dict[Gvk, bytes] = {}
        for key in tuple(state.pending):
            desired = state.desired.get(key)
            if desired is None:
                continue
            digest = self._digest(state, desired, schemas)
            if digest is not None and digest in known:
                state.assume(key, known[digest])

    async def keep(self, states: Mapping[TargetKey, TargetState]) -> None:
        """Write down what is in sync now."""
        targets = []
        schemas: dict[Gvk, bytes] = {}
        count = 0
        for state in tuple(states.values()):
            entries = self._entries(state, schemas)
            if entries:
                targets.append(
                    _Target(state.key.kind, state.key.namespace, state.key.name, state.uid, entries)
                )
            count += len(entries)
            if count >= _AT_ONCE:
                count = 0
                await asyncio.sleep(0)
        try:
            await asyncio.to_thread(self._write, _File(_FORMAT, targets))
        except OSError as error:
            # It only costs time after the next start.
            log.warning("the verdicts cannot be kept: %s", error.strerror or error)

    async def run(self, states: Mapping[TargetKey, TargetState], judged: Callable[[], int]) -> None:
        """Write down now and then what is in sync, if anything was judged since, and at the end.

        ``judged`` returns how many objects have been so far.
        """
        try:
            while True:
                await asyncio.sleep(_EVERY)
                await self._keep_news(states, judged())
        finally:
            await self._keep_news(states, judged())

    async def _keep_news(self, states: Mapping[TargetKey, TargetState], judged: int) -> None:
        if judged != self._judged:
            self._judged = judged
            await self.keep(states)

    def _write(self, file: _File) -> None:
        write_whole(self._path, msgspec.msgpack.encode(file))

    def _entries(self, state: TargetState, schemas: dict[Gvk, bytes]) -> dict[bytes, str]:
        entries = {}
        for key, version in state.versions.items():
            desired = state.desired.get(key)
            if desired is not None and state.is_plainly_in_sync(key):
                digest = self._digest(state, desired, schemas)
                if digest is not None:
                    entries[digest] = version
        return entries

    def _digest(
        self, state: TargetState, desired: DesiredObject, schemas: dict[Gvk, bytes]
    ) -> bytes | None:
        """Identify all that a verdict depends on besides the live object, if that is known."""
        if state.policy is None:
            return None
        described = schemas.get(desired.gvk)
        if described is None:
            described = schemas[desired.gvk] = self._schema(desired.gvk).encode()
        if not described:
            return None
        names = (str(name).encode() for name in (desired.key, desired.gvk, desired.written))
        digest = hashlib.blake2b(digest_size=16)
        for part in (self._code, state.policy.digest, described, desired.digest, *names):
            digest.update(b"%d:%b" % (len(part), part))
        return digest.digest()


def _ident(state: TargetState) -> tuple[str, str, str, str]:
    return state.key.kind, state.key.namespace, state.key.name, state.uid


def _code() -> bytes:
    """Identify the code and its data: of all that there is, since what decodes judges, too."""
    digest = hashlib.blake2b(digest_size=16)
    root = Path(leadsman.__file__).parent
    for path in sorted(_sources(root)):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes())
    return digest.digest()


def _sources(root: Path) -> Iterable[Path]:
    return (path for path in root.rglob("*") if path.is_file() and path.suffix in {".py", ".json"})
