"""Values as text or octets, and back: what the library and the operator ``%`` write and read."""
