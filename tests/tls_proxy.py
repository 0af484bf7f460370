"""TLS in front of a server that speaks none, and the certificates for it."""

import shutil
import socket
import ssl
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.thread_proxy import CHUNK, ThreadProxy


@dataclass(frozen=True)
class Authority:
    """A certification authority of our own."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "ca.pem"

    @classmethod
    def create(cls, folder: Path) -> "Authority":
        folder.mkdir()
        authority = cls(folder)
        openssl(
            folder, "req", "-x509", *_NEW_KEY, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=a test",
            "-addext", "keyUsage=critical,keyCertSign",
        )  # fmt: skip
        return authority

    def issue(self, name: str) -> Path:
        """Certificate and key, in one file, of a server with this name (`DNS:…` or `IP:…`)."""
        openssl(self.folder, "req", *_NEW_KEY, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=a server")
        (self.folder / "extensions").write_text(f"subjectAltName={name}\n")
        openssl(
            self.folder, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "1",
            "-extfile", "extensions", "-out", "server.pem",
        )  # fmt: skip
        made = self.folder / f"{name.replace(':', '-')}.pem"
        made.write_text((self.folder / "server.pem").read_text() + (self.folder / "server.key").read_text())
        return made


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(folder: Path, *arguments: str) -> None:
    program = shutil.which("openssl") or "openssl"
    subprocess.run([program, *arguments], cwd=folder, check=True, capture_output=True)


class TlsProxy(ThreadProxy):
    """Ends TLS and passes on to a port of this machine, until it is closed. `served` counts handshakes that held."""

    def __init__(self, certificate: Path, target: int) -> None:
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate)
        self.served = 0
        super().__init__(target)

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(10)
        try:
            encrypted = self._context.wrap_socket(client, server_side=True)
        except OSError:
            return  # the client does not like the certificate
        encrypted.settimeout(None)
        self._open.append(encrypted)
        server = self._connect()
        self.served += 1
        self._start(self._pump, server, encrypted)
        self._pump(encrypted, server)

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
