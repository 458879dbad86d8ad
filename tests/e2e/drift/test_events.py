"""What is said once, on the DriftCheck, about an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.waiting import until

if TYPE_CHECKING:
    from e2e.drift.conftest import Shop

SERVICE = ("Service", "podinfo")


def test_each_change_is_said_once(shop: Shop) -> None:
    check = shop.check
    shop.kubectl("label", "service/podinfo", "example.com/team=shop")
    check.wait_verdict("Drifted")
    shop.kubectl("annotate", "service/podinfo", "example.com/note=by hand")
    check.wait(lambda report: len(report.changes(*SERVICE)) == 2, "both changes")
    shop.kubectl("label", "service/podinfo", "example.com/team-")
    shop.kubectl("annotate", "service/podinfo", "example.com/note-")
    check.wait_verdict("InSync")
    until(lambda: check.events("DriftResolved"), "an Event")

    label, note, resolved = check.events()
    assert [event["reason"] for event in (label, note)] == ["DriftDetected"] * 2
    assert "example.com/team" in label["note"]
    assert "example.com/note" in note["note"]
    assert "example.com/team" not in note["note"]
    assert [event["type"] for event in (label, note, resolved)] == ["Warning", "Warning", "Normal"]
    for event in (label, note, resolved):
        assert event["related"] == {
            "apiVersion": "v1",
            "kind": "Service",
            "namespace": check.namespace,
            "name": "podinfo",
        }
        assert event["regarding"]["uid"]
        assert event["reportingController"] == "leadsman.dev/leadsman"
        assert "series" not in event
    told = shop.kubectl("events", "--for=driftcheck/shop", "--no-headers").splitlines()
    assert len(told) == 3


def test_what_happens_again_is_counted(shop: Shop) -> None:
    for _ in range(2):
        shop.kubectl("delete", "service/podinfo")
        shop.check.wait_verdict("Drifted")
        shop.deliver()
        shop.check.wait_verdict("InSync")
    until(lambda: shop.check.events("DriftResolved"), "an Event")
    (detected,) = shop.check.events("DriftDetected")
    assert detected["series"]["count"] == 2
