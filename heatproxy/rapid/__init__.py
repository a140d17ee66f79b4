"""RAPID: InnoDB tables kept in the engine, fresh from the binlog."""
