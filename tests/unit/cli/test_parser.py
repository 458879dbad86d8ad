from __future__ import annotations

from pathlib import Path

import pytest

from leadsman.cli.main import main
from leadsman.cli.parser import parser, settings_from
from leadsman.settings import Settings


def test_run_without_options_has_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POD_NAME", "leadsman-0")
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    settings = settings_from(parser().parse_args(["run"]))
    assert settings == Settings(identity="leadsman-0", pod="leadsman-0")


def test_every_option_of_run_reaches_the_settings() -> None:
    settings = settings_from(
        parser().parse_args(
            [
                "run",
                "--kubeconfig",
                "k",
                "--context",
                "c",
                "--service-account-dir",
                "/sa",
                "--watch-namespaces",
                "a,b",
                "--bind",
                ":1",
                "--hooks-bind",
                ":2",
                "--hooks-secret-file",
                "/s",
                "--hooks-peers",
                "p:3",
                "--cache-dir",
                "/c",
                "--workers",
                "3",
                "--renders",
                "4",
                "--object-series",
                "5",
                "--helm",
                "h",
                "--kustomize",
                "ku",
                "--git",
                "g",
                "--log-format",
                "text",
                "--log-level",
                "debug",
                "--allow-unsandboxed",
                "--leader-elect",
                "--shards",
                "6",
                "--shard",
                "5",
                "--lease-namespace",
                "l",
                "--leader-elect-lease-duration",
                "7",
                "--leader-elect-renew-deadline",
                "6.5",
                "--leader-elect-retry-period",
                "0.5",
            ]
        )
    )
    assert settings.kubeconfig == "k"
    assert settings.context == "c"
    assert settings.service_account == Path("/sa")
    assert settings.namespaces == ("a", "b")
    assert settings.bind == ":1"
    assert (settings.hooks_bind, settings.hooks_secrets) == (":2", Path("/s"))
    assert settings.hooks_peers == "p:3"
    assert settings.cache == Path("/c")
    assert (settings.workers, settings.renders, settings.object_series) == (3, 4, 5)
    assert (settings.helm, settings.kustomize, settings.git) == ("h", "ku", "g")
    assert (settings.log_format, settings.log_level) == ("text", "debug")
    assert settings.allow_unsandboxed
    assert settings.leader_elect
    assert (settings.shards, settings.shard, settings.lease_namespace) == (6, 5, "l")
    assert settings.lease_duration == 7
    assert (settings.renew_deadline, settings.retry_period) == (6.5, 0.5)


def test_the_leases_are_in_the_pods_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POD_NAMESPACE", "leadsman-system")
    assert settings_from(parser().parse_args(["run"])).lease_namespace == "leadsman-system"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--shards", "3"], "InvalidShard: --shards 3 needs to know which shard this is"),
        (["--shards", "3", "--shard", "3"], "InvalidShard: there is no shard 3 of 3"),
    ],
)
def test_a_shard_that_cannot_be_is_an_error(
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("POD_NAME", raising=False)
    assert main(["run", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_check_keeps_its_cache_with_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    settings = settings_from(parser().parse_args(["check", "."]))
    assert settings.cache == Path("/caches/leadsman/check")


@pytest.mark.parametrize("arguments", [[], ["run", "--workers", "0"], ["check", "-o", "xml"]])
def test_a_wrong_word_ends_with_the_code_of_what_cannot_be_checked(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: leadsman" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["run"], ["check"]])
def test_help_describes_every_option(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    assert "usage: leadsman" in capsys.readouterr().out


def test_the_help_of_check_names_its_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["check", "--help"])
    out = capsys.readouterr().out
    assert "0  everything is in sync" in out
    assert "2  something could not be checked" in out


def test_an_error_is_one_line_and_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    missing = tmp_path / "kubeconfig"
    assert main(["check", ".", "--kubeconfig", str(missing)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("leadsman: KubeconfigInvalid: ")
    assert str(missing) in error
