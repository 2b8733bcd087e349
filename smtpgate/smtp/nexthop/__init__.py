"""The other side: a client of the next hop."""
