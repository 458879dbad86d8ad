"""What a program in the sandbox can do and what not, tried with Python and with the real ones."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from leadsman.errors import RenderError
from leadsman.render.program import Program, find_program
from leadsman.render.protections import Protections, probe, protections
from leadsman.render.sandbox import Limits, Outcome, Sandbox, scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from controlplane.toolchain import Tools

PYTHON = find_program(sys.executable, "--python")
# The interpreter's own library, too.
PYTHON = Program("python", PYTHON.path, (*PYTHON.execute, os.path.realpath(sys.base_prefix)))
ALL = probe()
LANDLOCK_ONLY = Protections(ALL.landlock, files=True, tcp=True)
SECCOMP_ONLY = Protections(sockets=True)
SLEEP = """
import os, time
open(os.environ["HOME"] + "/pid", "w").write(f"{os.getpid()}.")
time.sleep(60)
"""


async def run(
    code: str,
    scratch: Path,
    *,
    limits: Limits | None = None,
    held: Protections | None = None,
    read: tuple[Path, ...] = (),
) -> Outcome:
    sandbox = Sandbox(limits or Limits(timeout=30), held=held)
    return await sandbox.run(PYTHON, ["-I", "-S", "-c", code], scratch=scratch, read=read)


@contextmanager
def listening() -> Iterator[tuple[int, list[Any]]]:
    """Listen on loopback; yield the port and who came."""
    came: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                came.append(connection.recv(1000))
                connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1], came
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_everything_holds_on_the_kernel_that_runs_the_tests() -> None:
    """If not, the other tests here would prove less than they say."""
    assert ALL.landlock >= 4
    assert ALL.files
    assert ALL.tcp
    assert ALL.sockets
    assert protections() == ALL.describe()


@pytest.mark.parametrize(
    ("held", "network"),
    [
        (ALL, "no sockets of any kind (seccomp)"),
        (LANDLOCK_ONLY, "no TCP (Landlock ABI"),
        (SECCOMP_ONLY, "no sockets of any kind (seccomp)"),
        (Protections(), "NOT confined by the kernel"),
    ],
)
def test_what_holds_is_described(held: Protections, network: str) -> None:
    said = held.describe()
    assert len(said) == 4
    assert network in said[1]
    assert ("NOT confined" in said[0]) is not held.files


async def test_a_program_runs_with_an_environment_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADSMAN_SECRET", "x")
    code = (
        "import os, json; open(os.environ['HOME'] + '/a', 'w').write('1');"
        "open(os.environ['TMPDIR'] + '/a', 'w').write('1');"
        "print(json.dumps([dict(os.environ), os.getcwd(), os.getsid(0) == os.getpid(),"
        " os.nice(0)]))"
    )
    outcome = await run(code, tmp_path)
    assert outcome.status == 0, outcome.stderr
    environment, folder, leads, nice = json.loads(outcome.stdout)
    assert environment.keys() - {"LC_CTYPE"} == {"HOME", "TMPDIR", "GOMAXPROCS", "GOMEMLIMIT"}
    assert environment["HOME"] == str(tmp_path / "home")
    assert folder == str(tmp_path)
    assert leads
    assert nice > 0
    assert outcome.seconds > 0


async def test_a_failure_is_the_programs_own(tmp_path: Path) -> None:
    outcome = await run("import sys; print('out'); sys.exit('err')", tmp_path)
    assert (outcome.status, outcome.stdout, outcome.stderr) == (1, b"out\n", "err\n")


@pytest.mark.parametrize(
    "held", [ALL, LANDLOCK_ONLY, SECCOMP_ONLY], ids=["all", "landlock", "seccomp"]
)
async def test_nothing_is_reached_over_tcp(held: Protections, tmp_path: Path) -> None:
    code = "import socket; socket.create_connection(('127.0.0.1', {}), 5).send(b'x')"
    with listening() as (port, came):
        outcome = await run(code.format(port), tmp_path, held=held)
        assert outcome.status == 1
        assert "PermissionError" in outcome.stderr
        assert came == []
        # The listener does listen.
        await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", code.format(port)], check=True
        )
        await until(lambda: bool(came))
    assert came == [b"x"]


@pytest.mark.parametrize(
    "code",
    [
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_INET6)",
        "socket.socket(socket.AF_UNIX)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "socket.socketpair()",
        "os.fork()",
        "os.posix_spawn(sys.executable, ['x'], {})",
        "os.kill(os.getppid(), 0)",
        "os.kill(os.getpid(), 0)",
        "signal.pidfd_send_signal(0, 0)",
        "os.memfd_create('x')",
        "ptrace(16, os.getppid(), 0, 0)",
        "unshare(0x10000000)",
        "mount(b'x', b'/', b'tmpfs', 0, 0)",
        "chroot(b'/')",
    ],
)
async def test_system_calls_that_no_renderer_needs_are_refused(code: str, tmp_path: Path) -> None:
    libc = """
import ctypes, os, signal, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(name):
    def called(*arguments):
        if getattr(libc, name)(*arguments) == -1:
            raise OSError(ctypes.get_errno(), name)
    return called
ptrace, unshare, mount, chroot = map(call, ("ptrace", "unshare", "mount", "chroot"))
"""
    outcome = await run(libc + code, tmp_path)
    assert outcome.status == 1
    assert "PermissionError: [Errno 1]" in outcome.stderr


async def test_threads_can_be_made(tmp_path: Path) -> None:
    code = (
        "import threading; t = [threading.Thread(target=print, args=('x',)) for _ in range(3)];"
        "[x.start() for x in t]; [x.join() for x in t]"
    )
    outcome = await run(code, tmp_path)
    assert (outcome.status, outcome.stdout) == (0, b"x\nx\nx\n")


async def test_only_what_was_given_can_be_read(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "in").write_text("in")
    (tmp_path / "beside").write_text("beside")
    (checkout / "link").symlink_to("../beside")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    paths = [
        str(checkout / "in"),
        str(checkout / "link"),
        str(tmp_path / "beside"),
        "/etc/passwd",
        "/proc/self/environ",
        "/proc/self/maps",
        __file__,
    ]
    code = f"""
import os
for path in {paths!r}:
    try:
        print(len(open(path).read()))
    except PermissionError:
        print("refused")
try:
    os.listdir({str(tmp_path)!r})
except PermissionError:
    print("refused")
"""
    outcome = await run(code, scratch, read=(checkout,))
    assert outcome.stdout.decode().split() == ["2", *["refused"] * 7]


async def test_nothing_but_the_scratch_folder_can_be_written(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "in").write_text("in")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    code = f"""
import os
root = {str(checkout)!r}
for action in (
    lambda: open(root + "/in", "a"),
    lambda: open(root + "/new", "w"),
    lambda: os.truncate(root + "/in", 0),
    lambda: os.unlink(root + "/in"),
    lambda: os.mkdir(root + "/new"),
    lambda: os.symlink("in", root + "/new"),
    lambda: os.rename(root + "/in", os.environ["HOME"] + "/in"),
    lambda: os.link(root + "/in", os.environ["HOME"] + "/in"),
    lambda: open({str(scratch)!r} + "/new", "w"),
):
    try:
        action()
    except OSError as error:
        print(type(error).__name__)
"""
    outcome = await run(code, scratch, read=(checkout,))
    assert outcome.stderr == ""
    said = outcome.stdout.decode().split()
    assert len(said) == 9
    assert set(said) <= {"PermissionError", "OSError"}
    assert (checkout / "in").read_text() == "in"


async def test_what_takes_too_long_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    """Without seccomp it can start processes: they go with it."""
    code = """
import os, sys, time
child = os.fork()
if child:
    open(os.environ["HOME"] + "/pids", "w").write(f"{os.getpid()} {child} .")
while True:
    pass
"""
    with pytest.raises(RenderError) as caught:
        await run(code, tmp_path, limits=Limits(timeout=2.0), held=LANDLOCK_ONLY)
    assert caught.value.reason == "RenderTimeout"
    assert caught.value.message == "python was not done after 2 seconds and was stopped"
    first, second, _ = (tmp_path / "home/pids").read_text().split()
    await until(lambda: gone(first) and gone(second))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - other processes send no asyncio events
        await asyncio.sleep(0.01)


def gone(pid: str) -> bool:
    """Say whether a process has ended, or is a zombie that init has yet to see."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return "State:\tZ" in status


def written(path: Path) -> bool:
    return path.exists() and path.read_text().endswith(".")


async def test_a_cancelled_run_is_stopped(tmp_path: Path) -> None:
    task = asyncio.create_task(run(SLEEP, tmp_path))
    pid = tmp_path / "home/pid"
    await until(lambda: written(pid))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: gone(pid.read_text().rstrip(".")))


async def test_a_run_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Even if that is killed without a chance to clean up."""
    starter = f"""
import asyncio, sys
from pathlib import Path
from leadsman.render.program import Program
from leadsman.render.sandbox import Limits, Sandbox
program = Program("python", {PYTHON.path!r}, {PYTHON.execute!r})
arguments = ["-I", "-S", "-c", {SLEEP!r}]
asyncio.run(Sandbox(Limits()).run(program, arguments, scratch=Path(sys.argv[1])))
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", starter, str(tmp_path)),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    pid = tmp_path / "home/pid"
    await until(lambda: written(pid))
    process.kill()
    await process.wait()
    await until(lambda: gone(pid.read_text().rstrip(".")))


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
async def test_what_writes_too_much_is_stopped(stream: str, tmp_path: Path) -> None:
    code = f"import sys\nwhile True: sys.{stream}.write('x' * 100_000)"
    with pytest.raises(RenderError) as caught:
        await run(code, tmp_path, limits=Limits(timeout=30, output=1 << 20))
    assert caught.value.reason == "RenderTooLarge"
    assert caught.value.message == "python wrote more than 1 MiB and was stopped"


async def test_a_file_cannot_grow_without_end(tmp_path: Path) -> None:
    code = (
        "import os\nf = open(os.environ['TMPDIR'] + '/f', 'wb')\nwhile True: f.write(b'x' * 65536)"
    )
    outcome = await run(code, tmp_path, limits=Limits(timeout=30, output=1 << 20))
    assert outcome.status != 0
    assert (tmp_path / "tmp/f").stat().st_size <= 1 << 20


async def test_what_is_killed_is_told(tmp_path: Path) -> None:
    """As by the kernel when a node's memory is out; seccomp would not let it kill itself."""
    code = "import os; os.kill(os.getpid(), 9)"
    with pytest.raises(RenderError) as caught:
        await run(code, tmp_path, held=LANDLOCK_ONLY)
    assert caught.value.reason == "OutOfMemory"


async def test_memory_is_limited(tmp_path: Path) -> None:
    code = "x = bytearray(2 << 30)"
    outcome = await run(code, tmp_path, limits=Limits(memory=128 << 20))
    assert outcome.status == 1
    assert "MemoryError" in outcome.stderr


async def test_without_confinement_nothing_runs_unless_that_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(RenderError) as caught:
        await run("print(1)", tmp_path, held=Protections())
    assert caught.value.reason == "SandboxUnavailable"
    sandbox = Sandbox(Limits(), allow_unsandboxed=True, held=Protections())
    outcome = await sandbox.run(PYTHON, ["-c", "print(1)"], scratch=tmp_path)
    assert outcome.stdout == b"1\n"


async def test_what_cannot_be_confined_is_not_run(tmp_path: Path) -> None:
    with pytest.raises(RenderError) as caught:
        await run("print(1)", tmp_path, read=(tmp_path / "missing",))
    assert caught.value.reason == "SandboxUnavailable"
    assert "No such file" in caught.value.message


async def test_kustomize_fetches_nothing(tmp_path: Path, tools: Tools) -> None:
    """What the check before it lets pass would fail here."""
    folder = tmp_path / "overlay"
    folder.mkdir()
    with listening() as (port, came):
        text = f'{{"resources": ["http://127.0.0.1:{port}/a.yaml"]}}'
        (folder / "kustomization.yaml").write_text(text)
        program = find_program("kustomize", "--kustomize")
        outcome = await Sandbox(Limits()).run(
            program, ["build", str(folder)], scratch=tmp_path, read=(folder,)
        )
        assert outcome.status == 1
        assert "operation not permitted" in outcome.stderr
        assert came == []
        free = [str(tools["kustomize"]), "build", str(folder)]
        await asyncio.to_thread(lambda: subprocess.run(free, capture_output=True, check=False))
    assert b"GET /a.yaml" in came[0]


async def test_kustomize_reads_nothing_outside(tmp_path: Path, tools: Tools) -> None:
    del tools
    folder = tmp_path / "overlay"
    folder.mkdir()
    (tmp_path / "beside.txt").write_text("secret")
    text = '{"configMapGenerator": [{"name": "x", "files": ["../beside.txt"]}]}'
    (folder / "kustomization.yaml").write_text(text)
    program = find_program("kustomize", "--kustomize")
    arguments = ["build", "--load-restrictor", "LoadRestrictionsNone", str(folder)]
    sandbox = Sandbox(Limits())
    outcome = await sandbox.run(program, arguments, scratch=tmp_path, read=(folder,))
    assert outcome.status == 1
    assert "permission denied" in outcome.stderr
    outcome = await sandbox.run(program, arguments, scratch=tmp_path, read=(tmp_path,))
    assert b"beside.txt: secret" in outcome.stdout


def test_a_scratch_folder_is_private_and_removed(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as folder:
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "a").mkdir()
        (folder / "a/b").write_text("x")
    assert list(tmp_path.iterdir()) == []
