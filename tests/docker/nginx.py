"""Stories of the real nginx with docker/nginx.conf, for `make check-nginx`: nginx has to be installed."""

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import httpx
import pytest

CONF = Path(__file__).parents[2] / "docker" / "nginx.conf"
LONG = json.dumps({"items": ["an item"] * 1000}).encode()


class Upstream(BaseHTTPRequestHandler):
    """What stands where the API would: it says what it was asked, and streams when told."""

    protocol_version = "HTTP/1.1"
    go_on = threading.Event()

    def do_GET(self) -> None:
        if self.path.startswith("/v1/live"):
            self._stream()
        elif self.path == "/echo":
            self._answer(json.dumps(dict(self.headers)).encode())
        else:
            self._answer(LONG)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        for name, value in (
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("ETag", '"7"'),
            ("X-Content-Type-Options", "nosniff"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"data: first\n\n")
        self.go_on.wait(10)
        self.close_connection = True


class Front(NamedTuple):
    """A running nginx: how it is asked, what it has logged, and the server behind it."""

    ask: httpx.Client
    log: Path
    upstream: ThreadingHTTPServer

    def lose_upstream(self) -> None:
        self.upstream.shutdown()
        self.upstream.server_close()


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    nginx = shutil.which("nginx", path="/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin")
    assert nginx, "nginx is not installed: these stories need it"
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    Upstream.go_on.clear()
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    port, log = _free_port(), tmp_path / "access.log"
    conf = tmp_path / "nginx.conf"
    conf.write_text(_here(CONF.read_text(), tmp_path, port, upstream.server_port))
    command = [nginx, "-p", str(tmp_path), "-c", str(conf), "-e", "stderr", "-g", "daemon off;"]
    base = f"http://127.0.0.1:{port}"
    with (
        subprocess.Popen(command) as process,  # noqa: S603  our own configuration
        httpx.Client(base_url=base, trust_env=False) as client,
    ):
        try:
            _wait_for(client, process)
            yield Front(client, log, upstream)
        finally:
            Upstream.go_on.set()
            process.terminate()
            upstream.shutdown()
            upstream.server_close()


def _here(conf: str, folder: Path, port: int, upstream: int) -> str:
    """Move the configuration to this machine; `resolve` is left out, as older versions do not know it."""
    moves = {
        "/tmp/": f"{folder}/",  # noqa: S108  the text that is replaced
        "/dev/stdout": f"{folder}/access.log",
        "include mime.types": "include /etc/nginx/mime.types",
        "server api:8000 resolve": f"server 127.0.0.1:{upstream}",
        "listen 8080": f"listen 127.0.0.1:{port}",
        "listen 127.0.0.1:8081": f"listen 127.0.0.1:{_free_port()}",
    }
    for what, by in moves.items():
        assert what in conf
        conf = conf.replace(what, by)
    return conf


def _free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])


def _wait_for(client: httpx.Client, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        with suppress(httpx.TransportError):
            client.get("/echo")
            return
    pytest.fail("nginx did not start")


def test_a_message_of_the_live_stream_arrives_while_the_stream_is_open(front: Front) -> None:
    with front.ask.stream("GET", "/v1/live") as answer:
        assert next(answer.iter_lines()) == "data: first"
        assert not Upstream.go_on.is_set()


def test_the_etag_of_one_aggregate_stays_strong_while_lists_are_compressed(front: Front) -> None:
    one = front.ask.get("/v1/diagnoses/0190")
    assert (one.headers["ETag"], one.headers.get("Content-Encoding")) == ('"7"', None)
    many = front.ask.get("/v1/patients/0190/timeline")
    assert (many.headers["ETag"], many.headers["Content-Encoding"]) == ('W/"7"', "gzip")
    assert many.content == LONG


def test_a_request_keeps_its_id_and_gets_one_where_it_has_none(front: Front) -> None:
    theirs = "0190a3f2-7c1e-7d4a-9b3c-5e6f7a8b0000"
    kept = front.ask.get("/echo", headers={"X-Request-Id": theirs}).json()
    assert kept["X-Request-Id"] == theirs
    given = front.ask.get("/echo", headers={"X-Request-Id": "'; DROP"}).json()
    assert UUID(given["X-Request-Id"]) != UUID(theirs)


def test_nobody_forges_where_a_request_came_from_or_upgrades_to_anything_but_a_websocket(
    front: Front,
) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9", "Upgrade": "h2c"}
    seen = front.ask.get("/echo", headers=forged).json()
    assert seen["X-Forwarded-For"] == "127.0.0.1"
    assert not {"Forwarded", "Upgrade", "Connection", "Accept-Encoding"} & seen.keys()
    assert front.ask.get("/echo", headers={"Upgrade": "WebSocket"}).json()["Upgrade"] == "websocket"


def test_security_headers_are_there_once(front: Front) -> None:
    answer = front.ask.get("/echo")
    for name in ("X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy"):
        assert len(answer.headers.get_list(name)) == 1


def test_what_nginx_refuses_is_a_problem_too(front: Front) -> None:
    large = front.ask.post("/v1/batch", content=b"x" * (10 * 1024 * 1024 + 1))
    assert (large.status_code, large.json()["code"]) == (413, "http.413")
    house = front.ask.get("/metrics")
    assert (house.status_code, house.headers["Content-Type"]) == (404, "application/problem+json")
    front.lose_upstream()
    gone = front.ask.get("/v1/me")
    assert (gone.status_code, gone.json()["title"]) == (502, "Bad Gateway")
    assert gone.headers["Retry-After"] == "5"


def test_a_search_term_never_reaches_a_log(front: Front, capfd: pytest.CaptureFixture[str]) -> None:
    front.ask.get("/v1/patients?name=zahra")
    front.lose_upstream()
    front.ask.get("/v1/patients?name=zahra")
    written = front.log.read_text()
    assert {json.loads(line)["path"] for line in written.splitlines()} == {"/echo", "/v1/patients"}
    assert "zahra" not in written + capfd.readouterr().err
