"""Sizes, counts and durations as the reports of HeatWave print them."""


def size_text(size_bytes: int) -> str:
    """``389 bytes``, ``2.17 KiB``, ``74.11 GiB``."""
    if size_bytes < 1024:
        return f"{size_bytes} bytes"
    value = float(size_bytes)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        value /= 1024
        if round(value, 2) < 1024 or unit == "TiB":
            break
    return f"{value:.2f} {unit}"


def count_text(count: int) -> str:
    """``25``, ``405.18 K``, ``15.01 M``, ``1 M``."""
    if count < 1000:
        return str(count)
    value = float(count)
    for unit in ("K", "M", "B"):
        value /= 1000
        if round(value, 2) < 1000 or unit == "B":
            break
    return f"{value:.2f}".rstrip("0").rstrip(".") + f" {unit}"


def duration_text(seconds: float) -> str:
    """``101.14 ms``, ``6.13 s``, ``18.23 min``; hours are ours to spell."""
    if round(seconds, 5) < 1:
        return f"{seconds * 1000:.2f} ms"
    if round(seconds, 2) < 60:
        return f"{seconds:.2f} s"
    if round(seconds / 60, 2) < 60:
        return f"{seconds / 60:.2f} min"
    return f"{seconds / 3600:.2f} h"
