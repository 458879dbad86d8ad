"""What Linux says that a process has used."""

from __future__ import annotations

import os
import subprocess
import sys

from bench.usage import MemorySampler, Spent, cpu_seconds, memory_mib, metered, run, tree
from bench.usage import tree_memory_mib as all_memory
from controlplane.waiting import eventually

# Uses the CPU in a child and says when; then waits.
_BUSY = (
    "import subprocess, sys; "
    "subprocess.run([sys.executable, '-c', 'sum(range(20_000_000))']); "
    "print('done', flush=True); sys.stdin.read()"
)


def test_cpu_is_that_of_a_process_and_of_its_children_that_have_ended() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        # Adding up millions of numbers takes its time anywhere.
        assert cpu_seconds(process.pid) > 0.1
        process.stdin.close()


def test_descendants_count_while_they_run() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 600 & wait"]) as process:
        eventually(lambda: len(tree(process.pid)) == 2)
        found = tree(process.pid)
        assert found[0] == process.pid
        assert all_memory(process.pid) > memory_mib(process.pid)[0]
        os.kill(found[1], 15)


def test_what_is_spent_is_that_of_the_block() -> None:
    before = cpu_seconds(os.getpid())
    with metered({"me": os.getpid()}) as spent:
        assert spent == Spent()
        sum(range(1_000_000))
    assert 0.0 < spent.cpu["me"] <= cpu_seconds(os.getpid()) - before
    assert spent.wall > 0.0


def test_a_sampler_follows_a_process_until_it_is_gone() -> None:
    with (
        subprocess.Popen(["sleep", "600"]) as process,
        MemorySampler(process.pid, every=0.01) as sampler,
    ):
        eventually(lambda: len(sampler.own) > 2)
        process.kill()
        process.wait()
    times = [when for when, _ in sampler.own]
    assert times == sorted(times)
    assert all(mib > 0.0 for _, mib in sampler.own)


def test_a_program_s_failure_is_told() -> None:
    done = run(["sh", "-c", "cat; echo why >&2; exit 3"], {"PATH": os.environ["PATH"]}, b"text")
    assert (done.code, done.output, done.error) == (3, b"text", "why\n")
