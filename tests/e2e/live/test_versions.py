"""When the schemas of a kind's other versions are read, and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.jars import define
from leadsman.kube.client import Client
from leadsman.kube.config import from_kubeconfig
from leadsman.kube.discovery import Discovery
from leadsman.live.schemas import Schemas
from leadsman.live.versions import read_schema
from leadsman.model.identity import Gvk

if TYPE_CHECKING:
    from pathlib import Path

    from controlplane.plane import ControlPlane
    from leadsman.compare.kinds.versions import Versions

TEXT = {"type": "string"}
# Nobody answers there; nobody asks, either, as long as there are no objects.
WEBHOOK = {
    "strategy": "Webhook",
    "webhook": {
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "conversionReviewVersions": ["v1"],
    },
}


async def versions(kubeconfig: Path, gvk: Gvk) -> Versions:
    async with Client(await from_kubeconfig(str(kubeconfig))) as client:
        discovery = Discovery(client)
        await discovery.refresh()
        schema = await read_schema(client, discovery, Schemas(client), gvk)
    assert schema is not None
    return schema.versions


@pytest.mark.parametrize(
    ("old", "conversion", "names"),
    [
        ({"colour": TEXT}, None, {"v1beta1", "v1"}),
        ({"colour": TEXT, "lid": TEXT}, None, set()),  # they are alike
        ({"colour": TEXT}, WEBHOOK, set()),
    ],
)
async def test_versions_count_where_they_differ_and_no_webhook_converts(
    control_plane: ControlPlane,
    namespace: str,
    old: dict[str, Any],
    conversion: dict[str, Any] | None,
    names: set[str],
) -> None:
    group = f"{namespace}.example"
    define(control_plane, group, conversion, v1beta1=old, v1={"colour": TEXT, "lid": TEXT})
    found = await versions(control_plane.kubeconfig, Gvk(group, "v1beta1", "Jar"))
    assert set(found.nodes) == {f"{group}/{name}" for name in names}
    assert found.stored == (f"{group}/v1" if names else "")


async def test_who_may_not_read_definitions_doubts(
    control_plane: ControlPlane, namespace: str
) -> None:
    group = f"{namespace}.example"
    define(control_plane, group, WEBHOOK, v1beta1={"colour": TEXT}, v1={"lid": TEXT})
    kubeconfig = control_plane.service_account_kubeconfig(namespace, "default")
    found = await versions(kubeconfig, Gvk(group, "v1", "Jar"))
    assert set(found.nodes) == {f"{group}/v1beta1", f"{group}/v1"}
    assert found.stored == ""


async def test_a_built_in_kind_has_no_other_versions(control_plane: ControlPlane) -> None:
    found = await versions(
        control_plane.kubeconfig, Gvk("autoscaling", "v1", "HorizontalPodAutoscaler")
    )
    assert found.nodes == {}
