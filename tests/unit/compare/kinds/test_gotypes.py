"""Which fields keep their zero, by Kubernetes version."""

from __future__ import annotations

import pytest

from leadsman.compare.kinds.gotypes import kept_fields, nearest_minor


@pytest.mark.parametrize(
    ("version", "minor"),
    [
        ("v1.34.2-gke.1234", "1.34"),
        ("v1.33.0+k3s1", "1.33"),
        ("1.31", "1.31"),
        ("v1.12.0", "1.31"),
        ("v1.99.0", "1.37"),
        ("v2.0.0", "1.37"),
        ("", "1.37"),
        ("v0.0.0-master", "1.37"),
    ],
)
def test_the_nearest_known_version_is_taken(version: str, minor: str) -> None:
    assert nearest_minor(version) == minor


def test_versions_of_a_type_differ() -> None:
    kept = kept_fields("1.31")
    name, flow = "nominalConcurrencyShares", "io.k8s.api.flowcontrol.{}.LimitedPriorityLevel{}"
    assert name in kept[flow.format("v1", "Configuration")]
    assert name not in kept[flow.format("v1beta3", "Configuration")]


def test_fields_and_types_come_and_go() -> None:
    old, new = kept_fields("1.31"), kept_fields("1.37")
    pod = "io.k8s.api.core.v1.PodSpec"
    assert "resources" in new[pod] - old[pod]
    assert "automountServiceAccountToken" in new[pod] & old[pod]
    assert "hostNetwork" not in new[pod] | old[pod]
    assert "io.k8s.api.resource.v1.ResourceClaimSpec" in new.keys() - old.keys()
    assert "io.k8s.api.coordination.v1alpha1.LeaseCandidateSpec" in old.keys() - new.keys()


def test_a_struct_that_is_a_pointer_is_kept_empty() -> None:
    kept = kept_fields("1.37")
    assert "securityContext" in kept["io.k8s.api.core.v1.PodSpec"]
    assert "emptyDir" in kept["io.k8s.api.core.v1.Volume"]
    assert "resources" not in kept["io.k8s.api.core.v1.Container"]
