"""The gateway in a process of its own, its configuration made for what is measured."""

from __future__ import annotations

import random
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import processes
from benchmarks.measure import Bench, Timed
from benchmarks.sink import Sink

_START = "from smtpgate.cli.main import main; raise SystemExit(main())"
_HEAD = """\
hostname = "gw.example.org"
state = "var"
workers = {workers}
[certificates.default]
self_signed = true
[transports.nowhere]
type = "discard"
"""
_RELAY = """\
[transports.next]
type = "smtp"
hosts = ["127.0.0.1:{next}"]
tls = "none"
"""
_SERVER = """\
[[servers]]
id = "{name}"
transport = "{transport}"
{certificate}
limits = {{ connections = 0, commands = 0, messages = 0, message_size = 0 }}
listeners = [
{listeners}]
"""


@dataclass(frozen=True)
class Server:
    """One server of the gateway.

    :param hooks: the source of a script for each hook
    :param relays: to the sink; otherwise messages are discarded
    """

    hooks: Mapping[str, str] = field(default_factory=dict)
    listeners: int = 1
    tls: bool = False
    relays: bool = False


class Gateway:
    """A running gateway.

    :param servers: by name
    :param workers: its processes
    """

    def __init__(self, servers: Mapping[str, Server], workers: int = 1) -> None:
        self.ports: dict[str, list[int]] = {}
        self._stack = ExitStack()
        place = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        (place / "scripts").mkdir()
        text = _HEAD.format(workers=workers)
        if any(server.relays for server in servers.values()):
            text += _RELAY.format(next=self._stack.enter_context(Sink()).port)
        for name, server in servers.items():
            self.ports[name] = [_free_port() for _ in range(server.listeners)]
            text += self._server(place, name, server)
        (place / "smtpgate.toml").write_text(text, encoding="utf-8")
        self._log = place / "log"
        with self._log.open("wb") as log:
            self.process = processes.start(
                ["-c", _START, "start", "--config", "smtpgate.toml"], place, stdout=log, stderr=log
            )
        self._stack.callback(self._end)

    def _server(self, place: Path, name: str, server: Server) -> str:
        text = _SERVER.format(
            name=name,
            transport="next" if server.relays else "nowhere",
            certificate='certificate = "default"' if server.tls else "",
            listeners="".join(
                f'  {{ endpoint = "tcp:{port}:interface=127.0.0.1:backlog=1024" }},\n'
                for port in self.ports[name]
            ),
        )
        if server.hooks:
            text += "[servers.hooks]\n"
        for hook, source in server.hooks.items():
            file = f"{name}-{hook}.hsl"
            (place / "scripts" / file).write_text(source, encoding="utf-8")
            text += f'{hook} = "{file}"\n'
        return text

    def wait(self) -> Gateway:
        """Until it takes connections.

        :raises RuntimeError: when it does not start; the text is its log
        """
        ports = [port for found in self.ports.values() for port in found]
        patience = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", ports[-1]), 1).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > patience:
                    raise RuntimeError(self._log.read_text(errors="replace")) from None
                time.sleep(0.02)

    def forget_log(self) -> None:
        """Long runs would fill the disk."""
        self._log.write_bytes(b"")

    def seconds(self) -> float:
        """Processor time that it has used; what it still does for the last client counts."""
        time.sleep(processes.SETTLING)
        return processes.seconds(self.process.pid)

    def resident(self) -> int:
        """Octets of memory that it has."""
        return sum(map(processes.resident, processes.family(self.process.pid)))

    def spent(self, run: Callable[[], object]) -> Timed:
        """The processor time that it uses for a run."""

        def measured() -> float:
            begin = self.seconds()
            run()
            return self.seconds() - begin

        return measured

    def explain(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Beside an error: what the gateway has last said."""
        if error is not None:
            error.add_note(self._log.read_text(errors="replace")[-4000:])

    def stop(self) -> None:
        """End it; sessions that are open get 421.  Another time does nothing."""
        self._stack.close()

    def _end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def gateways(bench: Bench, wanted: Iterable[Mapping[str, Server]]) -> Sequence[Gateway]:
    """Start some, all at the same time; they stop with the benchmark."""
    started = []
    for servers in wanted:
        gateway = Gateway(servers)
        bench.stack.callback(gateway.stop)
        bench.stack.push(gateway.explain)
        started.append(gateway)
    return [gateway.wait() for gateway in started]


def gateway(bench: Bench, servers: Mapping[str, Server]) -> Gateway:
    """Start one."""
    (started,) = gateways(bench, [servers])
    return started


def _candidates() -> Iterator[int]:
    """Ports below those that the kernel gives to clients, which come and go; each once."""
    limits = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    candidates = list(range(10_000, int(limits.split()[0])))
    random.shuffle(candidates)
    return iter(candidates)


_PORTS = _candidates()


def _free_port() -> int:
    """One that nobody has, and that no other gateway of ours will get."""
    for port in _PORTS:
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise RuntimeError("no port is free")
