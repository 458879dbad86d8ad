"""What comes after the story: how to look further, and ``KEEP=1``."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from demo.show import Show
    from demo.stage import Stage

# Seconds: of looking whether the operator still runs, and of giving it a new token, as the kubelet
# does long before its hour is over.
_LOOK_EVERY = 5.0
_RENEW_EVERY = 1800.0


def further(show: Show) -> None:
    """Say how to look further."""
    show.note("\nTo look further:")
    for line, why in (
        ("make demo KEEP=1", "the same, left running to look around in"),
        ("make demo CONTEXT=name", "the same in a cluster of yours, cleaned up afterwards"),
        ("make demo PAUSE=4", "the same, with more time to read"),
        ("kubectl apply -k deploy", "install Leadsman"),
        ("leadsman check PATH", "compare a folder with a cluster, once"),
    ):
        show.note(f"  {line:<24} {why}")


def keep(stage: Stage) -> None:
    """Leave everything running until Ctrl-C or SIGTERM, and say how to use it.

    Raises:
        AssertionError: the operator has ended.

    """
    shell, operator = stage.shell, stage.operator
    stage.show.note(
        f"""
Everything keeps running. In another terminal:

  export KUBECONFIG={shell.kubeconfig}
  export PATH={shell.tools_path}:$PATH
  cd {shell.folder}

  kubectl get driftreports --watch             change something with kubectl
  kubectl get driftreport webapp -o yaml       who changed what
  git commit -a && git push                    or change Git
  curl http://127.0.0.1:{operator.port}/metrics
  tail -f {operator.log}

Ctrl-C here, or kill {os.getpid()}, ends it and cleans up."""
    )
    pause = threading.Event()
    renewed = time.monotonic()
    try:
        while not pause.wait(_LOOK_EVERY):
            assert not (why := operator.ended()), why
            if time.monotonic() - renewed > _RENEW_EVERY:
                renewed = time.monotonic()
                operator.renew_access()
    except KeyboardInterrupt:
        stage.show.note()
