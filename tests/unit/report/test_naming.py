from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.model.identity import TargetKey
from leadsman.report.naming import API_VERSIONS, report_name, target_of

names = st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,20}[a-z0-9])?", fullmatch=True)
odd = st.sampled_from(["kustomization.", "driftcheck.", "driftcheck.kustomization."])
keys = st.builds(
    TargetKey,
    st.sampled_from(sorted(API_VERSIONS)),
    st.just("shop"),
    names | st.builds("{}{}".format, odd, names),
)


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("DriftCheck", "web", "web"),
        ("Kustomization", "web", "kustomization.web"),
        ("DriftCheck", "kustomization.web", "driftcheck.kustomization.web"),
        ("DriftCheck", "driftcheck.web", "driftcheck.driftcheck.web"),
        ("DriftCheck", "kustomization", "kustomization"),
    ],
)
def test_what_a_report_is_called(kind: str, name: str, expected: str) -> None:
    assert report_name(TargetKey(kind, "shop", name)) == expected


@given(keys)
def test_a_reports_name_tells_whose_it_is(key: TargetKey) -> None:
    assert target_of("shop", report_name(key)) == key


@given(keys, keys)
def test_no_two_share_one(one: TargetKey, other: TargetKey) -> None:
    assert (report_name(one) == report_name(other)) is (one == other)


def test_a_name_that_would_be_too_long_is_cut_and_still_its_own() -> None:
    made = [report_name(TargetKey("Kustomization", "shop", "a" * 250 + end)) for end in "bc"]
    assert len(set(made)) == 2
    assert {len(name) for name in made} == {253}
