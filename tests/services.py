"""Servers of a test run's own: Postgres, Redis and RabbitMQ from installed binaries.

Each is started on free ports in a temporary folder and dies with the test run. Nothing of the
machine's own servers is touched. A machine without the binaries skips these tests; continuous
integration does not.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

#: Debian keeps servers where no PATH looks.
_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/lib/rabbitmq/bin", "/usr/sbin", "/usr/local/bin")
#: What `.ci/run` installs.
PACKAGES = {
    "initdb": "postgresql",
    "redis-server": "redis-server",
    "rabbitmqctl": "rabbitmq-server",
}
#: Continuous integration may share its cores; a broker takes seconds on an idle machine.
_START_TIMEOUT_S = 180.0
_STOP_TIMEOUT_S = 20.0

#: Below the ephemeral ones of every system, in an order of this run's own; none comes twice.
_PORTS = iter(random.sample(range(15_000, 32_000, 2), 8_500))

IN_CI = os.environ.get("CI", "") == "true"


def find_binary(name: str) -> Path | None:
    """An installed server program; the newest version where there are several."""
    on_path = shutil.which(name)
    found = [Path(on_path)] if on_path else []
    for pattern in _FOLDERS:
        found += sorted(Path("/").glob(f"{pattern.lstrip('/')}/{name}"), reverse=True)
    # Wrappers of Debian in /usr/sbin change the user; the programs beside the library do not.
    return next((p for p in found if "/usr/lib/" in str(p.resolve())), found[0] if found else None)


def require(name: str) -> Path:
    """The program; skips the test where it is not installed, and fails it in CI."""
    binary = find_binary(name)
    if binary:
        return binary
    reason = f"{name} is not installed (Debian: apt-get install {PACKAGES[name]})"
    if IN_CI:
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    """A port that nobody listens on now, nor on the next one.

    Ports that a system gives to outgoing connections are left alone: one of those may be taken
    before its server has started.
    """
    return next(port for port in _PORTS if not is_listening(port) and not is_listening(port + 1))


@contextmanager
def server(
    command: Sequence[str | Path],
    log: Path,
    is_ready: Callable[[], bool],
    *,
    env: dict[str, str] | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server for the length of the block, in a process group of its own."""
    with log.open("ab") as out:
        running = subprocess.Popen(
            [*_dies_with_us(stop), *map(str, command)],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    try:
        wait_until(is_ready, running, log)
        yield running
    finally:
        stop_group(running, stop)


def _dies_with_us(signum: signal.Signals) -> list[str]:
    """A test run that is killed must leave no server behind (Linux; elsewhere it may)."""
    return ["setpriv", f"--pdeathsig={signum.name[3:]}"] if shutil.which("setpriv") else []


def wait_until(is_ready: Callable[[], bool], running: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait for a server that is starting; its log explains why it does not."""
    deadline_s = time.monotonic() + _START_TIMEOUT_S
    while not is_ready():
        if running.poll() is not None or time.monotonic() > deadline_s:
            pytest.fail(f"{running.args}: did not start\n{log.read_text()[-2000:]}")
        time.sleep(0.05)


def stop_group(running: "subprocess.Popen[bytes]", signum: signal.Signals) -> None:
    """End a server and everything that it started."""
    if running.poll() is None:
        running.send_signal(signum)
        with suppress(subprocess.TimeoutExpired):
            running.wait(_STOP_TIMEOUT_S)
    try:
        os.killpg(running.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    running.wait()


def is_listening(port: int) -> bool:
    """Whether a connection is taken."""
    with socket.socket() as client:
        client.settimeout(0.5)
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def folder(name: str) -> Iterator[Path]:
    """A folder that a server of another user can enter; pytest's own are closed to it."""
    path = Path(tempfile.mkdtemp(prefix=f"sluice-{name}-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


# -- Postgres --------------------------------------------------------------------------------


@contextmanager
def run_postgres() -> Iterator[str]:
    """A Postgres server without any protection against power cuts; its URL."""
    initdb = require("initdb").resolve()
    postgres = initdb.parent / "postgres"
    with folder("postgres") as home:
        root = home / "cluster"
        if as_postgres := _as_postgres():
            shutil.chown(home, "postgres")
        flags = ["--auth=trust", "--username=sluice", "--encoding=UTF8", "--no-sync"]
        subprocess.run(
            [*as_postgres, str(initdb), "--pgdata", str(root), *flags],
            check=True,
            capture_output=True,
            cwd=home,
        )
        port = free_port()
        settings = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": home,
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": 60,
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [*as_postgres, str(postgres), "-D", str(root), *words]
        log = home / "log"
        # SIGINT is Postgres's fast shutdown: it does not wait for its clients.
        with server(command, log, lambda: _accepts(home, port), stop=signal.SIGINT):
            yield f"postgresql://sluice@127.0.0.1:{port}/postgres"


def _as_postgres() -> list[str]:
    """Postgres refuses to run as root."""
    if os.getuid() != 0:
        return []
    # A change of the user forgets the signal that `server` asks for.
    user = ["--reuid=postgres", "--regid=postgres", "--init-groups"]
    return ["setpriv", *user, "--pdeathsig=INT"]


def _accepts(home: Path, port: int) -> bool:
    pid_file = home / "cluster" / "postmaster.pid"
    try:
        return is_listening(port) and "ready" in pid_file.read_text()
    except FileNotFoundError:
        return False


# -- Redis -----------------------------------------------------------------------------------


@contextmanager
def run_redis() -> Iterator[str]:
    """A Redis server that keeps nothing on disk; its URL."""
    binary, port = require("redis-server"), free_port()
    with folder("redis") as home:
        command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", home]
        command += ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"]
        with server(command, home / "log", lambda: is_listening(port)):
            yield f"redis://127.0.0.1:{port}/0"


# -- RabbitMQ --------------------------------------------------------------------------------


class RabbitMQ:
    """A RabbitMQ server of one node, with a port mapper of its own."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._script = require("rabbitmqctl").resolve().parent / "rabbitmq-server"
        self._ports = {name: free_port() for name in ("amqp", "dist", "epmd")}
        self._running = ExitStack()
        #: Where clients connect.
        self.url = f"amqp://guest:guest@127.0.0.1:{self._ports['amqp']}//"

    def start(self) -> None:
        """Start it, or start it again with what it has stored."""
        (self._home / "plugins").write_text("[].")
        (self._home / "rabbitmq.conf").write_text(
            f"listeners.tcp.default = 127.0.0.1:{self._ports['amqp']}\nlog.console = true\n"
        )
        self._running.enter_context(
            server(
                ["epmd", "-port", str(self._ports["epmd"]), "-address", "127.0.0.1"],
                self._home / "epmd.log",
                lambda: is_listening(self._ports["epmd"]),
            )
        )
        self._running.enter_context(
            server([self._script], self._home / "log", self._is_ready, env=self._environment())
        )

    def stop(self) -> None:
        """Stop it; what is stored stays."""
        self._running.close()

    def _is_ready(self) -> bool:
        started = "Server startup complete" in (self._home / "log").read_text(errors="replace")
        return started and is_listening(self._ports["amqp"])

    def _environment(self) -> dict[str, str]:
        home, ports = str(self._home), self._ports
        return {
            # The cookie of Erlang is made there.
            "HOME": home,
            "RABBITMQ_NODENAME": f"sluice{ports['amqp']}@localhost",
            "RABBITMQ_MNESIA_BASE": f"{home}/mnesia",
            "RABBITMQ_LOG_BASE": f"{home}/logs",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": f"{home}/no-such-file",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/plugins",
            "RABBITMQ_DIST_PORT": str(ports["dist"]),
            "ERL_EPMD_PORT": str(ports["epmd"]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # One scheduler: the tests share few cores.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }


@contextmanager
def run_rabbitmq() -> Iterator[RabbitMQ]:
    """A RabbitMQ server with default settings but for its ports."""
    with folder("rabbitmq") as home:
        broker = RabbitMQ(home)
        try:
            broker.start()
            yield broker
        finally:
            broker.stop()
