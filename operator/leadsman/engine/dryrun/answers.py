"""Which of the API server's answers outlive the process, and on what they depend."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadsman.engine.dryrun.confirmer import Confirmer
    from leadsman.engine.state import TargetState
    from leadsman.live.admission import AdmissionWatch
    from leadsman.model.identity import ObjectKey

# Seconds that all targets together wait for it to be known how admission is.
_PATIENCE = 10.0


@dataclass(slots=True)
class Answers:
    """What was answered, by the admission that there is now."""

    confirmer: Confirmer
    admission: AdmissionWatch
    _until: float = field(default=0.0, init=False)

    async def ready(self) -> None:
        """Wait until it is known how admission is, some seconds after the first call at most."""
        now = asyncio.get_running_loop().time()
        self._until = self._until or now + _PATIENCE
        await self.admission.listed(self._until - now)

    @property
    def basis(self) -> str:
        """Identify what the answers that stand depend on besides their objects, "" if unknown."""
        return self.admission.identity

    def stand(self, state: TargetState, key: ObjectKey) -> bytes:
        """Return what identifies the answer that an object is in sync; empty if none stands."""
        return state.confirmed[key] if self.confirmer.stands(state, key) else b""
