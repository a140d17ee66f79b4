"""Lab scripts that come with heatproxy."""
