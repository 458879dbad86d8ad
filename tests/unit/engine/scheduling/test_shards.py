from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.engine.scheduling.shards import Shard, choose_shard, jump, shard_of
from leadsman.errors import LeadsmanError
from leadsman.model.identity import TargetKey

OPERATOR = Path(__file__).resolve().parents[3] / "operator"
KEYS = [TargetKey("DriftCheck", f"team-{n % 97}", f"app-{n}") for n in range(4000)]

names = st.from_regex(r"[a-z]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
keys = st.builds(TargetKey, st.just("DriftCheck"), names, names)


@given(key=st.integers(0, 2**64 - 1), buckets=st.integers(1, 1000))
def test_a_bucket_more_takes_from_others_and_moves_nothing_else(key: int, buckets: int) -> None:
    before, after = jump(key, buckets), jump(key, buckets + 1)
    assert 0 <= before < buckets
    assert after in {before, buckets}


@given(key=keys, count=st.integers(1, 50))
def test_each_target_is_exactly_one_shards(key: TargetKey, count: int) -> None:
    owners = [index for index in range(count) if Shard(index, count).owns(key)]
    assert owners == [shard_of(key, count)]


@pytest.mark.parametrize("count", [2, 3, 4, 5, 10, 16])
def test_each_shard_has_its_share(count: int) -> None:
    shares = [sum(shard_of(key, count) == index for key in KEYS) for index in range(count)]
    share = len(KEYS) / count
    # Five standard deviations of so many throws.
    tolerance = 5 * (share * (1 - 1 / count)) ** 0.5
    assert all(abs(each - share) < tolerance for each in shares)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9])
def test_one_shard_more_moves_its_share(count: int) -> None:
    moved = sum(shard_of(key, count) != shard_of(key, count + 1) for key in KEYS)
    share = len(KEYS) / (count + 1)
    assert abs(moved - share) < 5 * (share * (1 - 1 / (count + 1))) ** 0.5


def test_the_hash_is_that_of_the_paper() -> None:
    # What the paper's own code in C, compiled, says of these.
    keys = (0, 1, 42, 2**63, 2**64 - 1)
    assert [jump(key, 1) for key in keys] == [0] * 5
    assert [jump(key, 16) for key in keys] == [0, 6, 2, 12, 10]
    assert [jump(key, 100) for key in keys] == [0, 55, 43, 84, 92]


@pytest.mark.parametrize("seed", ["0", "1"])
def test_every_process_says_the_same(seed: str) -> None:
    """Not only this one: Python's own hashes of strings differ from process to process."""
    program = (
        "from leadsman.engine.scheduling.shards import shard_of\n"
        "from leadsman.model.identity import TargetKey\n"
        "for n in range(200):\n"
        "    print(shard_of(TargetKey('DriftCheck', 'team', f'app-{n}'), 7))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(OPERATOR), "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    mine = [shard_of(TargetKey("DriftCheck", "team", f"app-{n}"), 7) for n in range(200)]
    assert [int(line) for line in done.stdout.split()] == mine


@pytest.mark.parametrize(
    ("count", "index", "pod", "expected"),
    [
        (1, None, "", Shard(0, 1)),
        (1, None, "leadsman-5d9c7b6f4-24585", Shard(0, 1)),
        (3, None, "leadsman-2", Shard(2, 3)),
        (12, None, "my-leadsman-11", Shard(11, 12)),
        (3, 1, "leadsman-2", Shard(1, 3)),
        (3, 0, "", Shard(0, 3)),
    ],
)
def test_the_ordinal_says_which_shard_where_nothing_else_does(
    count: int, index: int | None, pod: str, expected: Shard
) -> None:
    assert choose_shard(count, index, pod) == expected


@pytest.mark.parametrize(
    ("count", "index", "pod", "said"),
    [
        (3, None, "", "give --shard"),
        (3, None, "leadsman", "it is 'leadsman'"),
        (3, None, "leadsman-5d9c7b6f4-x7k2p", "give --shard"),
        (3, None, "leadsman-3", "no shard 3 of 3, they are 0 to 2"),
        (3, 3, "", "no shard 3 of 3"),
        (3, -1, "", "no shard -1 of 3"),
        (1, 1, "", "no shard 1 of 1"),
    ],
)
def test_a_shard_that_cannot_be_is_refused(
    count: int, index: int | None, pod: str, said: str
) -> None:
    with pytest.raises(LeadsmanError, match=said) as caught:
        choose_shard(count, index, pod)
    assert caught.value.reason == "InvalidShard"
    assert not caught.value.retryable
