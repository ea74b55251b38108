"""`sluice up`: the API and an embedded worker in one process."""

import socket
import threading

import uvicorn

from infra.reports import Reports
from orchestrator.api.app import create_app
from orchestrator.commands import EXIT_OK
from orchestrator.commands.announce import Announcer
from orchestrator.commands.session import open_deps
from orchestrator.deps import Deps
from orchestrator.embedded import run_embedded
from orchestrator.pump import Pump, Stopped
from schemas.asset import AssetId
from schemas.errors import ConfigurationError, IngestError
from schemas.reports import AssetDetails

_LAST_PORT = 65_535


def run_up(*, host: str | None, port: int | None, as_json: bool = False) -> int:
    """Serve until Ctrl-C; the exit status."""
    announcer = Announcer("up", as_json=as_json)
    with open_deps("up", log_format=announcer.log_format) as deps:
        host = deps.settings.api_host if host is None else host
        port = deps.settings.api_port if port is None else port
        with listen(host, port) as listener:
            _serve(deps, listener, announcer)
    return EXIT_OK


def listen(host: str, port: int) -> socket.socket:
    """Take the address before anything is loaded; port 0 takes a free one.

    Raises:
        ConfigurationError: the address is in use, not of this machine, or none.
    """
    if not 0 <= port <= _LAST_PORT:
        raise ConfigurationError(f"cannot serve on port {port}: expected 0 to {_LAST_PORT}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as exc:
        raise ConfigurationError(f"cannot serve: {exc.strerror}") from exc


def url_of(listener: socket.socket) -> str:
    """Where processes of this machine reach it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _serve(deps: Deps, listener: socket.socket, announcer: Announcer) -> None:
    if not deps.settings.is_embedded:
        _serve_api(deps, listener, announcer)
        return
    url, tenant = url_of(listener), deps.settings.tenant
    server = _server(deps)

    def work(pump: Pump) -> None:
        thread = threading.Thread(target=server.run, args=([listener],), name="api")
        thread.start()
        if deps.settings.is_embedded:
            deps.lock.announce(command="up", url=url, tenant=tenant)
        announcer.ready(f"serving {url}/openapi.json; Ctrl-C stops", url=url)
        try:
            pump.run_until(lambda: not thread.is_alive())
            raise IngestError("the API ended by itself; the log says why")
        except Stopped:
            announcer.stopping()
            raise
        finally:
            server.should_exit = True
            thread.join()

    try:
        run_embedded(deps, work)
    except Stopped:
        announcer.stopped()


def _serve_api(deps: Deps, listener: socket.socket, announcer: Announcer) -> None:
    """In a cluster the work is done elsewhere."""
    url = url_of(listener)
    only = "the API only: `sluice orchestrator` and `sluice worker` do the work"
    announcer.ready(f"serving {url}/openapi.json; Ctrl-C stops\n{only}", url=url)
    _server(deps).run([listener])
    announcer.stopped()


def _server(deps: Deps) -> uvicorn.Server:
    def find_details(tenant: str, asset_id: AssetId) -> AssetDetails | None:
        from infra.catalog import Catalog

        with deps.database.read_scope() as session:
            if Catalog(session).find_asset(tenant, asset_id) is None:
                return None
            return Reports(session, tenant, deps.settings.model_refs).details(asset_id)

    app = create_app(
        deps.searcher,
        find_details,
        ready=deps.ping,
        tenant=deps.settings.tenant,
        routers=deps.routers,
    )
    return uvicorn.Server(uvicorn.Config(app, log_level="warning"))
