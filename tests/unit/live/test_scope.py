from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leadsman.live.scope import EVERYWHERE, Scope

namespaces = st.sampled_from(["", "shop", "blog", "elsewhere"])


@given(named=st.frozensets(namespaces), namespace=namespaces)
def test_a_namespace_is_in_a_scope_or_in_what_that_leaves_out(
    named: frozenset[str], namespace: str
) -> None:
    assert (namespace in Scope(named)) == (namespace in named)
    assert (namespace in Scope(named)) != (namespace in Scope(named, others=True))
    assert namespace in EVERYWHERE
