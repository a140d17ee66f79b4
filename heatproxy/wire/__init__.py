"""MySQL's client/server protocol as pure functions: bytes in, values out, no sockets."""
