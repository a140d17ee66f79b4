"""Log lines cleaned of what varies, a column at a time."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.errors import secondary_engine

# what varies in most logs, in the order in which it is looked for
MASKS = (
    (r"\b[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "<UUID>"),
    (
        r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?([.,]\d+)?(Z|[+-]\d{2}:?\d{2})?",
        "<TIME>",
    ),
    (r"\b[A-Z][a-z]{2} [ 0-9]\d \d{2}:\d{2}:\d{2}\b", "<TIME>"),
    (r"\b\d{4}-\d{2}-\d{2}\b", "<TIME>"),
    (r"\b\d{2}:\d{2}:\d{2}([.,]\d+)?\b", "<TIME>"),
    (r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b", "<IP>"),
    (r"\b0x[0-9a-fA-F]+\b", "<HEX>"),
    (r"\b[0-9a-fA-F]{12,}\b", "<HEX>"),
    (r"[-+]?\b\d+(\.\d+)?\b", "<NUM>"),
)


def masked(lines: pa.Array, more: Sequence[str]) -> pa.Array:
    """The lines (n_rows,) with what varies named; ``more`` are regular expressions of
    the user's, which come first. NULL is an empty line.

    Raises:
        MySQLError: 3877, one of them is none.
    """
    cleaned = pc.fill_null(lines.cast(pa.string()), "")
    for pattern in more:
        try:
            cleaned = pc.replace_substring_regex(cleaned, pattern, "<MASK>")
        except pa.ArrowInvalid:
            raise secondary_engine(
                f"additional_masking_regex: '{pattern}' is no regular expression."
            ) from None
    for pattern, name in MASKS:
        cleaned = pc.replace_substring_regex(cleaned, pattern, name)
    return pc.utf8_trim_whitespace(cleaned)
