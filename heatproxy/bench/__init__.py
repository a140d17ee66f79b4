"""``heatproxy bench``: what the way through heatproxy costs, always as ratios.

``through`` measures a heatproxy that runs already; ``wire`` one of its own, beside
other proxies; ``rapid`` one of its own too, beside MySQL and DuckDB; ``files`` one
that loads files, beside DuckDB; ``predict`` one that predicts, beside the model alone.
"""


class BenchFailed(Exception):
    """Measuring was not possible; the message says why."""
