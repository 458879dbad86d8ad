from __future__ import annotations

from leadsman.engine.index import Index
from leadsman.live.scope import Scope
from leadsman.model.identity import ObjectKey
from unit.engine.samples import desired, key, rendered, target_state


def test_an_object_knows_every_target_that_renders_it() -> None:
    index = Index()
    web, api = target_state("web"), target_state("api")
    web.install(rendered(desired("a"), desired("b")), rejudge=False)
    api.install(rendered(desired("b")), rejudge=False)
    index.replace(web)
    index.replace(api)
    assert index.owners(key("a")) == (web,)
    assert set(map(id, index.owners(key("b")))) == {id(web), id(api)}
    assert set(index.keys("", "ConfigMap")) == {key("a"), key("b")}


def test_replacing_a_targets_objects_lets_the_former_ones_go() -> None:
    index = Index()
    web, api = target_state("web"), target_state("api")
    web.install(rendered(desired("a"), desired("b")), rejudge=False)
    api.install(rendered(desired("b")), rejudge=False)
    index.replace(web)
    index.replace(api)
    web.install(rendered(desired("c")), rejudge=False)
    index.replace(web)
    assert index.owners(key("a")) == ()
    assert index.owners(key("b")) == (api,)
    assert index.owners(key("c")) == (web,)


def test_orphans_are_owned_until_they_are_forgotten() -> None:
    index = Index()
    web = target_state("web")
    web.install(rendered(desired("a"), desired("b")), rejudge=False)
    web.versions[key("b")] = "1"
    web.install(rendered(desired("a")), rejudge=False)
    index.replace(web)
    assert index.owners(key("b")) == (web,)
    web.forget(key("b"))
    index.replace(web)
    assert index.owners(key("b")) == ()


def test_a_removed_target_leaves_nothing() -> None:
    index = Index()
    web = target_state("web")
    web.install(rendered(desired("a")), rejudge=False)
    index.replace(web)
    index.depend(web.key, [key("values")])
    index.remove(web)
    assert index.owners(key("a")) == ()
    assert not index.keys("", "ConfigMap")
    assert not index.dependencies(web.key)
    assert not index.dependents(key("values"))
    assert vars(index)["_by_kind"] == {}


def test_dependents_follow_what_a_render_reads_now() -> None:
    index = Index()
    web, api = target_state("web"), target_state("api")
    index.depend(web.key, [key("values"), key("more")])
    index.depend(api.key, [key("values")])
    assert set(index.dependents(key("values"))) == {web.key, api.key}
    index.depend(web.key, [key("more")])
    assert set(index.dependents(key("values"))) == {api.key}
    assert set(index.dependencies(web.key)) == {key("more")}
    assert set(index.dependencies(api.key)) == {key("values")}


def test_what_is_rendered_and_what_is_read_for_it_concerns_a_target_where_it_is() -> None:
    index = Index()
    web = target_state("web")
    web.install(rendered(desired("a")), rejudge=False)
    index.replace(web)
    index.depend(web.key, [ObjectKey("", "Secret", "blog", "values")])
    shop, blog = Scope(frozenset({"shop"})), Scope(frozenset({"blog"}))
    assert key("a").namespace == "shop"
    assert index.concerns(web.key, "", "ConfigMap", shop)
    assert not index.concerns(web.key, "", "ConfigMap", blog)
    assert not index.concerns(web.key, "", "Secret", shop)
    assert index.concerns(web.key, "", "Secret", blog)
    assert not index.concerns(target_state("api").key, "", "ConfigMap", shop)
