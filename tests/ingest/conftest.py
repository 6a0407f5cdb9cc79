"""A scripted broker, its certificate, and messages without the definitions of ICAT."""

import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.ingest import parameters
from tests.support.scripted_broker import ScriptedBroker, serving_broker


@pytest.fixture
def fake() -> Iterator[ScriptedBroker]:
    with serving_broker(ScriptedBroker()) as broker:
        yield broker


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    key, file = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    try:
        subprocess.run(
            [*command.split(), "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", file],
            check=True, capture_output=True,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    return file, key


@pytest.fixture
def tls(
    fake: ScriptedBroker, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], BrokerAddress]:
    """Let the broker speak TLS, with a certificate that is trusted, and return its address then."""

    def begin() -> BrokerAddress:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        plain = fake.serve

        def serve(request: socket.socket) -> None:
            with suppress(OSError), context.wrap_socket(request, server_side=True) as wrapped:
                plain(wrapped)

        monkeypatch.setattr(fake, "serve", serve)
        return BrokerAddress("localhost", fake.port, tls=True)

    return begin


@pytest.fixture
def no_definitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters, "definitions", lambda: None)
