"""Try the fence of DryRun mode, as whoever wants to write would.

Nothing is taken for granted: neither that the policy is there because it was installed, nor that it
is whole because it denies one write.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadsman.errors import KubeError, LeadsmanError
from leadsman.kube.client import MERGE_PATCH
from leadsman.kube.discovery import ApiResource
from leadsman.kube.status import FORBIDDEN, NOT_FOUND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadsman.kube.client import Client
    from leadsman.model.json import Json, JsonObject

_GROUP = "admissionregistration.k8s.io"
POLICIES, BINDINGS = (
    ApiResource(_GROUP, "v1", kind, plural, namespaced=False)
    for kind, plural in (
        ("ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
        ("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"),
    )
)
# No policy is ever evaluated on these: who may write them may remove the fence, or have the API
# server change what others write.
_UNFENCED = (
    POLICIES.plural,
    BINDINGS.plural,
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
)
_WRITES = ("create", "update", "patch", "delete", "deletecollection")
# In another's name the fence, which goes by the name, does not hold.
_IMPERSONATED = ("users", "groups", "serviceaccounts")

_ACCOUNT = re.compile(r"system:serviceaccount:([^:]+):([^:]+)")
_DENIAL = re.compile(r"ValidatingAdmissionPolicy '([^']+)' with binding '([^']+)' denied request")
_OPERATIONS = frozenset({"CREATE", "UPDATE", "DELETE", "CONNECT"})

_IS_USER = 'request.userInfo.username == "{}"'
# What the fence lets through, as in deploy/components/dry-run/fence.yaml: further validations only
# let less through.
ALLOWED = """
(has(request.dryRun) && request.dryRun)
|| (request.operation in ["CREATE", "UPDATE"]
&& request.resource.group == "leadsman.dev"
&& request.resource.resource == "driftreports"
&& (!has(request.subResource) || request.subResource in ["", "status"]))
|| (request.operation in ["CREATE", "UPDATE"]
&& request.resource.group == "events.k8s.io"
&& request.resource.resource == "events"
&& (!has(request.subResource) || request.subResource == ""))
|| (request.operation in ["CREATE", "UPDATE"]
&& request.resource.group == "coordination.k8s.io"
&& request.resource.resource == "leases"
&& (!has(request.subResource) || request.subResource == "")
&& request.name.matches("^leadsman-shard(s|-[0-9]+)$")
&& request.userInfo.username.startsWith("system:serviceaccount:" + request.namespace + ":"))
"""

_HELP = "install it with the component dry-run of deploy/, or run in ReadOnly mode"


@dataclass(frozen=True, slots=True)
class Posts:
    """What the fence is made of: the names of the policy and of its binding."""

    policy: str
    binding: str


class Trial:
    """Finds out whether a real write is denied, a dry run is not, and the fence cannot be removed.

    Raises as ``Fence.stand`` does.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def run(self) -> Posts:
        """Try everything once; return what the fence is made of."""
        namespace, name = await self._account()
        posts = await self._try(f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}")
        await self._check_kept(posts)
        await self._check_whole(posts, f"system:serviceaccount:{namespace}:{name}")
        return posts

    async def _account(self) -> tuple[str, str]:
        """Return namespace and name of the ServiceAccount that this process is."""
        review = await self._client.request(
            "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body={}
        )
        user = str(review["status"]["userInfo"].get("username", ""))
        found = _ACCOUNT.fullmatch(user)
        if found is None:
            raise LeadsmanError(
                "FenceMissing",
                f"DryRun mode is for a ServiceAccount, which the fence knows by its name, and this "
                f"is {user}; leadsman check --mode DryRun asks with your own permissions",
                retryable=False,
            )
        return found[1], found[2]

    async def _try(self, path: str) -> Posts:
        """Write what changes nothing, and expect to be denied by a policy.

        It is an empty patch of the own ServiceAccount: should it go through, it has done nothing,
        and nothing has to be removed.
        """
        try:
            await self._client.request("PATCH", path, body={}, content_type=MERGE_PATCH)
        except KubeError as error:
            found = _DENIAL.search(error.message)
            if found is None:
                raise _untried(error) from error
        else:
            raise LeadsmanError(
                "FenceMissing",
                "a write without dryRun went through (an empty patch, which changed nothing): the "
                f"fence of DryRun mode is not in place; {_HELP}",
            )
        try:
            await self._client.request(
                "PATCH", path, params={"dryRun": "All"}, body={}, content_type=MERGE_PATCH
            )
        except KubeError as error:
            if _DENIAL.search(error.message) is None:
                raise
            raise LeadsmanError(
                "FenceTooTight", f"dry runs are denied, too: {error.message}"
            ) from error
        return Posts(found[1], found[2])

    async def _check_kept(self, posts: Posts) -> None:
        """Make sure that RBAC lets this process neither remove the fence nor walk around it."""
        answers = await asyncio.gather(
            *(
                self._may(verb, _GROUP, plural, name)
                for plural in _UNFENCED
                for verb in _WRITES
                for name in ("", posts.policy, posts.binding)
            ),
            *(self._may("impersonate", "", plural) for plural in _IMPERSONATED),
        )
        may = sorted({answer for answer in answers if answer} | set(await self._ruled()))
        if may:
            raise LeadsmanError(
                "FenceRemovable",
                f"Leadsman's ServiceAccount may {', '.join(may)}, by which it could remove the "
                "fence of DryRun mode or act in another's name: take that permission away (none "
                "of deploy/'s roles grants it)",
                retryable=False,
            )

    async def _may(self, verb: str, group: str, plural: str, name: str = "") -> str:
        """Return what is allowed in words, "" if it is not."""
        attributes = {"verb": verb, "group": group, "resource": plural, "name": name}
        answer = await self._client.request(
            "POST",
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            body={"spec": {"resourceAttributes": attributes}},
        )
        return f"{verb} {plural}" if answer.get("status", {}).get("allowed") else ""

    async def _ruled(self) -> list[str]:
        """Return what rules for objects of certain names allow, which no question names."""
        answer = await self._client.request(
            "POST",
            "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
            body={"spec": {"namespace": self._client.config.namespace}},
        )
        return [
            f"{verb} {plural}"
            for rule in answer.get("status", {}).get("resourceRules") or ()
            if {_GROUP, "*"} & set(rule.get("apiGroups") or ())
            for plural in _UNFENCED
            if {plural, "*"} & set(rule.get("resources") or ())
            for verb in _WRITES
            if {verb, "*"} & set(rule.get("verbs") or ())
        ]

    async def _check_whole(self, posts: Posts, user: str) -> None:
        """Make sure that what denied the one write is meant for all."""
        policy = await self._read(POLICIES, posts.policy)
        binding = await self._read(BINDINGS, posts.binding)
        gaps = [*policy_gaps(policy, user), *_binding_gaps(binding)]
        if gaps:
            raise LeadsmanError(
                "FenceWeak",
                f"ValidatingAdmissionPolicy {posts.policy} with binding {posts.binding} denies "
                f"writes, but not all: {'; '.join(gaps)}; {_HELP}",
                retryable=False,
            )

    async def _read(self, resource: ApiResource, name: str) -> JsonObject:
        found = await self._client.get(resource.path(), {"fieldSelector": f"metadata.name={name}"})
        for item in found.get("items") or ():
            spec: JsonObject = item.get("spec") or {}
            return spec
        raise LeadsmanError("FenceMissing", f"{resource.kind} {name} is gone; {_HELP}")


def _untried(error: KubeError) -> LeadsmanError:
    """Return what a refusal means that is no policy's."""
    if error.status == FORBIDDEN:
        return LeadsmanError(
            "FenceUntried",
            "whether the fence of DryRun mode holds cannot be tried, since something else denies "
            f"an empty patch of the own ServiceAccount first: {error.message}; {_HELP}",
        )
    if error.status == NOT_FOUND:
        return LeadsmanError("FenceUntried", f"the own ServiceAccount is gone: {error.message}")
    return error


def policy_gaps(spec: JsonObject, user: str) -> Iterator[str]:
    """Say where a policy leaves out something that a user might write."""
    if spec.get("failurePolicy", "Fail") != "Fail":
        yield "its failurePolicy is not Fail"
    if spec.get("paramKind"):
        yield "it depends on parameters"
    constraints = spec.get("matchConstraints") or {}
    if not any(map(_is_for_all, constraints.get("resourceRules") or ())):
        yield 'no rule is for all resources ("*/*") and all operations'
    if constraints.get("excludeResourceRules"):
        yield "it has excludeResourceRules"
    if constraints.get("namespaceSelector") or constraints.get("objectSelector"):
        yield "it selects namespaces or objects"
    conditions = spec.get("matchConditions") or ()
    if any(_words(each.get("expression")) != _words(_IS_USER.format(user)) for each in conditions):
        yield f"it has other matchConditions than that the user is {user}"
    validations = spec.get("validations") or ()
    if not any(_words(each.get("expression")) == _words(ALLOWED) for each in validations):
        yield "none of its validations is the one that deploy/ has"


def _words(expression: Json) -> str:
    """Return an expression of CEL as its words alone, which may be broken into lines anywhere."""
    return "".join(str(expression).split()).replace("'", '"')


def _is_for_all(rule: Json) -> bool:
    operations = set(rule.get("operations") or ())
    return (
        "*" in (rule.get("apiGroups") or ())
        and "*" in (rule.get("apiVersions") or ())
        and "*/*" in (rule.get("resources") or ())
        and ("*" in operations or operations >= _OPERATIONS)
        and rule.get("scope", "*") == "*"
        and not rule.get("resourceNames")
    )


def _binding_gaps(spec: JsonObject) -> Iterator[str]:
    if "Deny" not in (spec.get("validationActions") or ()):
        yield "its binding does not deny"
    if spec.get("paramRef"):
        yield "its binding depends on parameters"
    match = spec.get("matchResources") or {}
    # The API server writes two empty selectors where anything is given.
    if any(value for name, value in match.items() if name != "matchPolicy"):
        yield "its binding matches only some resources"
