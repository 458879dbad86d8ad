"""What there is to render at a target's path, and by what."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, TypeAlias

from leadsman.errors import RenderError
from leadsman.model.target import HelmOptions, KustomizeOptions, PlainOptions, Target
from leadsman.render.chart import CHART_FILE
from leadsman.render.flux.postbuild import PostBuild
from leadsman.render.helm import HelmPlan, plan_helm
from leadsman.render.kustomization import find_kustomization
from leadsman.render.kustomize import KustomizePlan, plan_kustomize
from leadsman.render.plain import PlainPlan, plan_plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadsman.render.checkout import Checkout
    from leadsman.render.request import ClusterFacts, ValuesDocument

Plan: TypeAlias = HelmPlan | KustomizePlan | PlainPlan


def make_plan(
    checkout: Checkout,
    target: Target,
    facts: ClusterFacts,
    values_from: Sequence[ValuesDocument],
) -> Plan:
    """Read all that rendering the target depends on, and note it in the checkout's ``inputs``.

    Without options for a renderer a chart is rendered as such, before a kustomization, before plain
    manifests.

    Raises:
        RenderError: the path or something that it refers to is not there, or not allowed.

    """
    path = checkout.locate(target.path.lstrip("/"), note=False)
    options = target.render
    if options is None:
        options = _detect(checkout, path)
    if isinstance(options, PlainOptions):
        return plan_plain(checkout, path, options)
    if not checkout.is_folder(path):
        raise RenderError(
            "PathNotFound",
            f"{path} is a file: a chart or kustomization is a folder",
            retryable=False,
        )
    if isinstance(options, KustomizeOptions):
        return plan_kustomize(
            checkout, path, options, target.target_namespace, PostBuild.of(target.flux, values_from)
        )
    if not checkout.exists(posixpath.join(path, CHART_FILE)):
        raise RenderError(
            "ChartNotFound",
            f"{path or '.'} has no {CHART_FILE}, so there is no chart to render",
            retryable=False,
        )
    return plan_helm(
        checkout,
        path,
        options,
        values_from,
        facts,
        release=target.key.name,
        namespace=target.target_namespace or target.key.namespace,
    )


def _detect(checkout: Checkout, path: str) -> HelmOptions | KustomizeOptions | PlainOptions:
    if not checkout.is_folder(path):
        return PlainOptions()
    if checkout.exists(posixpath.join(path, CHART_FILE)):
        return HelmOptions()
    if find_kustomization(checkout, path) is not None:
        return KustomizeOptions()
    return PlainOptions()
