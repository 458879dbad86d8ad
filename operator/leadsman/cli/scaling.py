"""What can be typed about several processes: leader election and shards."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace

from leadsman.settings import Settings

_DEFAULTS = Settings()


def positive(text: str) -> int:
    """Read a whole number that is more than 0."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {number}")
    return number


def add_scaling(command: argparse.ArgumentParser) -> None:
    """Add the options of ``leadsman run``."""
    group = command.add_argument_group("several processes (docs/scaling.md)")
    group.add_argument(
        "--leader-elect",
        action="store_true",
        help="work only while holding a Lease, else stand by; always so with several shards",
    )
    group.add_argument(
        "--shards",
        type=positive,
        default=_DEFAULTS.shards,
        metavar="N",
        help="share the targets among N processes, by their names (%(default)s)",
    )
    group.add_argument(
        "--shard",
        type=int,
        metavar="I",
        help="which of them this is, 0 to N-1 (default: the ordinal at the end of $POD_NAME)",
    )
    group.add_argument(
        "--lease-namespace",
        default=os.environ.get("POD_NAMESPACE", ""),
        metavar="NAME",
        help="where the Leases are (default: $POD_NAMESPACE, else that of the credentials)",
    )
    group.add_argument(
        "--leader-elect-lease-duration",
        type=positive,
        default=_DEFAULTS.lease_duration,
        metavar="SECONDS",
        help="how long a Lease that is not renewed counts (%(default)s)",
    )
    group.add_argument(
        "--leader-elect-renew-deadline",
        type=float,
        default=_DEFAULTS.renew_deadline,
        metavar="SECONDS",
        help="how long to go on working without renewing it (%(default)s)",
    )
    group.add_argument(
        "--leader-elect-retry-period",
        type=float,
        default=_DEFAULTS.retry_period,
        metavar="SECONDS",
        help="how often it is renewed, or tried to get (%(default)s)",
    )


def with_scaling(settings: Settings, options: argparse.Namespace) -> Settings:
    """Return the settings with what the options say of it, where the command has them."""
    given = vars(options)
    return replace(
        settings,
        pod=os.environ.get("POD_NAME", ""),
        shards=given.get("shards", _DEFAULTS.shards),
        shard=given.get("shard"),
        leader_elect=given.get("leader_elect", _DEFAULTS.leader_elect),
        lease_namespace=given.get("lease_namespace", _DEFAULTS.lease_namespace),
        lease_duration=given.get("leader_elect_lease_duration", _DEFAULTS.lease_duration),
        renew_deadline=given.get("leader_elect_renew_deadline", _DEFAULTS.renew_deadline),
        retry_period=given.get("leader_elect_retry_period", _DEFAULTS.retry_period),
    )
