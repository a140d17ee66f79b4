"""The real MySQL: where it is, how it is started, and statements of our own on it."""
