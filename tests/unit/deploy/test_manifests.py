"""What ``kubectl apply -k deploy`` installs, built by the real Kustomize."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

import leadsman
from leadsman.model.json import JsonObject
from leadsman.settings import Settings

ROOT = Path(__file__).parents[3]
READ = {"get", "list", "watch"}
Objects = dict[tuple[str, str], JsonObject]


def build(folder: Path) -> Objects:
    result = subprocess.run(
        ["kustomize", "build", str(folder)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert not result.stderr, "no warnings, for example of deprecated fields"
    objects = [item for item in yaml.safe_load_all(result.stdout) if item]
    by_name = {(item["kind"], item["metadata"]["name"]): item for item in objects}
    assert len(by_name) == len(objects)
    return by_name


def overlay(folder: Path, *components: str, **fields: object) -> Objects:
    """Build what a user's own kustomization makes of ``deploy``."""
    deploy = Path(os.path.relpath(ROOT / "deploy", folder.resolve()))
    kustomization = {
        "resources": [str(deploy)],
        "components": [str(deploy / "components" / name) for name in components],
    } | fields
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return build(folder)


@pytest.fixture(scope="module")
def deploy() -> Objects:
    return build(ROOT / "deploy")


def rules(objects: Objects) -> dict[str, list[JsonObject]]:
    """Return the rules of each role; an aggregating ClusterRole has none of its own."""
    return {
        name: item["rules"]
        for (kind, name), item in objects.items()
        if kind in {"ClusterRole", "Role"} and "aggregationRule" not in item
    }


def test_it_is_all_there(deploy: Objects) -> None:
    assert set(deploy) == {
        ("Namespace", "leadsman-system"),
        ("CustomResourceDefinition", "driftchecks.leadsman.dev"),
        ("CustomResourceDefinition", "driftreports.leadsman.dev"),
        ("ServiceAccount", "leadsman"),
        ("ClusterRole", "leadsman-reader"),
        ("ClusterRole", "leadsman-reader-default"),
        ("ClusterRole", "leadsman-writer"),
        ("ClusterRoleBinding", "leadsman-reader"),
        ("ClusterRoleBinding", "leadsman-writer"),
        ("Deployment", "leadsman"),
        ("Service", "leadsman"),
    }


def test_it_writes_nothing_but_reports_and_events(deploy: Objects) -> None:
    writes = {
        (role, group, resource): sorted(set(rule["verbs"]) - READ)
        for role, role_rules in rules(deploy).items()
        for rule in role_rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        if set(rule["verbs"]) - READ
    }
    assert writes == {
        ("leadsman-writer", "leadsman.dev", "driftreports"): ["create", "patch"],
        ("leadsman-writer", "leadsman.dev", "driftreports/status"): ["patch"],
        ("leadsman-writer", "events.k8s.io", "events"): ["create", "patch"],
    }


def test_the_reader_is_made_of_labelled_roles(deploy: Objects) -> None:
    reader = deploy["ClusterRole", "leadsman-reader"]
    (selector,) = reader["aggregationRule"]["clusterRoleSelectors"]
    default = deploy["ClusterRole", "leadsman-reader-default"]["metadata"]["labels"]
    assert selector["matchLabels"].items() <= default.items()
    # Left out, not empty: an apply must not undo what the cluster aggregated.
    assert "rules" not in reader


def test_the_bindings_are_for_its_service_account_alone(deploy: Objects) -> None:
    account = {"kind": "ServiceAccount", "name": "leadsman", "namespace": "leadsman-system"}
    bindings = [item for (kind, _), item in deploy.items() if kind.endswith("RoleBinding")]
    assert [binding["subjects"] for binding in bindings] == [[account]] * 2
    for binding in bindings:
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) in deploy
    pod = deploy["Deployment", "leadsman"]["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "leadsman"


def test_the_deployment_fits_the_programs_defaults(deploy: Objects) -> None:
    deployment = deploy["Deployment", "leadsman"]["spec"]
    (container,) = deployment["template"]["spec"]["containers"]
    assert container["image"] == f"leadsman:{leadsman.__version__}"
    assert container["args"] == ["run"]
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounted == {str(Settings().cache), "/tmp"}  # noqa: S108 - a mount, not a file
    (port,) = container["ports"]
    assert port["containerPort"] == int(Settings().bind.rpartition(":")[2])
    assert all(
        volume["emptyDir"]["sizeLimit"] for volume in deployment["template"]["spec"]["volumes"]
    )
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"].items() <= labels.items()


def test_the_service_finds_the_pod(deploy: Objects) -> None:
    service = deploy["Service", "leadsman"]["spec"]
    template = deploy["Deployment", "leadsman"]["spec"]["template"]
    assert service["selector"].items() <= template["metadata"]["labels"].items()
    assert (
        service["ports"][0]["targetPort"] == template["spec"]["containers"][0]["ports"][0]["name"]
    )


def test_no_secrets_takes_reading_secrets_away_and_nothing_else(
    deploy: Objects, tmp_path: Path
) -> None:
    without = overlay(tmp_path, "no-secrets")
    changed = [key for key in deploy if without[key] != deploy[key]]
    assert changed == [
        ("ClusterRole", "leadsman-reader"),
        ("ClusterRole", "leadsman-reader-default"),
    ]
    assert set(without) == set(deploy)
    selectors = without["ClusterRole", "leadsman-reader"]["aggregationRule"]["clusterRoleSelectors"]
    assert [each["matchLabels"] for each in selectors] == [
        {"leadsman.dev/aggregate-to-reader": "true"},
        {"rbac.authorization.k8s.io/aggregate-to-view": "true"},
    ]
    assert "rules" not in without["ClusterRole", "leadsman-reader"]
    for role_rules in rules(without).values():
        for rule in role_rules:
            assert "*" not in rule["apiGroups"]
            assert "secrets" not in rule["resources"]
            if "" in rule["apiGroups"]:
                assert "*" not in rule["resources"]


def test_monitoring_adds_a_monitor_of_the_service_and_the_rules(
    deploy: Objects, tmp_path: Path
) -> None:
    monitored = overlay(tmp_path, "monitoring")
    assert set(monitored) - set(deploy) == {
        ("ServiceMonitor", "leadsman"),
        ("PrometheusRule", "leadsman"),
    }
    monitor = monitored["ServiceMonitor", "leadsman"]
    service = monitored["Service", "leadsman"]
    assert monitor["metadata"]["namespace"] == service["metadata"]["namespace"]
    selected = monitor["spec"]["selector"]["matchLabels"]
    assert selected.items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]


def test_the_prometheus_operators_rules_are_the_plain_ones(tmp_path: Path) -> None:
    rule = overlay(tmp_path, "monitoring")["PrometheusRule", "leadsman"]
    plain = (ROOT / "deploy/monitoring/leadsman.rules.yaml").read_text()
    assert rule["spec"] == yaml.safe_load(plain)


def test_it_goes_into_any_namespace(deploy: Objects, tmp_path: Path) -> None:
    moved = overlay(tmp_path, "no-secrets", "monitoring", namespace="drift")
    assert ("Namespace", "drift") in moved
    assert len(moved) == len(deploy) + 2
    assert "leadsman-system" not in str(moved)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "deploy/examples").iterdir()), ids=lambda path: path.name
)
def test_the_examples_only_read_and_fit_the_installation(path: Path, deploy: Objects) -> None:
    items = list(yaml.safe_load_all(path.read_text()))
    for item in items:
        assert all(set(rule["verbs"]) <= READ for rule in item.get("rules", ()))
        for subject in item.get("subjects", ()):
            account = deploy["ServiceAccount", subject["name"]]
            assert account["metadata"]["namespace"] == subject["namespace"]
    (role,) = (item for item in items if item["kind"].endswith("Role"))
    if role["kind"] == "ClusterRole":
        reader = deploy["ClusterRole", "leadsman-reader"]
        (selector,) = reader["aggregationRule"]["clusterRoleSelectors"]
        assert selector["matchLabels"].items() <= role["metadata"]["labels"].items()
