"""What ``kubectl apply -k deploy`` installs, built by the real Kustomize."""

import os
import re
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest
import yaml

import leadsman
from leadsman.app.candidate import COUNT, SHARD
from leadsman.app.hooks import PATH
from leadsman.app.relay import Peers, read_peers
from leadsman.cli.parser import parser, settings_from
from leadsman.model.json import JsonObject
from leadsman.settings import Mode, Settings

ROOT = Path(__file__).parents[3]
READ = {"get", "list", "watch"}
ASK = {"create", "patch"}
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
        ("Role", "leadsman-leases"),
        ("RoleBinding", "leadsman-leases"),
        ("Deployment", "leadsman"),
        ("Service", "leadsman"),
    }


def test_it_writes_nothing_but_reports_events_and_leases(deploy: Objects) -> None:
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
        ("leadsman-leases", "coordination.k8s.io", "leases"): ["patch"],
    }


def test_it_writes_only_its_own_leases(deploy: Objects) -> None:
    anything, named = rules(deploy)["leadsman-leases"]
    assert anything["verbs"] == ["create", "list", "watch"]
    assert named["resourceNames"] == [COUNT, *(f"{SHARD}{index}" for index in range(16))]
    assert deploy["Role", "leadsman-leases"]["metadata"]["namespace"] == "leadsman-system"


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
    assert [binding["subjects"] for binding in bindings] == [[account]] * 3
    for binding in bindings:
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) in deploy
    pod = deploy["Deployment", "leadsman"]["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "leadsman"


def test_the_deployment_fits_the_programs_defaults(deploy: Objects) -> None:
    deployment = deploy["Deployment", "leadsman"]["spec"]
    (container,) = deployment["template"]["spec"]["containers"]
    assert container["image"] == f"leadsman:{leadsman.__version__}"
    assert container["args"] == ["run", "--leader-elect"]
    assert parser().parse_args(container["args"]).leader_elect
    named = {each["name"]: each["valueFrom"]["fieldRef"]["fieldPath"] for each in container["env"]}
    assert named == {"POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace"}
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


def test_hooks_adds_a_port_of_its_own_and_the_secret(deploy: Objects, tmp_path: Path) -> None:
    hooked = overlay(tmp_path, "hooks", "dry-run")
    added = set(hooked) - set(overlay(tmp_path, "dry-run"))
    assert added == {("Service", "leadsman-hooks"), ("Service", "leadsman-hooks-peers")}
    pod = hooked["Deployment", "leadsman"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    settings = settings_from(parser().parse_args(container["args"]))
    (port,) = (port for port in container["ports"] if port["name"] == "hooks")
    assert settings.hooks_bind == f":{port['containerPort']}"
    assert settings.mode is Mode.DRY_RUN
    (mount,) = (mount for mount in container["volumeMounts"] if mount["name"] == "hooks")
    (volume,) = (volume for volume in pod["volumes"] if volume["name"] == "hooks")
    comment = (ROOT / "deploy/components/hooks/kustomization.yaml").read_text()
    assert f"secret generic {volume['secret']['secretName']} -n leadsman-system" in comment
    assert settings.hooks_secrets is not None
    assert settings.hooks_secrets.parent == Path(mount["mountPath"])
    assert f"--from-literal={settings.hooks_secrets.name}=" in comment
    # The mounted file is root's; what the group may read, Leadsman may.
    assert volume["secret"]["defaultMode"] == 0o440
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsGroup"]
    service = hooked["Service", "leadsman-hooks"]
    assert service["metadata"]["namespace"] == "leadsman-system"
    assert service["spec"]["selector"] == deploy["Service", "leadsman"]["spec"]["selector"]
    assert [each["targetPort"] for each in service["spec"]["ports"]] == ["hooks"]
    assert "hooks" not in str(hooked["Service", "leadsman"])
    # The Pods find each other, those that are not ready yet, too, and at the port of the Pods.
    peers = hooked["Service", "leadsman-hooks-peers"]
    assert peers["metadata"]["namespace"] == service["metadata"]["namespace"]
    assert peers["spec"]["selector"] == service["spec"]["selector"]
    assert peers["spec"]["clusterIP"] == "None"
    assert peers["spec"]["publishNotReadyAddresses"] is True
    name = f"{peers['metadata']['name']}.$(POD_NAMESPACE).svc"
    assert read_peers(settings.hooks_peers) == (Peers(name, port["containerPort"]),)
    assert "POD_NAMESPACE" in {each["name"] for each in container["env"]}


def test_what_the_documentation_opens_is_the_port_of_hooks(tmp_path: Path) -> None:
    hooked = overlay(tmp_path, "hooks")
    text = (ROOT / "docs/webhooks.md").read_text()
    blocks = re.findall(r"(?m)(?:^(?:    .*)?\n)+", text)
    shown = [yaml.safe_load(dedent(block)) for block in blocks if "apiVersion:" in block]
    ingress, policy = sorted(shown, key=lambda item: str(item["kind"]))
    service = hooked["Service", "leadsman-hooks"]
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    assert path["path"] == PATH
    backend = path["backend"]["service"]
    assert backend["name"] == service["metadata"]["name"]
    assert backend["port"]["name"] == service["spec"]["ports"][0]["name"]
    template = hooked["Deployment", "leadsman"]["spec"]["template"]
    selected = policy["spec"]["podSelector"]["matchLabels"]
    assert selected.items() <= template["metadata"]["labels"].items()
    (container,) = template["spec"]["containers"]
    opened = [port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]]
    assert sorted(opened) == sorted(port["name"] for port in container["ports"])
    (rule,) = (rule for rule in policy["spec"]["ingress"] if {"port": "hooks"} in rule["ports"])
    # The Pods relay to each other what one of them was told.
    assert {"podSelector": policy["spec"]["podSelector"]} in rule["from"]
    for item in (ingress, policy):
        assert item["metadata"]["namespace"] == service["metadata"]["namespace"]


def test_the_prometheus_operators_rules_are_the_plain_ones(tmp_path: Path) -> None:
    rule = overlay(tmp_path, "monitoring")["PrometheusRule", "leadsman"]
    plain = (ROOT / "deploy/monitoring/leadsman.rules.yaml").read_text()
    assert rule["spec"] == yaml.safe_load(plain)


def test_it_goes_into_any_namespace(deploy: Objects, tmp_path: Path) -> None:
    moved = overlay(tmp_path, "no-secrets", "monitoring", "hooks", namespace="drift")
    assert ("Namespace", "drift") in moved
    assert len(moved) == len(deploy) + 4
    assert "leadsman-system" not in str(moved)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "deploy/examples").iterdir()), ids=lambda path: path.name
)
def test_the_examples_fit_the_installation(path: Path, tmp_path: Path) -> None:
    installed = overlay(tmp_path, "dry-run")
    items = list(yaml.safe_load_all(path.read_text()))
    dry_run = path.name.startswith("dry-run-")
    for item in items:
        for rule in item.get("rules", ()):
            assert set(rule["verbs"]) <= (ASK if dry_run else READ)
            assert not dry_run or not any("*" in name or "/" in name for name in rule["resources"])
        for subject in item.get("subjects", ()):
            account = installed["ServiceAccount", subject["name"]]
            assert account["metadata"]["namespace"] == subject["namespace"]
        if item["kind"].endswith("Binding"):
            reference = item["roleRef"]["kind"], item["roleRef"]["name"]
            own = {(item["kind"], item["metadata"]["name"]) for item in items}
            assert reference in installed or reference in own
    for role in (item for item in items if item["kind"] == "ClusterRole"):
        reader = installed["ClusterRole", "leadsman-dry-run" if dry_run else "leadsman-reader"]
        (selector,) = reader["aggregationRule"]["clusterRoleSelectors"]
        assert selector["matchLabels"].items() <= role["metadata"]["labels"].items()


def test_namespaced_binds_nothing_for_the_cluster_but_what_tells_kinds(
    deploy: Objects, tmp_path: Path
) -> None:
    alone = overlay(tmp_path, "namespaced")
    assert set(deploy) - set(alone) == {
        ("ClusterRoleBinding", "leadsman-reader"),
        ("ClusterRoleBinding", "leadsman-writer"),
    }
    assert set(alone) - set(deploy) == {
        ("ClusterRole", "leadsman-surface"),
        ("ClusterRoleBinding", "leadsman-surface"),
    }
    changed = [key for key in set(alone) & set(deploy) if alone[key] != deploy[key]]
    assert changed == [("Deployment", "leadsman")]
    assert all(rule["verbs"] == ["list", "watch"] for rule in rules(alone)["leadsman-surface"])
    (container,) = alone["Deployment", "leadsman"]["spec"]["template"]["spec"]["containers"]
    assert container["env"][-1] == {"name": "LEADSMAN_NAMESPACES", "value": "shop"}
    arguments = [each.replace("$(LEADSMAN_NAMESPACES)", "shop,blog") for each in container["args"]]
    settings = settings_from(parser().parse_args(arguments))
    assert settings.namespaces == ("shop", "blog")
    moved = overlay(tmp_path, "namespaced", namespace="drift")
    assert "leadsman-system" not in str(moved)


def test_what_namespaceds_comment_says_names_the_namespaces(tmp_path: Path) -> None:
    text = (ROOT / "deploy/components/namespaced/kustomization.yaml").read_text()
    lines = [line[2:] for line in text.splitlines() if line.startswith("#   ")]
    built = overlay(tmp_path, "namespaced", **yaml.safe_load("\n".join(lines)))
    (container,) = built["Deployment", "leadsman"]["spec"]["template"]["spec"]["containers"]
    told = {each["name"]: each.get("value") for each in container["env"]}
    assert told["LEADSMAN_NAMESPACES"] == "shop,blog"
    assert told.keys() >= {"POD_NAME", "POD_NAMESPACE"}


def test_sharded_makes_the_deployment_a_stateful_set(deploy: Objects, tmp_path: Path) -> None:
    sharded = overlay(tmp_path, "sharded")
    assert set(deploy) - set(sharded) == {("Deployment", "leadsman")}
    assert set(sharded) - set(deploy) == {
        ("StatefulSet", "leadsman"),
        ("Service", "leadsman-shards"),
    }
    assert all(sharded[key] == deploy[key] for key in set(deploy) & set(sharded))
    before, after = deploy["Deployment", "leadsman"], sharded["StatefulSet", "leadsman"]
    assert after["metadata"] == before["metadata"]
    assert after["spec"]["podManagementPolicy"] == "Parallel"
    # What the Service that a monitor scrapes has, this one must not have again.
    service = sharded["Service", after["spec"]["serviceName"]]["spec"]
    assert service["clusterIP"] == "None"
    assert "ports" not in service
    # The Pods are the same, but for what they are told.
    pod, former = after["spec"]["template"], before["spec"]["template"]
    (container,), (old,) = pod["spec"].pop("containers"), former["spec"]["containers"]
    env, args = container.pop("env"), container.pop("args")
    assert container == {key: old[key] for key in old if key not in {"env", "args"}}
    assert pod["spec"] == {
        key: former["spec"][key] for key in former["spec"] if key != "containers"
    }
    assert args == [*old["args"], "--shards=$(LEADSMAN_SHARDS)"]
    assert env == [*old["env"], {"name": "LEADSMAN_SHARDS", "value": "3"}]
    assert after["spec"]["replicas"] == 3


def test_sharded_has_as_many_replicas_as_its_component_shows(tmp_path: Path) -> None:
    text = (ROOT / "deploy/components/sharded/kustomization.yaml").read_text()
    lines = [line[2:] for line in text.splitlines() if line.startswith("#   ")]
    shown = yaml.safe_load("\n".join(lines))
    spec = overlay(tmp_path, "sharded", **shown)["StatefulSet", "leadsman"]["spec"]
    assert spec["replicas"] == 5
    env = spec["template"]["spec"]["containers"][0]["env"]
    assert {each["name"]: each.get("value") for each in env}["LEADSMAN_SHARDS"] == "5"
    assert {each["name"] for each in env} >= {"POD_NAME", "POD_NAMESPACE"}


@pytest.mark.parametrize(
    "components", [("sharded", "dry-run", "hooks"), ("hooks", "dry-run", "sharded")]
)
def test_sharded_goes_together_with_others_in_any_order(
    tmp_path: Path, components: tuple[str, ...]
) -> None:
    built = overlay(tmp_path, *components)
    (container,) = built["StatefulSet", "leadsman"]["spec"]["template"]["spec"]["containers"]
    wanted = {"--mode=DryRun", "--hooks-bind=:8081", "--shards=$(LEADSMAN_SHARDS)"}
    assert wanted < set(container["args"])


def test_dry_run_adds_the_fence_the_verbs_and_the_mode(deploy: Objects, tmp_path: Path) -> None:
    dry_run = overlay(tmp_path, "dry-run")
    assert set(dry_run) - set(deploy) == {
        ("ValidatingAdmissionPolicy", "leadsman-dry-run"),
        ("ValidatingAdmissionPolicyBinding", "leadsman-dry-run"),
        ("ClusterRole", "leadsman-dry-run"),
        ("ClusterRole", "leadsman-dry-run-default"),
        ("ClusterRoleBinding", "leadsman-dry-run"),
    }
    changed = [key for key in deploy if dry_run[key] != deploy[key]]
    assert changed == [("Deployment", "leadsman")]
    pod = dry_run["Deployment", "leadsman"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["args"] == ["run", "--leader-elect", "--mode=DryRun"]
    assert parser().parse_args(pod["containers"][0]["args"]).mode is Mode.DRY_RUN


def test_dry_run_grants_what_dry_runs_need_and_no_way_past_the_fence(tmp_path: Path) -> None:
    dry_run = overlay(tmp_path, "dry-run")
    granted = rules(dry_run)["leadsman-dry-run-default"]
    assert "rules" not in dry_run["ClusterRole", "leadsman-dry-run"]
    for rule in granted:
        assert set(rule["verbs"]) == ASK
        for resource in rule["resources"]:
            assert "*" not in resource
            assert "/" not in resource
            assert "admissionpolic" not in resource
        assert "*" not in rule["apiGroups"]
        assert "rbac.authorization.k8s.io" not in rule["apiGroups"]
        assert "secrets" not in rule["resources"]
        assert "nonResourceURLs" not in rule
        assert "resourceNames" not in rule
    named = [(g, r) for rule in granted for g in rule["apiGroups"] for r in rule["resources"]]
    assert len(named) == len(set(named))


def test_the_fence_is_for_all_writes_of_its_service_account(tmp_path: Path) -> None:
    dry_run = overlay(tmp_path, "dry-run")
    fence = dry_run["ValidatingAdmissionPolicy", "leadsman-dry-run"]["spec"]
    assert fence["failurePolicy"] == "Fail"
    assert fence["matchConstraints"] == {
        "resourceRules": [
            {
                "apiGroups": ["*"],
                "apiVersions": ["*"],
                "resources": ["*/*"],
                "operations": ["CREATE", "UPDATE", "DELETE", "CONNECT"],
            }
        ]
    }
    (condition,) = fence["matchConditions"]
    user = "system:serviceaccount:leadsman-system:leadsman"
    assert condition["expression"] == f'request.userInfo.username == "{user}"'
    binding = dry_run["ValidatingAdmissionPolicyBinding", "leadsman-dry-run"]["spec"]
    assert binding == {"policyName": "leadsman-dry-run", "validationActions": ["Deny"]}
    (validation,) = fence["validations"]
    # Nothing is excepted but what the writer may write.
    written = {
        (group, resource)
        for role in ("leadsman-writer", "leadsman-leases")
        for rule in rules(dry_run)[role]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    for group, resource in written:
        assert f'request.resource.group == "{group}"' in validation["expression"]
        assert (
            f'request.resource.resource == "{resource.split("/")[0]}"' in validation["expression"]
        )
    assert validation["expression"].count("request.resource.resource ==") == len(
        {resource.split("/")[0] for _, resource in written}
    )


def test_the_fence_moves_with_the_replacement_that_the_component_shows(tmp_path: Path) -> None:
    text = (ROOT / "deploy/components/dry-run/kustomization.yaml").read_text()
    lines = [line[2:] for line in text.splitlines() if line.startswith("#   ")]
    shown = yaml.safe_load("\n".join(lines[lines.index("  replacements:") :]))
    moved = overlay(tmp_path, "dry-run", "no-secrets", namespace="drift", **shown)
    assert "leadsman-system" not in str(moved)
    fence = moved["ValidatingAdmissionPolicy", "leadsman-dry-run"]
    assert "serviceaccount:drift:leadsman" in str(fence["spec"]["matchConditions"])
    assert "namespace" not in fence["metadata"]
