"""Calls of ``sys`` routines that come from inside the backend, and their answers.

The other end is the SQL of ``routines.stubs``, which tells how callers and heatproxy
find each other. ``presence`` says that heatproxy is here, a ``desk`` is where one
caller at a time is served, ``conversation`` is what is said there, a ``message`` at a
time: a caller's is read from its variables, or put together from ``pieces``.
``session`` is what a routine sees of such a caller.
"""
