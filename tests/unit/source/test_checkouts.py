"""What a commit becomes on disk, and what no repository can do to the machine."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from controlplane.gitrepo import Link, Script, Submodule, git_environment
from controlplane.gitserver import GitServer
from leadsman.errors import SourceError
from leadsman.model.source import Credentials, GitRef, GitSource
from leadsman.source import submodules, writing
from leadsman.source.checkouts import remove_tree
from leadsman.source.limits import Limits

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from controlplane.gitrepo import Repository
    from leadsman.model.source import Artifact
    from leadsman.source.mirrors import GitMirrors


def source(server: GitServer, repository: str = "shop", /) -> GitSource:
    return GitSource(server.url(repository), GitRef(branch="main"))


async def latest(
    mirrors: GitMirrors, wanted: GitSource, credentials: Credentials | None = None
) -> Artifact:
    return await mirrors.artifact(wanted, credentials, await mirrors.resolve(wanted, credentials))


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


def set_main(shop: Repository, tree: str) -> None:
    """Point main at a commit of a tree that no honest git would make."""
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Eve"), ("EMAIL", "eve@example.com"))
    }
    commit = shop.git("commit-tree", "-m", "Evil", tree, **who)
    shop.git("update-ref", "refs/heads/main", commit)


def raw_tree(shop: Repository, *entries: tuple[str, str, str]) -> str:
    data = b"".join(
        os.fsencode(f"{mode} {name}") + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries
    )
    return shop.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=data)


def blob(shop: Repository, text: str) -> str:
    return shop.git("hash-object", "-w", "--stdin", stdin=text)


async def test_files_are_written_byte_for_byte_and_read_only(
    server: GitServer, mirrors: GitMirrors
) -> None:
    server.create(
        "shop",
        {
            "a.yaml": "a: 1\n",
            "windows.txt": b"one\r\ntwo\r\n",
            "binary": bytes(range(256)),
            "empty": "",
            "deploy/run.sh": Script("#!/bin/sh\n"),
            "deploy/ünïcode ☃.yaml": "b: 2\n",
        },
    )
    artifact = await latest(mirrors, source(server))
    assert (artifact.root / "a.yaml").read_bytes() == b"a: 1\n"
    assert (artifact.root / "windows.txt").read_bytes() == b"one\r\ntwo\r\n"
    assert (artifact.root / "binary").read_bytes() == bytes(range(256))
    assert (artifact.root / "empty").read_bytes() == b""
    assert (artifact.root / "deploy/ünïcode ☃.yaml").exists()
    modes = {
        path: stat.S_IMODE((artifact.root / path).stat().st_mode)
        for path in ("", "deploy", "a.yaml", "deploy/run.sh")
    }
    assert modes == {"": 0o555, "deploy": 0o555, "a.yaml": 0o444, "deploy/run.sh": 0o555}
    assert not (artifact.root / ".git").exists()


async def test_ids_are_those_of_git(server: GitServer, mirrors: GitMirrors) -> None:
    shop = server.create(
        "shop",
        {
            "a/x.yaml": "1",
            "a/y/z.yaml": "2",
            "a.b": "3",
            "run": Script("x"),
            "link": Link("a/x.yaml"),
            "vendor": Submodule("1" * 40),
        },
    )
    artifact = await latest(mirrors, replace(source(server), ignore="nothing"))
    listed = shop.git("ls-tree", "-r", "-t", "--format=%(path)|%(objectname)", "main")
    expected = dict(line.split("|") for line in listed.splitlines())
    expected[""] = shop.git("rev-parse", "main^{tree}")
    # What a link says could be what a file holds.
    expected["link"] = f"120000 {expected['link']}"
    assert artifact.trees == expected
    assert (artifact.root / "vendor").is_dir()


async def test_a_folder_s_id_changes_with_what_is_left_out_of_it_and_only_then(
    server: GitServer, mirrors: GitMirrors
) -> None:
    server.create("shop", {"a/x.yaml": "1", "a/image.png": "2", "b/y.yaml": "3"})
    shop = source(server)
    whole = await latest(mirrors, replace(shop, ignore="nothing"))
    without = await latest(mirrors, shop)
    assert "a/image.png" in whole.trees
    assert "a/image.png" not in without.trees
    assert whole.trees["b"] == without.trees["b"]
    assert whole.trees["a"] != without.trees["a"]
    assert whole.trees[""] != without.trees[""]
    other = server.create("other", {"a/x.yaml": "1", "b/y.yaml": "3"})
    assert without.trees[""] == other.git("rev-parse", "main^{tree}")


async def test_what_a_commit_leaves_alone_is_linked_from_the_former_checkout(
    server: GitServer, mirrors: GitMirrors
) -> None:
    shop = server.create("shop", {"a/same": "same\n", "a/other": "one\n", "tool": "run\n"})
    former = await latest(mirrors, source(server))
    shop.commit({"a/other": "two\n", "tool": Script("run\n"), "b/copy": "same\n"})
    artifact = await latest(mirrors, source(server))
    assert {path: (artifact.root / path).read_text() for path in files(artifact.root)} == {
        "a/same": "same\n",
        "a/other": "two\n",
        "tool": "run\n",
        "b/copy": "same\n",
    }
    assert (artifact.root / "tool").stat().st_mode & stat.S_IXUSR
    shared = {
        path for path in files(former.root) if (artifact.root / path).samefile(former.root / path)
    }
    assert shared == {"a/same"}
    assert (former.root / "a/other").read_text() == "one\n"


async def test_a_file_that_became_a_link_of_the_same_text_is_another(
    server: GitServer, mirrors: GitMirrors
) -> None:
    shop = server.create("shop", {"target": "text\n", "one": "target"})
    former = await latest(mirrors, source(server))
    shop.commit({"one": Link("target")})
    artifact = await latest(mirrors, source(server))
    assert (artifact.root / "one").readlink() == Path("target")
    assert former.trees["one"] != artifact.trees["one"]


async def test_a_former_checkout_that_somebody_removes_is_not_needed(
    server: GitServer, mirrors: GitMirrors
) -> None:
    shop = server.create("shop", {"same": "same\n"})
    former = await latest(mirrors, source(server))
    shop.commit({"more": "more\n"})
    remove_tree(former.root)
    artifact = await latest(mirrors, source(server))
    assert (artifact.root / "same").read_text() == "same\n"


async def test_what_is_ignored_is_not_written(server: GitServer, mirrors: GitMirrors) -> None:
    server.create(
        "shop",
        {
            "a.yaml": "",
            "a.png": "",
            ".gitignore": "*.yaml",
            ".github/workflows/ci.yaml": "",
            "docs/a.md": "",
        },
    )
    by_default = await latest(mirrors, source(server))
    assert files(by_default.root) == {"a.yaml", "docs/a.md"}
    by_spec = await latest(mirrors, replace(source(server), ignore="/*\n!/docs"))
    assert files(by_spec.root) == {"docs/a.md"}
    assert not (by_spec.root / ".github").exists()


async def test_ignore_files_are_read_in_every_folder(
    server: GitServer, mirrors: GitMirrors
) -> None:
    server.create(
        "shop",
        {
            ".sourceignore": "*.txt\n",
            "a.txt": "",
            "a.png": "",
            "b/.sourceignore": "!keep.txt\nc/",
            "b/keep.txt": "",
            "b/c/d.yaml": "",
            "c/d.yaml": "",
            "link/.sourceignore": Link("../b/.sourceignore"),
        },
    )
    artifact = await latest(mirrors, source(server))
    assert files(artifact.root) == {
        ".sourceignore",
        "a.png",
        "b/.sourceignore",
        "b/keep.txt",
        "c/d.yaml",
        "link/.sourceignore",
    }


async def test_links_are_written_as_they_are_and_never_followed(
    server: GitServer, mirrors: GitMirrors, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    victim = outside / "victim"
    victim.write_text("as it was")
    mode = victim.stat().st_mode
    server.create(
        "shop",
        {
            "file": Link(str(victim)),
            "folder": Link(str(outside)),
            "up": Link("../../../../outside"),
            "loop": Link("loop"),
            "dangling": Link("nothing"),
        },
    )
    artifact = await latest(mirrors, source(server))
    links = {path.name: str(path.readlink()) for path in artifact.root.iterdir()}
    assert links == {
        "file": str(victim),
        "folder": str(outside),
        "up": "../../../../outside",
        "loop": "loop",
        "dangling": "nothing",
    }
    artifact.root.chmod(0o755)
    remove_tree(artifact.root)
    assert not artifact.root.exists()
    assert victim.read_text() == "as it was"
    assert (victim.stat().st_mode, stat.S_IMODE(outside.stat().st_mode)) == (mode, 0o755)


@pytest.mark.parametrize("name", ["..", ".", ".git", ".GIT", "a/b"])
async def test_names_that_lead_out_of_their_folder_are_refused(
    server: GitServer, mirrors: GitMirrors, tmp_path: Path, name: str
) -> None:
    shop = server.create("shop", {"a": "1"})
    inner = raw_tree(shop, ("100644", "evil", blob(shop, "evil")))
    set_main(shop, raw_tree(shop, ("40000", name, inner)))
    with pytest.raises(SourceError, match="a folder cannot be read") as raised:
        await latest(mirrors, source(server))
    assert (raised.value.reason, raised.value.retryable) == ("InvalidTree", False)
    assert not list_names(tmp_path, "evil")


def list_names(folder: Path, pattern: str) -> list[Path]:
    return list(folder.rglob(pattern))


async def test_a_link_and_a_folder_of_one_name_are_refused(
    server: GitServer, mirrors: GitMirrors, tmp_path: Path
) -> None:
    shop = server.create("shop", {"a": "1"})
    inner = raw_tree(shop, ("100644", "evil", blob(shop, "evil")))
    link = blob(shop, str(tmp_path))
    set_main(shop, raw_tree(shop, ("120000", "a", link), ("40000", "a", inner)))
    with pytest.raises(SourceError, match="'a' is there twice") as raised:
        await latest(mirrors, source(server))
    assert raised.value.reason == "InvalidTree"
    assert not list_names(tmp_path, "evil")


async def test_a_name_that_is_not_utf_8_is_written_and_told(
    server: GitServer, mirrors: GitMirrors
) -> None:
    shop = server.create("shop", {"a": "1"})
    set_main(shop, raw_tree(shop, ("100644", "caf\udce9", blob(shop, "1"))))
    artifact = await latest(mirrors, source(server))
    assert (artifact.root / "caf\udce9").read_text() == "1"
    assert "caf\udce9" in artifact.trees
    set_main(shop, raw_tree(shop, ("120000", "caf\udce9", blob(shop, ""))))
    with pytest.raises(SourceError, match="caf\ufffd is not a valid symbolic link"):
        await latest(mirrors, source(server))


async def test_endless_folders_are_refused(server: GitServer, mirrors: GitMirrors) -> None:
    shop = server.create("shop", {"a": "1"})
    tree = raw_tree(shop, ("100644", "a", blob(shop, "")))
    for _ in range(201):
        tree = raw_tree(shop, ("40000", "a", tree))
    set_main(shop, tree)
    with pytest.raises(SourceError, match="nested more than 200 deep"):
        await latest(mirrors, source(server))


async def test_a_small_pack_that_unfolds_into_too_many_files_is_stopped(
    server: GitServer, make_mirrors: Callable[..., GitMirrors], tmp_path: Path
) -> None:
    shop = server.create("shop", {"a": "1"})
    tree = raw_tree(shop, ("100644", "a", blob(shop, "")))
    for _ in range(10):
        tree = raw_tree(shop, *(("40000", f"d{n}", tree) for n in range(10)))
    set_main(shop, tree)
    mirrors = make_mirrors(limits=Limits(files=5000))
    with pytest.raises(SourceError, match="5000 files and folders") as raised:
        await latest(mirrors, source(server))
    assert (raised.value.reason, raised.value.retryable) == ("TooLarge", False)
    assert not list_names(tmp_path, "d0")


async def test_a_small_pack_that_unfolds_into_large_files_is_stopped(
    server: GitServer, make_mirrors: Callable[..., GitMirrors], tmp_path: Path
) -> None:
    server.create("shop", {"zeros": bytes(3_000_000), "a": "1"})
    mirrors = make_mirrors(limits=Limits(checkout=1_000_000, repository=1_000_000))
    with pytest.raises(SourceError, match="1000000 bytes") as raised:
        await latest(mirrors, source(server))
    assert raised.value.reason == "TooLarge"
    assert not list_names(tmp_path, "zeros")
    without = replace(source(server), ignore="zeros")
    assert files((await latest(mirrors, without)).root) == {"a"}


async def test_no_filter_or_attribute_of_the_repository_counts(
    server: GitServer, mirrors: GitMirrors
) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    server.create(
        "shop",
        {
            ".gitattributes": "* text eol=crlf filter=lfs\n*.md export-ignore\n*.c ident\n",
            "a.txt": "one\ntwo\n",
            "b.md": "kept",
            "c.c": "$Id$",
            "lfs": pointer,
        },
    )
    artifact = await latest(mirrors, source(server))
    assert (artifact.root / "a.txt").read_bytes() == b"one\ntwo\n"
    assert (artifact.root / "c.c").read_text() == "$Id$"
    assert (artifact.root / "b.md").exists()
    assert (artifact.root / "lfs").read_text() == pointer


async def test_too_many_ignore_patterns_are_refused(server: GitServer, mirrors: GitMirrors) -> None:
    server.create("shop", {".sourceignore": "a\n" * 2000})
    with pytest.raises(SourceError, match=r"\.sourceignore files have 2000 patterns") as raised:
        await latest(mirrors, source(server))
    assert (raised.value.reason, raised.value.retryable) == ("TooManyIgnorePatterns", False)


async def test_a_full_disk_is_told_and_tried_again(
    server: GitServer, mirrors: GitMirrors, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server.create("shop", {"a": "1"})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(writing._Writer, "_write_file", full)
        with pytest.raises(SourceError, match="No space left") as raised:
            await latest(mirrors, source(server))
    assert (raised.value.reason, raised.value.retryable) == ("GitFailed", True)
    assert not list_names(tmp_path / "root-0/temporary", "*")
    await latest(mirrors, source(server))


# Submodules.


def with_submodule(server: GitServer, url: str, commit: str, name: str = "shop") -> Repository:
    modules = f'[submodule "lib"]\n\tpath = vendor/lib\n\turl = {url}\n\tbranch = main\n'
    return server.create(
        name, {".gitmodules": modules, "vendor/lib": Submodule(commit), "a.yaml": "1"}
    )


def recursive(server: GitServer, repository: str = "shop", /) -> GitSource:
    return replace(source(server, repository), recurse_submodules=True)


@pytest.mark.parametrize("relative", [True, False])
async def test_submodules_are_put_in_their_places(
    server: GitServer, mirrors: GitMirrors, *, relative: bool
) -> None:
    library = server.create("lib", {"x/lib.yaml": "lib", "image.png": "", ".gitignore": ""})
    commit = library.head()
    library.commit({"x/lib.yaml": "newer"})
    with_submodule(server, "../lib.git" if relative else server.url("lib"), commit)
    artifact = await latest(mirrors, recursive(server))
    assert files(artifact.root) == {"a.yaml", "vendor/lib/x/lib.yaml"}
    assert (artifact.root / "vendor/lib/x/lib.yaml").read_text() == "lib"
    assert artifact.trees["vendor/lib/x"] == library.git("rev-parse", f"{commit}:x")
    plain = await latest(mirrors, source(server))
    assert files(plain.root) == {"a.yaml"}
    assert plain.trees["vendor/lib"] == commit
    assert plain.trees[""] != artifact.trees[""]


async def test_submodules_of_submodules_too(server: GitServer, mirrors: GitMirrors) -> None:
    inner = server.create("inner", {"inner.yaml": "1"})
    middle = with_submodule(server, "../inner.git", inner.head(), "middle")
    with_submodule(server, "../middle.git", middle.head())
    artifact = await latest(mirrors, recursive(server))
    assert files(artifact.root) == {
        "a.yaml",
        "vendor/lib/a.yaml",
        "vendor/lib/vendor/lib/inner.yaml",
    }


async def test_submodules_without_end_are_stopped(
    server: GitServer, mirrors: GitMirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submodules, "DEEPEST", 1)
    commit = server.create("level-0", {"a": "1"}).head()
    for level in (1, 2):
        url = f"../level-{level - 1}.git"
        commit = with_submodule(server, url, commit, f"level-{level}").head()
    await latest(mirrors, recursive(server, "level-1"))
    with pytest.raises(SourceError, match="nested more than 1 deep") as raised:
        await latest(mirrors, recursive(server, "level-2"))
    assert raised.value.reason == "SubmoduleFailed"


async def test_a_submodule_without_a_url_is_an_empty_folder(
    server: GitServer, mirrors: GitMirrors
) -> None:
    server.create("shop", {"vendor": Submodule("1" * 40), "a.yaml": ""})
    artifact = await latest(mirrors, recursive(server))
    assert files(artifact.root) == {"a.yaml"}
    assert (artifact.root / "vendor").is_dir()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("../nothing.git", "RepositoryNotFound"),
        ("file:///etc", "InvalidURL"),
        ("/etc", "InvalidURL"),
        ("ext::sh -c 'touch /tmp/evil'", "InvalidURL"),
        ("--upload-pack=touch", "InvalidURL"),
        ("ssh://git@example.com/a.git", "lacks 'identity'"),
    ],
)
async def test_a_submodule_that_cannot_be_had_fails_the_checkout(
    server: GitServer, mirrors: GitMirrors, url: str, why: str
) -> None:
    with_submodule(server, url, "1" * 40)
    with pytest.raises(SourceError, match=why) as raised:
        await latest(mirrors, recursive(server))
    assert raised.value.reason == "SubmoduleFailed"
    assert "'vendor/lib'" in raised.value.message


async def test_a_submodule_s_commit_that_is_gone_is_named(
    server: GitServer, mirrors: GitMirrors
) -> None:
    server.create("lib", {"a": "1"})
    with_submodule(server, "../lib.git", "1" * 40)
    with pytest.raises(SourceError, match=f"RefNotFound.*has no commit {'1' * 40}"):
        await latest(mirrors, recursive(server))


async def test_only_the_same_server_gets_the_credentials_for_a_submodule(
    mirrors: GitMirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[GitServer, str]] = []
    allows = GitServer.allows

    def spy(self: GitServer, authorization: str) -> bool:
        asked.append((self, authorization))
        return allows(self, authorization)

    monkeypatch.setattr(GitServer, "allows", spy)
    credentials = Credentials({"username": b"ada", "password": b"secret"})
    with (
        GitServer(username="ada", password="secret") as server,  # noqa: S106 - the test's
        GitServer(username="ada", password="secret") as other,  # noqa: S106 - the test's
    ):
        lib = server.create("lib", {"lib.yaml": ""})
        with_submodule(server, server.url("lib"), lib.head(), "same")
        artifact = await latest(mirrors, recursive(server, "same"), credentials)
        assert "vendor/lib/lib.yaml" in files(artifact.root)
        foreign = other.create("lib", {"lib.yaml": ""})
        with_submodule(server, other.url("lib"), foreign.head(), "elsewhere")
        with pytest.raises(SourceError, match="AuthenticationFailed") as raised:
            await latest(mirrors, recursive(server, "elsewhere"), credentials)
        assert raised.value.reason == "SubmoduleFailed"
        assert {authorization for who, authorization in asked if who is other} == {""}


async def test_limits_hold_for_a_repository_with_its_submodules_together(
    server: GitServer, make_mirrors: Callable[..., GitMirrors]
) -> None:
    lib = server.create("lib", {"zeros": bytes(700_000)})
    server.create("shop", {"zeros": bytes(700_000)})
    shop = with_submodule(server, "../lib.git", lib.head(), "both")
    shop.commit({"zeros": bytes(700_000)})
    mirrors = make_mirrors(limits=Limits(checkout=1_000_000))
    await latest(mirrors, recursive(server, "shop"))
    with pytest.raises(SourceError, match="1000000 bytes") as raised:
        await latest(mirrors, recursive(server, "both"))
    assert raised.value.reason == "TooLarge"


async def test_one_checkout_is_made_whoever_asks_for_it(
    server: GitServer, mirrors: GitMirrors, seen: Counter[str]
) -> None:
    server.create("shop", {"a": "1", "b": "1"})
    wanted = source(server)
    first = await latest(mirrors, wanted)
    again = await latest(mirrors, replace(wanted, ref=GitRef(name="refs/heads/main")))
    other = await latest(mirrors, replace(wanted, ignore="b"))
    assert first.root == again.root != other.root
    assert seen["checkout ok"] == 2


def test_the_tests_own_trees_are_what_git_calls_broken(server: GitServer) -> None:
    shop = server.create("shop", {"a": "1"})
    set_main(shop, raw_tree(shop, ("40000", "..", raw_tree(shop))))
    done = subprocess.run(
        ["git", "fsck"], cwd=shop.path, env=git_environment(), capture_output=True, check=False
    )
    assert b"hasDotdot" in done.stderr
