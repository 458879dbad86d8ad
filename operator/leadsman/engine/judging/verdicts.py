"""What was in sync before a restart, so that only what has changed since is compared.

An entry says that an object as Git has it was found in sync with the object that lives at a
resourceVersion, by rules, a schema and code of which it keeps a digest. So it is never out of date:
where anything of that is another, it is not found. The first list of the object's kind tells
whether it still lives at that version; until then it is ``assumed`` and not said to be in sync.

In DryRun mode only what the API server has confirmed is written down, with that, and by the
admission that there was: its policies and webhooks.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

import leadsman
from leadsman.storage import write_whole
from leadsman.turns import give_way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from leadsman.engine.dryrun.answers import Answers
    from leadsman.engine.state import TargetState
    from leadsman.model.desired import DesiredObject
    from leadsman.model.identity import Gvk, TargetKey

log = logging.getLogger(__name__)

# Another number where what is kept would be read in another way.
_FORMAT: Final = 2
_EVERY: Final = 300.0


# The resourceVersion, and what the API server has confirmed, as ``TargetState`` has it.
_Entry: TypeAlias = tuple[str, bytes]


class _Target(msgspec.Struct, array_like=True, gc=False):
    """One target's objects: digests as ``_Digester``'s; what lives and what was answered."""

    kind: str
    namespace: str
    name: str
    uid: str
    objects: dict[bytes, _Entry]


class _File(msgspec.Struct, array_like=True):
    format: int
    targets: list[_Target]


class VerdictCache:
    """A file of verdicts that outlives the process; without it everything is compared.

    ``schema`` returns what identifies how a kind is described now; ``answers`` are the API
    server's, None where it is not asked.
    """

    def __init__(
        self, path: Path, schema: Callable[[Gvk], str], answers: Answers | None = None
    ) -> None:
        self._path = path
        self._schema = schema
        self._answers = answers
        self._code = _code()
        self._known: dict[tuple[str, str, str, str], dict[bytes, _Entry]] = {}
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

    async def recall(self, state: TargetState) -> None:
        """Assume of the target's pending objects what is known, once."""
        known = self._known.pop(_ident(state), None)
        # Who asks for everything to be compared anew gets that.
        if not known or state.requested != state.handled:
            return
        if self._answers is not None:
            await self._answers.ready()
        digest_of = self._digester()
        for key in tuple(state.pending):
            desired = state.desired.get(key)
            if desired is None:
                continue
            digest = digest_of(state, desired)
            if digest is not None and digest in known:
                state.assume(key, *known[digest])

    async def keep(self, states: Mapping[TargetKey, TargetState]) -> None:
        """Write down what is in sync now."""
        targets = []
        digest_of = self._digester()
        for state in tuple(states.values()):
            entries = self._entries(state, digest_of)
            if entries:
                targets.append(
                    _Target(state.key.kind, state.key.namespace, state.key.name, state.uid, entries)
                )
            await give_way()
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

    def _digester(self) -> _Digester:
        basis = "ReadOnly" if self._answers is None else self._answers.basis
        return _Digester(self._code, basis, self._schema)

    def _entries(self, state: TargetState, digest_of: _Digester) -> dict[bytes, _Entry]:
        if state.stale or state.rejudge:
            return {}  # it was judged by what is not so any more
        entries = {}
        for key, version in state.versions.items():
            desired = state.desired.get(key)
            if desired is None:
                continue
            confirmed = b""
            if self._answers is None:
                stands = state.is_plainly_in_sync(key)
            else:
                stands = bool(confirmed := self._answers.stand(state, key))
            digest = digest_of(state, desired) if stands else None
            if digest is not None:
                entries[digest] = version, confirmed
        return entries


class _Digester:
    """Identifies all that a verdict depends on besides the live object."""

    def __init__(self, code: bytes, basis: str, schema: Callable[[Gvk], str]) -> None:
        self._code = code
        self._basis = basis.encode()
        self._schema = schema
        self._schemas: dict[Gvk, bytes] = {}

    def __call__(self, state: TargetState, desired: DesiredObject) -> bytes | None:
        """Return the digest, None where something is not known."""
        if state.policy is None or not self._basis:
            return None
        described = self._schemas.get(desired.gvk)
        if described is None:
            described = self._schemas[desired.gvk] = self._schema(desired.gvk).encode()
        if not described:
            return None
        names = (desired.key, desired.gvk, desired.written, desired.unconverted)
        parts = (self._code, self._basis, state.policy.digest, described, desired.digest)
        digest = hashlib.blake2b(digest_size=16)
        for part in (*parts, *(str(name).encode() for name in names)):
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
