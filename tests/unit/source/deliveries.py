"""Webhooks as the forges document them, shortened to what is read and what stands beside it."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from multidict import CIMultiDict

SECRET = b"It's a Secret to Everybody"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request that was not signed yet; ``names`` are the repository's addresses."""

    headers: dict[str, str]
    payload: dict[str, Any]
    names: frozenset[str] = frozenset()
    signed_by: str = "X-Hub-Signature-256"
    prefix: str = "sha256="
    forge: str = "generic"
    body: bytes = field(default=b"", repr=False)

    def raw(self) -> bytes:
        return self.body or json.dumps(self.payload, indent=1).encode()

    def sign(self, secret: bytes = SECRET) -> CIMultiDict[str]:
        """Return the headers with a signature of the body."""
        digest = hmac.new(secret, self.raw(), hashlib.sha256).hexdigest()
        if self.signed_by == "X-Gitlab-Token":
            digest = secret.decode()
        return CIMultiDict(self.headers | {self.signed_by: self.prefix + digest})


GITHUB = Delivery(
    {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "X-GitHub-Event": "push",
        "X-GitHub-Hook-ID": "292430182",
    },
    {
        "ref": "refs/heads/main",
        "before": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
        "after": "0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c",
        "repository": {
            "id": 186853002,
            "name": "Hello-World",
            "full_name": "Codertocat/Hello-World",
            "html_url": "https://github.com/Codertocat/Hello-World",
            "url": "https://github.com/Codertocat/Hello-World",
            "git_url": "git://github.com/Codertocat/Hello-World.git",
            "ssh_url": "git@github.com:Codertocat/Hello-World.git",
            "clone_url": "https://github.com/Codertocat/Hello-World.git",
            "homepage": "https://elsewhere.example/project",
            "default_branch": "main",
        },
        "commits": [],
    },
    frozenset({"github.com/codertocat/hello-world"}),
    forge="github",
)
GITLAB = Delivery(
    {
        "Content-Type": "application/json",
        "User-Agent": "GitLab/18.11.0",
        "X-Gitlab-Event": "Push Hook",
        "X-Gitlab-Instance": "https://gitlab.example.com",
        "Idempotency-Key": "f5e5f430-f57b-4e6e-9fac-d9128cd7232f",
    },
    {
        "object_kind": "push",
        "event_name": "push",
        "ref": "refs/heads/master",
        "project": {
            "id": 15,
            "web_url": "https://gitlab.example.com/mike/diaspora",
            "git_ssh_url": "ssh://git@gitlab.example.com:2222/mike/diaspora.git",
            "git_http_url": "https://gitlab.example.com/mike/diaspora.git",
            "path_with_namespace": "mike/diaspora",
            "homepage": "https://elsewhere.example/project",
        },
        "repository": {
            "name": "Diaspora",
            "url": "git@gitlab.example.com:mike/diaspora.git",
            "git_http_url": "https://gitlab.example.com/mike/diaspora.git",
        },
        "commits": [],
    },
    frozenset({"gitlab.example.com/mike/diaspora", "gitlab.example.com:2222/mike/diaspora"}),
    signed_by="X-Gitlab-Token",
    prefix="",
    forge="gitlab",
)
_GITEA = {
    "ref": "refs/heads/develop",
    "repository": {
        "id": 140,
        "full_name": "gitea/webhooks",
        "html_url": "http://git.example.com:3000/gitea/webhooks",
        "ssh_url": "ssh://gitea@git.example.com:2222/gitea/webhooks.git",
        "clone_url": "http://git.example.com:3000/gitea/webhooks.git",
        "website": "https://elsewhere.example/project",
    },
    "commits": [],
}
_GITEA_NAMES = frozenset(
    {"git.example.com:3000/gitea/webhooks", "git.example.com:2222/gitea/webhooks"}
)
GITEA = Delivery(
    {"X-GitHub-Event": "push", "X-Gogs-Event": "push", "X-Gitea-Event": "push"},
    _GITEA,
    _GITEA_NAMES,
    signed_by="X-Gitea-Signature",
    prefix="",
    forge="gitea",
)
FORGEJO = Delivery(
    GITEA.headers | {"X-Forgejo-Event": "push"},
    _GITEA,
    _GITEA_NAMES,
    signed_by="X-Forgejo-Signature",
    prefix="",
    forge="forgejo",
)
BITBUCKET_CLOUD = Delivery(
    {"X-Event-Key": "repo:push", "X-Hook-UUID": "a5b1", "X-Attempt-Number": "1"},
    {
        "actor": {"display_name": "Emma"},
        "repository": {
            "type": "repository",
            "links": {
                "self": {"href": "https://api.bitbucket.org/2.0/repositories/team/repo"},
                "html": {"href": "https://bitbucket.org/team/repo"},
                "avatar": {"href": "https://bytebucket.org/ravatar/1"},
            },
            "full_name": "team/repo",
        },
        "push": {"changes": [{"new": {"type": "branch", "name": "main"}}]},
    },
    frozenset({"bitbucket.org/team/repo"}),
    signed_by="X-Hub-Signature",
    forge="bitbucket",
)
BITBUCKET_SERVER = Delivery(
    {"X-Event-Key": "repo:refs_changed", "X-Request-Id": "6b3e"},
    {
        "eventKey": "repo:refs_changed",
        "repository": {
            "slug": "shop",
            "project": {"key": "TEAM", "links": {"self": [{"href": "https://bb.example/x"}]}},
            "links": {
                "clone": [
                    {"href": "ssh://git@bb.example:7999/team/shop.git", "name": "ssh"},
                    {"href": "https://bb.example/scm/team/shop.git", "name": "http"},
                ],
                "self": [{"href": "https://bb.example/projects/TEAM/repos/shop/browse"}],
            },
        },
        "changes": [{"refId": "refs/heads/master", "type": "UPDATE"}],
    },
    frozenset({"bb.example:7999/team/shop", "bb.example/scm/team/shop"}),
    signed_by="X-Hub-Signature",
    forge="bitbucket",
)
GENERIC = Delivery(
    {"Content-Type": "application/json"},
    {"url": "ssh://git@git.example.com/team/shop.git", "ref": "refs/heads/main"},
    frozenset({"git.example.com/team/shop"}),
)
DELIVERIES = {
    "github": GITHUB,
    "gitlab": GITLAB,
    "gitea": GITEA,
    "forgejo": FORGEJO,
    "bitbucket-cloud": BITBUCKET_CLOUD,
    "bitbucket-server": BITBUCKET_SERVER,
    "generic": GENERIC,
}
