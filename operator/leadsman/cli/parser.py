"""What can be typed."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from leadsman import __version__
from leadsman.cli.scaling import add_scaling, positive, with_scaling
from leadsman.settings import Mode, Settings

_DEFAULTS = Settings()
_EXIT_CODES = """\
exit codes:
  0  everything is in sync
  1  something has drifted
  2  something could not be checked
"""
_EXAMPLES = """\
examples:
  leadsman check ./deploy/overlays/prod
  leadsman check ./unpacked/overlays/prod --root ./unpacked
  leadsman check ./charts/shop --release-name shop --values prod.yaml -n shop
  leadsman check -f driftcheck.yaml -o json
  leadsman check --all --context prod
"""


def parser() -> argparse.ArgumentParser:
    """Return the whole command line's parser."""
    top = argparse.ArgumentParser(
        prog="leadsman",
        description="Tells how far live Kubernetes clusters have drifted from Git. It only reads.",
    )
    top.add_argument("--version", action="version", version=f"leadsman {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _run(commands.add_parser("run", help="run the operator", description="Run the operator."))
    _check(
        commands.add_parser(
            "check",
            help="compare once, without installing anything",
            description="Compare what Git (or a folder) says with the cluster of the current "
            "kubeconfig context, once, and print what has drifted. Nothing is written.",
            epilog=_EXAMPLES + "\n" + _EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )
    return top


def _cluster(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("cluster")
    group.add_argument(
        "--kubeconfig",
        default="",
        metavar="FILE",
        help="kubeconfig file (default: $KUBECONFIG, the Pod's ServiceAccount, ~/.kube/config)",
    )
    group.add_argument("--context", default="", help="context of the kubeconfig")
    group.add_argument(
        "--service-account-dir",
        type=Path,
        default=_DEFAULTS.service_account,
        metavar="DIR",
        help="folder with token, ca.crt and namespace, used within a cluster (%(default)s)",
    )


def _mode(command: argparse.ArgumentParser, how: str) -> None:
    command.add_argument(
        "--mode",
        type=Mode,
        choices=tuple(Mode),
        default=_DEFAULTS.mode,
        help=f"ReadOnly compares here; DryRun has the API server decide, {how} (%(default)s)",
    )


def _programs(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("rendering")
    group.add_argument("--helm", default=_DEFAULTS.helm, help="the helm program (%(default)s)")
    group.add_argument(
        "--kustomize", default=_DEFAULTS.kustomize, help="the kustomize program (%(default)s)"
    )
    group.add_argument("--git", default=_DEFAULTS.git, help="the git program (%(default)s)")
    group.add_argument(
        "--allow-unsandboxed",
        action="store_true",
        help="render even where the kernel offers no sandbox without network (default: refuse)",
    )


def _run(command: argparse.ArgumentParser) -> None:
    _mode(command, "which needs the component dry-run of deploy/")
    _cluster(command)
    _programs(command)
    group = command.add_argument_group("operator")
    group.add_argument(
        "--watch-namespaces",
        default="",
        metavar="A,B",
        help="only DriftChecks of these namespaces; what may not be read in all namespaces is read "
        "in these (default: all)",
    )
    group.add_argument(
        "--bind",
        default=_DEFAULTS.bind,
        metavar="HOST:PORT",
        help="where /metrics, /healthz and /readyz are served (%(default)s)",
    )
    group.add_argument(
        "--hooks-bind",
        default=_DEFAULTS.hooks_bind,
        metavar="HOST:PORT",
        help="where forges may POST their push webhooks, to /hooks/push (default: nowhere)",
    )
    group.add_argument(
        "--hooks-secret-file",
        type=Path,
        default=_DEFAULTS.hooks_secrets,
        metavar="FILE",
        help="the secrets of webhooks, one a line; read anew when it changes",
    )
    group.add_argument(
        "--hooks-peers",
        default=_DEFAULTS.hooks_peers,
        metavar="HOST:PORT",
        help="who else is told of a push: each address of HOST but the own one, resolved at each "
        "push; several are parted by commas (default: nobody)",
    )
    group.add_argument(
        "--cache-dir",
        type=Path,
        default=_DEFAULTS.cache,
        metavar="DIR",
        help="where mirrors, checkouts and renders are kept; may be lost (%(default)s)",
    )
    group.add_argument(
        "--workers",
        type=positive,
        default=_DEFAULTS.workers,
        metavar="N",
        help="targets looked at at once (%(default)s)",
    )
    group.add_argument(
        "--renders",
        type=positive,
        default=_DEFAULTS.renders,
        metavar="N",
        help="rendering programs that run at once (%(default)s)",
    )
    group.add_argument(
        "--object-series",
        type=int,
        default=_DEFAULTS.object_series,
        metavar="N",
        help="at most so many series of leadsman_object_drifted (%(default)s)",
    )
    group.add_argument("--log-format", choices=("json", "text"), default=_DEFAULTS.log_format)
    group.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default=_DEFAULTS.log_level,
    )
    add_scaling(command)


def _check(command: argparse.ArgumentParser) -> None:
    _mode(command, "with your own permissions and without storing anything")
    what = command.add_argument_group("what to check (one of)")
    what.add_argument(
        "path",
        nargs="?",
        metavar="PATH",
        help="a folder with a chart, a kustomization or plain manifests, or a file with manifests, "
        "as it is on disk",
    )
    what.add_argument(
        "-f",
        "--filename",
        action="append",
        default=[],
        metavar="FILE",
        help="a file with DriftChecks, '-' for standard input; may be given several times",
    )
    what.add_argument(
        "--all", action="store_true", help="the cluster's DriftChecks (of -n's namespace if given)"
    )
    path = command.add_argument_group("for PATH")
    path.add_argument(
        "--root",
        default="",
        metavar="DIR",
        help="nothing beyond this folder is read (default: the Git work tree, or PATH itself)",
    )
    path.add_argument(
        "--release-name", default="", metavar="NAME", help="Helm: the release (default: folder)"
    )
    path.add_argument(
        "--values",
        action="append",
        default=[],
        metavar="FILE",
        help="Helm: a values file, relative to the chart, or '/FILE' to the repository's root",
    )
    path.add_argument(
        "--target-namespace",
        default="",
        metavar="NAME",
        help="where objects go, as spec.targetNamespace says it (default: -n's)",
    )
    path.add_argument("--allow-empty", action="store_true", help="rendering nothing is no error")
    command.add_argument("-n", "--namespace", default="", help="namespace (default: the context's)")
    command.add_argument(
        "--ignore-added",
        action="store_true",
        help="do not report fields that were added live",
    )
    command.add_argument(
        "-o", "--output", choices=("table", "json", "yaml"), default="table", help="(%(default)s)"
    )
    command.add_argument(
        "--cache-dir",
        type=Path,
        default=_user_cache(),
        metavar="DIR",
        help="where mirrors and renders are kept (%(default)s)",
    )
    command.add_argument("-v", "--verbose", action="store_true", help="say what is done")
    _cluster(command)
    _programs(command)


def _user_cache() -> Path:
    """Return the user's cache folder, by the XDG Base Directory Specification."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "leadsman" / "check"


def _names(text: str) -> tuple[str, ...]:
    """Return what commas separate, each once."""
    return tuple(dict.fromkeys(filter(None, map(str.strip, text.split(",")))))


def settings_from(options: argparse.Namespace) -> Settings:
    """Return the settings that the options make; what a command does not have is the default."""
    given = vars(options)
    settings = Settings(
        kubeconfig=options.kubeconfig,
        context=options.context,
        service_account=options.service_account_dir,
        mode=options.mode,
        namespaces=_names(given.get("watch_namespaces", "")),
        cache=options.cache_dir,
        bind=given.get("bind", _DEFAULTS.bind),
        hooks_bind=given.get("hooks_bind", _DEFAULTS.hooks_bind),
        hooks_secrets=given.get("hooks_secret_file", _DEFAULTS.hooks_secrets),
        hooks_peers=given.get("hooks_peers", _DEFAULTS.hooks_peers),
        log_format=given.get("log_format", _DEFAULTS.log_format),
        log_level=given.get("log_level", _DEFAULTS.log_level),
        identity=os.environ.get("POD_NAME") or os.uname().nodename,
        workers=given.get("workers", _DEFAULTS.workers),
        renders=given.get("renders", _DEFAULTS.renders),
        object_series=given.get("object_series", _DEFAULTS.object_series),
        helm=options.helm,
        kustomize=options.kustomize,
        git=options.git,
        allow_unsandboxed=options.allow_unsandboxed,
    )
    return with_scaling(settings, options)
