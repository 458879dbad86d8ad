from __future__ import annotations

from typing import TYPE_CHECKING

from controlplane import sshclient

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_what_is_there_is_left_alone(capfd: pytest.CaptureFixture[str]) -> None:
    assert sshclient.main() == 0
    assert capfd.readouterr() == ("", "")


def test_what_is_missing_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ssh").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert sshclient.main() == 1
    said = capsys.readouterr().err
    assert "ssh-keygen cannot be found" in said
    assert "apt-get install openssh-client" in said
