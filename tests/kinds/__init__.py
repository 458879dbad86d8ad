"""Our own objects of every built-in kind that can be created and read back.

    kubectl create namespace kinds; kubectl apply -n kinds -f tests/kinds
    for name, text in manifests("shop").items(): ...    # the same files for another namespace
    for document in documents("shop"): ...              # the objects, decoded as Kubernetes does

They are rich on purpose: each spells what the API server rewrites, drops, fills in or keeps. The
order of the files, and in them, is one in which all can be created. Namespaced objects name no
namespace, except where the API server wants the object to repeat its own. What is cluster-scoped
has ``kinds`` in its name, or one that it must have.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadsman.render.yaml import load_documents

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
# The namespace that the files name where one has to be named.
NAMESPACE = "kinds"


def manifests(namespace: str = NAMESPACE) -> dict[str, str]:
    """The text of each file by its name, in order, with another namespace in place of ours."""
    return {
        file.name: file.read_text().replace(f"namespace: {NAMESPACE}", f"namespace: {namespace}")
        for file in sorted(HERE.glob("*.yaml"))
    }


def documents(namespace: str = NAMESPACE) -> Iterator[dict[str, Any]]:
    """Each object, in order."""
    for name, text in manifests(namespace).items():
        for document in load_documents(text, name):
            assert isinstance(document, dict), f"{name}: {document!r}"
            yield document
