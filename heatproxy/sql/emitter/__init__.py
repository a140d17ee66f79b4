"""The typed emitter: MySQL's expressions and clauses in DuckDB's words, a rule each."""
