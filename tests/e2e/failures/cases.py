"""What may go wrong, what must be said of it, and what mends it: a table.

Each case begins with an application that is in sync, or that has drifted already.
"""

from __future__ import annotations

from controlplane.gitrepo import Link
from e2e.failures.app import CONFIG, PLAIN, put
from e2e.failures.case import (
    CHART,
    HELM,
    KUSTOMIZE,
    PROD,
    WIDGET,
    Case,
    calls,
    commits,
    define_widgets,
    delete_branch,
    does,
    has_kyverno,
    is_seen,
    kustomizes,
    moves,
    patches,
    puts,
    restore_branch,
    secret_ref,
    serves,
)
from e2e.failures.servers import COMMITTED, NEXT_PASSWORD, NEXT_TOKEN, PASSWORD, USERNAME

SOURCE = [
    Case(
        "branch-deleted",
        *("source", "RefNotFound", ("URL", "there is no branch 'branch-deleted'")),
        breaks=delete_branch,
        mends=restore_branch,
        drifted=True,
    ),
    Case(
        "no-such-version",
        *("source", "RefNotFound", ("URL", ">=9.0.0")),
        breaks=patches(ref={"branch": None, "semver": ">=9.0.0"}),
        mends=patches(ref={"branch": "no-such-version", "semver": None}),
    ),
    Case(
        "repository-gone",
        *("source", "RepositoryNotFound", ("URL", "there is no repository at this address")),
        breaks=moves("moving", "moved"),
        mends=moves("moved", "moving"),
        project="moving",
    ),
    Case(
        "unreachable",
        *("source", "Unreachable", ("URL", "cannot be reached", "check the host's name")),
        breaks=calls("stop"),
        mends=calls("start"),
        server="stopping",
        drifted=True,
    ),
    Case(
        "overloaded",
        *("source", "Unreachable", ("URL", "the server cannot answer now", "503")),
        breaks=serves(status=503),
        mends=serves(status=0),
        server="overloaded",
    ),
    Case(
        "slow",
        *("source", "Timeout", ("URL", "within 1 s", "the timeout is too short")),
        # In this order: a poll that began with the longer timeout would hang as long.
        breaks=does(patches(timeout="1s"), is_seen, serves(delay=60)),
        mends=does(serves(delay=0), patches(timeout="60s")),
        server="slow",
    ),
    Case(
        "password-rotated",
        *("source", "AuthenticationFailed", ("URL", "check those in the Secret")),
        breaks=serves(password=NEXT_PASSWORD),
        mends=puts("rotating", username=USERNAME, password=NEXT_PASSWORD),
        server="rotating",
        spec=secret_ref("rotating"),
    ),
    Case(
        "token-rotated",
        *("source", "AuthenticationFailed", ("URL", "check those in the Secret")),
        breaks=serves(token=NEXT_TOKEN),
        mends=puts("token", bearerToken=NEXT_TOKEN),
        server="token",
        spec=secret_ref("token"),
    ),
    Case(
        "credentials-asked",
        *("source", "AuthenticationFailed", ("URL", "name a Secret with them in secretRef")),
        breaks=patches(secretRef=None),
        mends=patches(**secret_ref("locked")),
        server="locked",
        spec=secret_ref("locked"),
    ),
    Case(
        "secret-missing",
        *("source", "SecretNotFound", ("/locked-later (spec.secretRef)", "create it")),
        breaks=patches(**secret_ref("locked-later")),
        mends=puts("locked-later", username=USERNAME, password=PASSWORD),
        server="locked",
        spec=secret_ref("locked"),
        drifted=True,
    ),
    Case(
        "secret-incomplete",
        *("source", "InvalidSecret", ("/no-user", "has 'password' but not 'username'")),
        breaks=patches(**secret_ref("no-user")),
        mends=puts("no-user", username=USERNAME),
        server="locked",
        spec=secret_ref("locked"),
    ),
    Case(
        "authority-unknown",
        *("source", "TLSFailed", ("URL", "a private authority belongs in ca.crt")),
        breaks=patches(secretRef=None),
        mends=patches(**secret_ref("tls")),
        server="tls",
        spec=secret_ref("tls"),
    ),
    Case(
        "host-key-other",
        *("source", "HostKeyMismatch", ("URL", "known_hosts", "somebody is in between")),
        breaks=patches(**secret_ref("ssh-impostor")),
        mends=patches(**secret_ref("ssh")),
        server="ssh",
        spec=secret_ref("ssh"),
    ),
    Case(
        "key-refused",
        *("source", "AuthenticationFailed", ("URL", "check those in the Secret")),
        breaks=patches(**secret_ref("ssh-stranger")),
        mends=patches(**secret_ref("ssh")),
        server="ssh",
        spec=secret_ref("ssh"),
    ),
]
RENDER = [
    Case(
        "path-gone",
        *("render", "PathNotFound", ("app is not in the repository",)),
        breaks=commits({"app": None, "apps/config.yaml": CONFIG}),
        mends=commits(PLAIN),
        drifted=True,
    ),
    Case(
        "yaml-bad",
        *("render", "InvalidYAML", ("app/config.yaml:7:",)),
        breaks=commits({"app/config.yaml": CONFIG + " colour: - red\n"}),
        mends=commits(PLAIN),
    ),
    Case(
        "key-twice",
        *("render", "DuplicateKey", ("app/config.yaml:7:", "'colour'", "remove one")),
        breaks=commits({"app/config.yaml": CONFIG + "  colour: red\n"}),
        mends=commits(PLAIN),
    ),
    Case(
        "no-manifest",
        *("render", "NotAManifest", ("app/prices.yaml", "spec.plain.exclude")),
        breaks=commits({"app/prices.yaml": "apple: 3\n"}),
        mends=patches(plain={"exclude": ["prices.yaml"]}),
    ),
    Case(
        "nothing-left",
        *("render", "EmptyRender", ("app renders to no object", "spec.allowEmpty")),
        breaks=commits({"app/config.yaml": "# moved elsewhere\n"}),
        mends=commits(PLAIN),
        drifted=True,
    ),
    Case(
        "link-outside",
        *("render", "PathOutside", ("app/passwd.yaml", "only what is in the repository")),
        breaks=commits({"app/passwd.yaml": Link("/etc/passwd")}),
        mends=commits({"app/passwd.yaml": None}),
    ),
    Case(
        "link-above",
        *("render", "PathOutside", ("app/kustomization.yaml", "only what is in the repository")),
        breaks=kustomizes("resources: [config.yaml, ../../other/config.yaml]\n"),
        mends=kustomizes("resources: [config.yaml]\n"),
    ),
    Case(
        "remote-base",
        *("render", "RemoteBase", ("app/kustomization.yaml: resources", "copy it into")),
        breaks=kustomizes(
            f"resources: [config.yaml, 'https://ada:{COMMITTED}@git.example.org/base']\n"
        ),
        mends=kustomizes("resources: [config.yaml]\n"),
        files=KUSTOMIZE,
        drifted=True,
    ),
    Case(
        "chart-inflated",
        *("render", "HelmChartsNotSupported", ("app/kustomization.yaml", "target of its own")),
        breaks=kustomizes("helmCharts: [{name: web, repo: 'https://charts.example.org'}]\n"),
        mends=kustomizes("resources: [config.yaml]\n"),
        files=KUSTOMIZE,
    ),
    Case(
        "plugin",
        *("render", "BuildFailed", ("kustomize build app", "Exporter")),
        breaks=commits(
            {
                "app/kustomization.yaml": "resources: [config.yaml]\ngenerators: [plugin.yaml]\n",
                "app/plugin.yaml": (
                    "apiVersion: example.org/v1\n"
                    "kind: Exporter\n"
                    "metadata:\n"
                    "  name: out\n"
                    "  annotations:\n"
                    "    config.kubernetes.io/function: 'exec: {path: ./run.sh}'\n"
                ),
            }
        ),
        mends=kustomizes("resources: [config.yaml]\n"),
        files=KUSTOMIZE,
    ),
    Case(
        "values-file-gone",
        *("render", "ValuesFileMissing", ("values file values-prod.yaml", "app/values")),
        breaks=commits({"app/values-prod.yaml": None}),
        mends=commits(HELM),
        files=HELM,
        spec=PROD,
        drifted=True,
    ),
    Case(
        "template-fails",
        *("render", "TemplateFailed", ("app/templates/config.yaml", "say which colour")),
        breaks=commits(
            {
                "app/templates/config.yaml": CONFIG.replace(
                    "green", '{{ required "say which colour" .Values.paint }}'
                )
            }
        ),
        mends=commits(HELM),
        files=HELM,
        spec=PROD,
    ),
    Case(
        "chart-incomplete",
        *("render", "ChartDependenciesMissing", ("app/Chart.yaml", "'helm dependency build app'")),
        breaks=commits(
            {
                "app/Chart.yaml": CHART
                + "dependencies: [{name: cache, version: 1.x, repository: 'https://example.org'}]\n"
            }
        ),
        mends=commits(
            {"app/charts/cache/Chart.yaml": "apiVersion: v2\nname: cache\nversion: 1.2.0\n"}
        ),
        files=HELM,
        spec=PROD,
    ),
    Case(
        "kyverno",
        *("render", "ChartDependenciesMissing", ("app/Chart.yaml", "helm dependency build app")),
        breaks=has_kyverno,
        mends=commits({"app": None, **PLAIN}),
        drifted=True,
    ),
    Case(
        "values-missing",
        *("render", "ValuesNotFound", ("ConfigMap", "/paint (spec.helm.valuesFrom)")),
        breaks=patches(
            helm={**PROD["helm"], "valuesFrom": [{"kind": "ConfigMap", "name": "paint"}]}
        ),
        mends=lambda app: put(
            app.plane, app.namespace, "paint", {"values.yaml": "size: 2"}, kind="ConfigMap"
        ),
        files=HELM,
        spec=PROD,
    ),
]
OTHER = [
    Case(
        "rule-unreadable",
        *("spec", "InvalidSpec", ("spec.compare.ignore[0].target.name", "regular expression")),
        breaks=patches(compare={"ignore": [{"paths": ["/data"], "target": {"name": "shop-("}}]}),
        mends=patches(compare=None),
        drifted=True,
    ),
    Case(
        "selector-unreadable",
        *("spec", "InvalidSpec", ("spec.compare.ignore[0]", "a in b")),
        breaks=patches(
            compare={"ignore": [{"paths": ["/data"], "target": {"labelSelector": "a in b"}}]}
        ),
        mends=patches(compare=None),
    ),
    Case(
        "kind-not-served",
        *("compare", "KindNotServed", ("failures.example.org/v1 Widget", "install the Custom")),
        breaks=commits({"app/widget.yaml": WIDGET}),
        mends=define_widgets,
        rendered=True,
    ),
]
CASES = SOURCE + RENDER + OTHER
