from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from controlplane.tls import Authority
from leadsman.kube.access import Access, ClusterConfig, FixedAccess, tls_context

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("server", "loopback"),
    [
        ("https://127.0.0.1:6443", True),
        ("https://127.8.0.1", True),
        ("https://[::1]:6443", True),
        ("https://localhost:6443/k8s", True),
        ("https://10.96.0.1:443", False),
        ("https://[fd00::1]:443", False),
        ("https://localhost.example.com", False),
    ],
)
def test_loopback_is_known_by_the_address(server: str, *, loopback: bool) -> None:
    assert ClusterConfig(server).loopback is loopback


def test_credentials_are_not_in_the_text_of_a_value() -> None:
    assert "hush" not in repr(Access(None, "Bearer hush"))


async def test_fixed_credentials_have_no_replacement() -> None:
    access = Access(None, "Bearer a")
    fixed = FixedAccess(access)
    assert await fixed.current() is access
    assert await fixed.renew(access) is access


def test_a_ca_without_authority_key_identifier_is_accepted(tmp_path: Path) -> None:
    context = tls_context(Authority(tmp_path).ca_file)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert len(context.get_ca_certs()) == 1


def test_verification_can_be_turned_off(tmp_path: Path) -> None:
    context = tls_context(Authority(tmp_path).ca_file, verify=False)
    assert context.verify_mode is ssl.CERT_NONE
    assert not context.check_hostname
