"""Flux's ``postBuild``: variables put into each object of a build, and what all of it hashes to.

Source: ``kustomize_varsub.go`` in fluxcd/pkg ``kustomize``; ``build`` in kustomize-controller's
``kustomization_controller.go``, which hashes what it built.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from leadsman.errors import RenderError
from leadsman.render.builder import YamlError
from leadsman.render.decoder import parse
from leadsman.render.flux.substitution import SubstitutionError, substitute
from leadsman.render.goyaml import dump
from leadsman.render.messages import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leadsman.model.json import Json, JsonObject
    from leadsman.model.target import FluxBuild
    from leadsman.render.request import ValuesDocument

_NAME: Final = re.compile(r"[_A-Za-z][_A-Za-z0-9]*")
_SEPARATOR: Final = b"---\n"
_GROUP: Final = "kustomize.toolkit.fluxcd.io"
# What an object may say by label or annotation so that it is not applied.
_LEFT_ALONE: Final = (("reconcile", "disabled"), ("ssa", "ignore"))


@dataclass(frozen=True, slots=True)
class PostBuild:
    """What Flux does to a build: ``variables`` None puts in none; ``labels`` are its owner's.

    ``secret``: a variable comes from a Secret.
    """

    labels: dict[str, str]
    variables: dict[str, str] | None = field(default=None, repr=False)
    secret: bool = False

    @classmethod
    def of(cls, flux: FluxBuild | None, values: Sequence[ValuesDocument]) -> PostBuild | None:
        """Return what is done for a target; ``values`` are variables from the cluster, in order.

        None where Flux does not deliver. Raises RenderError for a name that Flux takes for none.
        """
        if flux is None:
            return None
        labels = {f"{_GROUP}/name": flux.name, f"{_GROUP}/namespace": flux.namespace}
        if flux.variables is None:
            return cls(labels)
        variables = {item.target_path: item.text for item in values} | flux.variables
        for name in variables:
            _check_name(name)
        if not (variables or flux.always):
            return cls(labels)
        put = {name: value.replace("\n", "") for name, value in variables.items()}
        return cls(labels, put, any(item.secret for item in values))

    def applied_to(self, build: bytes) -> bytes:
        """Return a build with the variables put in. Raises RenderError."""
        if self.variables is None or not build:
            return build
        return put_variables(build, self.variables)

    @staticmethod
    def leaves_out(body: JsonObject) -> bool:
        """Tell whether Flux leaves an object alone, because Git says so."""
        return any(_says(body, name, value) for name, value in _LEFT_ALONE)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise RenderError(
            "VariablesInvalid",
            f"{shorten(name)!r} cannot be the name of a variable (postBuild): it may have letters, "
            "digits and _, and begins with no digit",
            retryable=False,
        )


def digest_of(build: bytes) -> str:
    """Return what Flux notes of what it built, as ``sha256:<hexadecimal>``."""
    return f"sha256:{hashlib.sha256(build).hexdigest()}"


def put_variables(build: bytes, variables: Mapping[str, str]) -> bytes:
    """Return a build, one YAML document for each object, with variables put in.

    The text of each object is what variables are put into, so that quotes decide what a value is.

    Raises:
        RenderError: what is written there cannot be read, before or after.

    """
    pieces = re.split(rb"^---\n", build, flags=re.MULTILINE)
    return _SEPARATOR.join(_with_variables(piece, variables) for piece in pieces)


def _with_variables(piece: bytes, variables: Mapping[str, str]) -> bytes:
    before = _read(piece, "before variables are put in")
    if _says(before, "substitute", "disabled"):
        return piece
    try:
        text = substitute(piece.decode("utf-8", "surrogateescape"), variables)
        after = text.encode()
    except (SubstitutionError, UnicodeEncodeError) as error:
        # Not the text itself: it may have a variable's value, which may be secret.
        said = error if isinstance(error, SubstitutionError) else "a value is cut within a letter"
        raise RenderError(
            "VariablesFailed", f"{_named(before)}: postBuild: {said}", retryable=False
        ) from None
    return dump(_read(after, f"{_named(before)} with its variables put in"))


def _read(piece: bytes, what: str) -> Json:
    try:
        documents = parse(piece, lambda _line, _key: None)
    except YamlError as error:
        raise RenderError(
            error.reason or "InvalidYAML",
            f"{what}: line {error.line} is not YAML",
            retryable=False,
        ) from None
    return documents[0].value if documents else None


def _says(body: Json, name: str, value: str) -> bool:
    """Tell whether a label or annotation of Flux's has a value, in any case."""
    metadata = body.get("metadata") if isinstance(body, dict) else None
    if not isinstance(metadata, dict):
        return False
    return any(
        isinstance(item, dict) and str(item.get(f"{_GROUP}/{name}", "")).casefold() == value
        for item in (metadata.get("labels"), metadata.get("annotations"))
    )


def _named(body: Json) -> str:
    if not isinstance(body, dict):
        return "an object"
    metadata = body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else ""
    return f"{body.get('kind')} {shorten(str(name))}"
