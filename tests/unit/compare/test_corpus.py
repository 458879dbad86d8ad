"""Verdicts on pairs of real objects, where a folder of them is at hand.

``LEADSMAN_CORPUS`` names the folder; its ``pairs`` are from argo-cd's gitops-engine. What is
expected, and why, stands here in any case.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import orjson
import yaml

from leadsman.model.finding import Cause, Op
from unit.compare.samples import gvk_of, schema_of, verdict

if TYPE_CHECKING:
    from leadsman.model.json import JsonObject


class Place(NamedTuple):
    """What is expected of one change."""

    op: Op
    path: str
    manager: str = ""
    cause: Cause = Cause.LIVE


class Case(NamedTuple):
    """A pair and its verdict; no places is in sync."""

    git: str
    live: str
    why: str
    places: tuple[Place, ...] = ()


_ARGO = "argocd-controller"
_LEFT = Cause.LEFT_BEHIND

CASES = (
    Case(
        "aggr-clusterrole-config.json",
        "aggr-clusterrole-live.json",
        "an aggregated role's rules are its controller's",
    ),
    Case(
        "deployment-config.json",
        "deployment-live.json",
        "VAR2 is not Git's, and kubectl did not apply it; who did cannot be told. All else is "
        "defaults, a controller's annotation and the order of variables",
        (Place(Op.ADD, "/spec/template/spec/containers/0/env/0"),),
    ),
    Case(
        "endpoints-config.json",
        "endpoints-live.json",
        "the API server writes the protocol TCP",
    ),
    Case(
        "grafana-clusterrole-config.json",
        "grafana-clusterrole-live.json",
        "no rules are written as null",
    ),
    Case(
        "sealedsecret-config.json",
        "sealedsecret-live.json",
        "a kind without schema; creationTimestamp is null in Git",
    ),
    Case(
        "smd-service-config.yaml",
        "smd-service-live.yaml",
        "one targetPort is another, and nobody owns more of that port than Argo CD",
        (Place(Op.REPLACE, "/spec/ports/1/targetPort", _ARGO),),
    ),
    Case(
        "smd-service-config-2-ports.yaml",
        "smd-service-live.yaml",
        "Git has dropped a port that Argo CD still owns",
        (Place(Op.ADD, "/spec/ports/2", _ARGO, _LEFT),),
    ),
    Case(
        "smd-service-config-ports.yaml",
        "smd-service-live.yaml",
        "two ports with the protocol UDP are gone, whose numbers live on with TCP",
        (Place(Op.REMOVE, "/spec/ports/2"), Place(Op.REMOVE, "/spec/ports/4")),
    ),
    Case(
        "smd-service-config.yaml",
        "smd-service-live-with-type.yaml",
        "besides the targetPort the type is one that Argo CD applied; the rest of a NodePort "
        "service is the API server's",
        (
            Place(Op.REPLACE, "/spec/ports/1/targetPort", _ARGO),
            Place(Op.ADD, "/spec/type", _ARGO, _LEFT),
        ),
    ),
    Case(
        "smd-service-config-2-ports.yaml",
        "smd-service-live-with-type.yaml",
        "a port and the type are left behind",
        (
            Place(Op.ADD, "/spec/ports/2", _ARGO, _LEFT),
            Place(Op.ADD, "/spec/type", _ARGO, _LEFT),
        ),
    ),
    Case(
        "ssd-configmap-config.yaml",
        "ssd-configmap-live.yaml",
        "Git has dropped key3, which Argo CD still owns",
        (Place(Op.ADD, "/data/key3", _ARGO, _LEFT),),
    ),
    Case(
        "ssd-configmap-config.yaml",
        "ssd-configmap-predicted-live.json",
        "what a dry run says would be is what Git has",
    ),
    Case(
        "ssd-service-config.yaml",
        "ssd-service-live.yaml",
        "the API server fills in target port, addresses and families",
    ),
    Case(
        "ssd-service-config.yaml",
        "ssd-service-predicted-live.json",
        "a webhook takes Git's label away; its own is nobody's",
        (Place(Op.REMOVE, "/metadata/labels/app.kubernetes.io~1instance"),),
    ),
    Case(
        "wordpress-config.json",
        "wordpress-live.json",
        "an empty value is written as null; the namespace is given by who applies",
    ),
)


def _pairs() -> Path | None:
    root = os.environ.get("LEADSMAN_CORPUS")
    folder = Path(root, "pairs") if root else None
    return folder if folder is not None and folder.is_dir() else None


def _read(path: Path) -> JsonObject:
    text = path.read_bytes()
    document: JsonObject = orjson.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    return document


def _at_hand() -> list[Case]:
    folder = _pairs()
    return [case for case in CASES if folder is not None and (folder / case.git).is_file()]


def test_pairs_at_hand() -> None:
    folder = _pairs() or Path()
    wrong = {}
    for case in _at_hand():
        git, live = _read(folder / case.git), _read(folder / case.live)
        finding = verdict(git, live, schemaless=schema_of(gvk_of(git)) is None)
        changes = () if finding is None else finding.changes
        told = tuple(Place(c.op, c.path, c.manager, c.cause) for c in changes)
        if told != case.places:
            wrong[case.git, case.live] = (case.why, told)
    assert wrong == {}


def test_every_pair_at_hand_has_a_verdict_that_is_expected() -> None:
    folder = _pairs()
    names = {path.name for path in folder.iterdir()} if folder is not None else set()
    judged = {name for case in CASES for name in (case.git, case.live)}
    assert {name for name in names if "-config" in name or "-live" in name} <= judged
