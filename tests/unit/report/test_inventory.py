from __future__ import annotations

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.model.finding import State, Unlisted
from leadsman.model.identity import Gvk, ObjectKey
from leadsman.report.inventory import decode_inventory, encode_inventory
from unit.report.samples import NOW, finding, keys

WEB = finding("web").key
ROLE = ObjectKey("rbac.authorization.k8s.io", "ClusterRole", "", "system:node/odd")


@given(st.lists(keys, unique=True))
def test_an_inventory_is_read_back(inventory: list[ObjectKey]) -> None:
    assert decode_inventory(encode_inventory(inventory)) == (
        tuple(decode_inventory(encode_inventory(reversed(inventory)))[0]),
        (),
    )
    assert set(decode_inventory(encode_inventory(inventory))[0]) == set(inventory)


def test_names_are_read_back_whatever_is_in_them() -> None:
    assert decode_inventory(encode_inventory([WEB, ROLE]))[0] == (WEB, ROLE)


def test_the_order_does_not_count() -> None:
    assert encode_inventory([WEB, ROLE]) == encode_inventory([ROLE, WEB])


def test_states_are_read_back() -> None:
    missing = finding("web", State.MISSING)
    inventory, states = decode_inventory(encode_inventory([WEB, ROLE], [missing]))
    assert inventory == (WEB, ROLE)
    assert states == (Unlisted(WEB, Gvk("apps", "", "Deployment"), State.MISSING, NOW),)


def test_ten_thousand_objects_take_little() -> None:
    inventory = [
        ObjectKey("apps", "Deployment", f"team-{number % 40}", f"application-{number}")
        for number in range(10_000)
    ]
    assert len(encode_inventory(inventory)) < 60_000


def _packed(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw)).decode()


@pytest.mark.parametrize(
    "packed",
    [
        None,
        5,
        "",
        "no base64!",
        base64.b64encode(b"no zlib").decode(),
        _packed(b"\xff\xfe"),
        _packed(b"only/three/parts\n/NoName/x/\n//x/no-kind\n\n"),
    ],
)
def test_what_cannot_be_read_is_left_out(packed: object) -> None:
    assert decode_inventory(packed) == ((), ())


def test_a_line_that_cannot_be_read_spoils_no_other() -> None:
    raw = b"apps/Deployment/shop/web\tBroken\t5\njunk\n/Service/shop/db\tMissing\tsoon"
    inventory, states = decode_inventory(_packed(raw))
    assert inventory == (WEB, ObjectKey("", "Service", "shop", "db"))
    assert states == ()


def test_unpacking_is_bounded() -> None:
    bomb = _packed(b"apps/Deployment/shop/web\n" * 1_000_000)  # 25 MB
    assert len(bomb) < 100_000
    assert len(decode_inventory(bomb)[0]) < 350_000
