from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from leadsman.render.protections import python_command
from leadsman.render.sandbox import _JAIL

REPORT = "import json, os, resource as r; print(json.dumps({limits}))"
LIMITS = "[r.getrlimit(r.RLIMIT_NOFILE), r.getrlimit(r.RLIMIT_CORE), os.nice(0)]"


def jail(*arguments: str, before: str = "pass") -> subprocess.CompletedProcess[str]:
    """Run the wrapper, after something that was done to its process."""
    *python, code = python_command(f"{before}; {_JAIL}")
    return subprocess.run([*python, code, *arguments], capture_output=True, text=True, check=False)


def test_limits_are_set_and_never_raised() -> None:
    report = ("--", sys.executable, "-I", "-S", "-c", REPORT.format(limits=LIMITS))
    limits = ("--limit", "NOFILE=100", "--limit", "CORE=0", "--nice", "3")
    ran = jail(*limits, *report)
    assert json.loads(ran.stdout) == [[100, 100], [0, 0], min(os.nice(0) + 3, 19)]
    lower = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (50, 60))"
    ran = jail(*limits, *report, before=lower)
    assert json.loads(ran.stdout)[0] == [60, 60]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--what", "x", "--", "true"], "unknown option --what"),
        (["--parent", "1", "--", "true"], "the process that started it is gone"),
        (["--landlock", "4", "--read", "/none", "--", "true"], "No such file or directory"),
        (["--", "/none"], "No such file or directory"),
        ([], "'--' is not in list"),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_runs(arguments: list[str], said: str) -> None:
    ran = jail(*arguments)
    assert ran.returncode == 125
    assert ran.stderr.startswith("leadsman-jail: ")
    assert said in ran.stderr
