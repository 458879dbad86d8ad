"""The schemas as people read them; what they accept and refuse is shown on a real API server."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import yaml

from leadsman.model.finding import DRIFT_CAUSES, EXCUSED_CAUSES, Cause, Op, State
from leadsman.model.json import JsonObject
from leadsman.model.status import Verdict

CRDS = Path(__file__).parents[3] / "crds"
NAMES = ("driftchecks", "driftreports")


def crd(name: str) -> JsonObject:
    loaded: JsonObject = yaml.safe_load((CRDS / f"{name}.leadsman.dev.yaml").read_text())
    return loaded


def version(name: str) -> JsonObject:
    (only,) = crd(name)["spec"]["versions"]
    loaded: JsonObject = only
    return loaded


def schema(name: str) -> JsonObject:
    loaded: JsonObject = version(name)["schema"]["openAPIV3Schema"]
    return loaded


def fields(node: JsonObject, path: str = "") -> Iterator[tuple[str, JsonObject]]:
    for name, field in node.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from fields(field.get("items", field), f"{path}.{name}")


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_described_in_sentences(name: str) -> None:
    described = {path: field for path, field in fields(schema(name)) if path != ".metadata"}
    assert len(described) > 50
    for path, field in described.items():
        description = field.get("description", "")
        assert description.endswith("."), path
        assert description[0].isupper(), path


@pytest.mark.parametrize("name", NAMES)
def test_every_list_says_how_it_merges(name: str) -> None:
    for path, field in fields(schema(name)):
        if field.get("type") == "array":
            assert field["x-kubernetes-list-type"] in {"atomic", "set", "map"}, path


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_has_a_message(name: str) -> None:
    for path, field in fields(schema(name)):
        for rule in field.get("x-kubernetes-validations", ()):
            assert rule["message"], path


@pytest.mark.parametrize(("name", "short"), [("driftchecks", "dc"), ("driftreports", "dr")])
def test_names(name: str, short: str) -> None:
    spec = crd(name)["spec"]
    assert spec["group"] == "leadsman.dev"
    assert spec["scope"] == "Namespaced"
    assert spec["names"]["shortNames"] == [short]
    assert spec["names"]["categories"] == ["leadsman"]
    assert version(name)["name"] == "v1alpha1"


def test_a_driftcheck_has_no_status_because_nobody_writes_one() -> None:
    assert "subresources" not in version("driftchecks")
    assert "status" not in schema("driftchecks")["properties"]


def test_the_columns_of_a_driftreport() -> None:
    columns = version("driftreports")["additionalPrinterColumns"]
    narrow = [column["name"] for column in columns if not column.get("priority")]
    assert narrow == [
        "Verdict",
        "Drifted",
        "Missing",
        "Suspended",
        "Revision",
        "Since",
        "Age",
    ]


def test_the_wide_table_shows_all_that_is_one_value() -> None:
    shown = {c["jsonPath"] for c in version("driftreports")["additionalPrinterColumns"]}
    status = schema("driftreports")["properties"]["status"]
    values = {
        f".status{path}"
        for path, field in fields(status)
        if field.get("type") in {"string", "integer"}
        and path.partition(".")[2].partition(".")[0]
        not in {"objects", "excused", "ignored", "truncated", "conditions"}
    }
    # What the revision says, and what is of no use to people.
    silent = (".commit.sha", ".inventory", ".observedGeneration", ".lastHandledCheckAt")
    values -= {f".status{path}" for path in silent}
    assert values <= shown


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (".status.verdict", Verdict),
        (".status.objects.state", [state for state in State if state is not State.IN_SYNC]),
        (".status.objects.changes.op", Op),
        (".status.objects.changes.cause", sorted(DRIFT_CAUSES, reverse=True)),
        (".status.objects.excused.cause", sorted(EXCUSED_CAUSES)),
        (".status.excused.changes.cause", sorted(EXCUSED_CAUSES)),
    ],
)
def test_the_words_are_those_of_the_code(
    path: str, words: Iterable[Verdict | State | Op | Cause]
) -> None:
    assert dict(fields(schema("driftreports")))[path]["enum"] == [word.value for word in words]


def test_the_summary_counts_every_state() -> None:
    summary = dict(fields(schema("driftreports")))[".status.summary"]["properties"]
    counted = {state.value[0].lower() + state.value[1:] for state in State}
    assert set(summary) == counted | {"total", "drifted"} | {
        "ignoredFields",
        "admissionFields",
        "pendingFields",
    }
