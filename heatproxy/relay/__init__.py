"""The relay: a client's bytes to its backend connection and back.

It carries no parser, no engine and no learning: a statement that is not MySQL's alone
is lent to the engine process.
"""
