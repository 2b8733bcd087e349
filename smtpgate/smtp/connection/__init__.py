"""The socket's side, of clients and of next hops: octets, time, TLS, PROXY headers."""
