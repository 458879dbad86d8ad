"""Defaults of versions that have gone."""

from __future__ import annotations

from leadsman.compare.rewrites.implied import with_implied
from leadsman.model.identity import Gvk


def test_a_default_of_an_old_version_counts_only_where_it_lives() -> None:
    written = Gvk("extensions", "v1beta1", "Deployment")
    live = {
        "spec": {"revisionHistoryLimit": 2**31 - 1, "strategy": {"rollingUpdate": {"maxSurge": 1}}}
    }
    assert with_implied({"spec": {"replicas": 1}}, live, written) == {
        "spec": {"replicas": 1, **live["spec"]}
    }
    assert with_implied({}, {"spec": {"revisionHistoryLimit": 10}}, written) == {}
    said = {"spec": {"revisionHistoryLimit": 3}}
    assert with_implied(said, live, written)["spec"]["revisionHistoryLimit"] == 3
