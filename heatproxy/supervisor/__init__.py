"""The main process: it starts the others, keeps them running, and carries no bytes."""
