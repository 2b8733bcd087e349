"""What a TLS handshake has agreed on, asked of OpenSSL."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL, crypto
from twisted.python.failure import Failure

from smtpgate.smtp.session import TLSInfo


def tls_info(handle: Any, starttls: bool) -> TLSInfo:
    """Describe a finished handshake.

    :param handle: the ``OpenSSL.SSL.Connection``, a transport's ``getHandle()``
    """
    certificate = handle.get_peer_certificate()
    # pyOpenSSL gives no public way to the result, and forgets an error that a callback let pass:
    # a connection that remembers it has it as `verify_error`.
    result: int = getattr(handle, "verify_error", 0) or SSL._lib.SSL_get_verify_result(  # type: ignore[attr-defined]
        handle._ssl
    )
    asked = bool(handle.get_verify_mode() & SSL.VERIFY_PEER)
    name = handle.get_servername()
    return TLSInfo(
        protocol=handle.get_protocol_version_name(),
        cipher=handle.get_cipher_name() or "",
        key_size=handle.get_cipher_bits() or 0,
        starttls=starttls,
        server_name="" if name is None else name.decode("ascii", "replace"),
        peer_certificate=(
            None
            if certificate is None
            else crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
        ),
        verify_result=result,
        peer_verified=certificate is not None and asked and result == 0,
    )


def tls_problem(failure: Failure) -> str:
    """What TLS has found wrong with a connection, in OpenSSL's words; "" when it was not TLS.

    :param failure: why the connection was lost
    """
    if not isinstance(failure.value, SSL.Error):
        return ""
    errors = failure.value.args[0] if failure.value.args else ()
    words = [error[-1] for error in errors if isinstance(error, tuple) and error]
    return f"TLS failed: {words[0]}" if words else "TLS failed"
