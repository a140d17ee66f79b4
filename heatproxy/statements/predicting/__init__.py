"""``sys.ML_PREDICT_ROW`` and its like anywhere in a statement, one way a module."""
