"""TLS of the gRPC server: its certificate, looked at for each handshake; streams that are open go on.

A file of its own: what gRPC wants of certificates is the affair of nobody who reads the composition root.
"""

import grpc

from ..net.tls import Identity, TlsFiles, reloaded


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Blocks: it reads the files. Raises `BadField`.

    gRPC asks for another configuration before each handshake, in a thread of its own.
    """
    kept = reloaded(files, _configuration)

    def changed() -> grpc.ServerCertificateConfiguration | None:
        return kept.value if kept.look() else None

    asks_clients = files.client_ca is not None
    # The stub leaves out None, which is "as it was".
    return grpc.dynamic_ssl_server_credentials(kept.value, changed, asks_clients)  # type: ignore[arg-type]


def _configuration(
    _: TlsFiles, identity: Identity, authorities: bytes
) -> grpc.ServerCertificateConfiguration:
    pair = (identity.key, identity.certificates)
    return grpc.ssl_server_certificate_configuration([pair], authorities or None)
