"""Machine learning: Arrow tables in, models and predictions out; no I/O."""
