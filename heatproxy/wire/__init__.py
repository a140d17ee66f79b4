"""MySQL's wire protocol as pure functions: bytes in, values out, no sockets."""
