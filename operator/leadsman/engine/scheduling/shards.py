"""Which one of several processes looks after a target.

Every process works it out for itself from the target's name, so that nobody has to hand targets
out: consistent hashing, by which one shard more takes over its share and moves nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from leadsman.errors import LeadsmanError

if TYPE_CHECKING:
    from leadsman.model.identity import TargetKey

# Knuth's multiplier for a linear congruential generator of 64 bits, as the paper has it.
_MULTIPLIER = 2862933555777941757
_MASK = (1 << 64) - 1
# What a StatefulSet puts at the end of its Pods' names.
_ORDINAL = re.compile(r".*-([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Shard:
    """One of ``count`` processes that share the targets; ``index`` counts from 0."""

    index: int = 0
    count: int = 1

    def owns(self, key: TargetKey) -> bool:
        """Tell whether the target is this shard's; it is exactly one's of all."""
        return self.count == 1 or shard_of(key, self.count) == self.index

    def __str__(self) -> str:
        return f"shard {self.index} of {self.count}"


def shard_of(key: TargetKey, count: int) -> int:
    """Return the index of the shard that owns a target, the same in every process."""
    # No name has a slash in it. Not hash(): that of a string differs from process to process.
    name = f"{key.kind}/{key.namespace}/{key.name}".encode()
    return jump(int.from_bytes(blake2b(name, digest_size=8).digest()), count)


def jump(key: int, buckets: int) -> int:
    """Return the bucket of a key of 64 bits: from ``n`` to ``n + 1`` buckets, one in n + 1 moves.

    Those all move into the new bucket. Source: Lamping and Veach, "A Fast, Minimal Memory,
    Consistent Hash Algorithm", 2014.
    """
    chosen, following = -1, 0
    while following < buckets:
        chosen = following
        key = (key * _MULTIPLIER + 1) & _MASK
        following = int((chosen + 1) * ((1 << 31) / ((key >> 33) + 1)))
    return chosen


def choose_shard(count: int, index: int | None = None, pod: str = "") -> Shard:
    """Return the shard that this process is: the given one, or that of its Pod's ordinal.

    Raises:
        LeadsmanError: ``InvalidShard``; it is not said which one, or there are not so many.

    """
    if index is None:
        found = _ORDINAL.fullmatch(pod)
        if count == 1:
            index = 0
        elif found is not None:
            index = int(found[1])
        else:
            raise LeadsmanError(
                "InvalidShard",
                f"--shards {count} needs to know which shard this is: give --shard, or have the "
                "Pod's name, which a StatefulSet ends with the ordinal, in POD_NAME "
                f"(it is {pod!r})",
                retryable=False,
            )
    if not 0 <= index < count:
        raise LeadsmanError(
            "InvalidShard",
            f"there is no shard {index} of {count}, they are 0 to {count - 1}: "
            + (f"the Pod is {pod}; " if pod else "")
            + "as many replicas are wanted as --shards says",
            retryable=False,
        )
    return Shard(index, count)
