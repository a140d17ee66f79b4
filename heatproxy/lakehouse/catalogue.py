"""What Lakehouse says about files and values: numbers, texts, warnings.

Source: the ER_LH messages of MySQL 9.7; all are SQLSTATE HY000.
"""

from dataclasses import dataclass
from enum import IntEnum

from heatproxy.errors import HY000, MySQLError


class LH(IntEnum):
    """The numbers in use; the names are MySQL's without ``ER_LH_``."""

    COL_NOT_NULLABLE = 6041
    WARN_COL_MISSING_NOT_NULLABLE = 6042
    COL_IS_EMPTY = 6043
    COL_IS_EMPTY_WARN = 6044
    BAD_VALUE = 6045
    WARN_DECIMAL_ROUNDING = 6048
    EXCEEDS_MIN = 6050
    EXCEEDS_MAX = 6051
    WARN_EXCEEDS_MIN_TRUNCATING = 6052
    WARN_EXCEEDS_MAX_TRUNCATING = 6053
    DATETIME_FORMAT = 6056
    WARN_TRUNCATED = 6057
    CSV_PARSING_ERR = 6061
    COLUMN_MISMATCH_ERR = 6062
    COLUMN_MAX_ERR = 6063
    STRING_TOO_LONG = 6066
    RESOURCE_PRINCIPAL_BUCKET_ERR = 6067
    NO_FILES_FOUND = 6068
    EMPTY_FILE = 6069
    DUPLICATE_FILE = 6070
    AVRO_HEADER_MISMATCH = 6072
    AVRO_TYPE_CANNOT_CONVERT = 6075
    AVRO_FILE_ENDS_UNEXPECTEDLY = 6076
    AVRO_FILE_DATA_CORRUPT = 6077
    AVRO_INVALID_UNION = 6078
    AVRO_DECODING_ERR = 6086
    PARQUET_SCHEMA_MISMATCH = 6088
    INFER_NUM_COL_MISMATCH = 6093
    WARN_INFER_SKIPPED_LINES = 6095
    INFER_FILE_HAS_NO_DATA = 6097
    INFER_NO_DATA = 6098
    WARN_INFER_USE_DEFAULT_COL_NAMES = 6100
    AVRO_CANNOT_PARSE_HEADER = 6103
    PARQUET_CANT_OPEN_FILE = 6104
    TOO_LARGE_ROW_ERR = 6106
    JSON_PARSING = 6121
    USER_DATA_ACCESS_FAILED = 6128
    CP_NO_VALIDATION_MODE = 6421
    WARN_SUMMARY = 6434
    DECOMPRESSION_ERR = 6445
    COL_NAME_MISSING = 6515
    COL_NAME_DUPLICATE = 6516
    INFER_COL_NAME_MISMATCH = 6520
    DELTA_METADATA_READ_ERROR = 6522
    DELTA_UNSUPPORTED_ERROR = 6523
    EXTRA_COLUMNS_IN_FILE = 6529


_TEXTS = {
    LH.COL_NOT_NULLABLE: (
        "Column {} of {} : Column contains null but it is not nullable."
    ),
    LH.WARN_COL_MISSING_NOT_NULLABLE: (
        "Column {} of {} : Column is missing, but it is not nullable and no explicit"
        " default value is provided."
    ),
    LH.COL_IS_EMPTY: "Column {} of {} : Column is empty.",
    LH.COL_IS_EMPTY_WARN: "Column {} of {} : Column is empty, setting default value.",
    LH.BAD_VALUE: "Column {} of {} : Invalid {} value.",
    LH.WARN_DECIMAL_ROUNDING: (
        "Column {} of {} : Fraction exceeds schema, rounding value."
    ),
    LH.EXCEEDS_MIN: "Column {} of {} : {} exceeds min.",
    LH.EXCEEDS_MAX: "Column {} of {} : {} exceeds max.",
    LH.WARN_EXCEEDS_MIN_TRUNCATING: (
        "Column {} of {} : {} exceeds min, setting to min value possible."
    ),
    LH.WARN_EXCEEDS_MAX_TRUNCATING: (
        "Column {} of {} : {} exceeds max, setting to max value possible."
    ),
    LH.DATETIME_FORMAT: "Column {} of {} : Error while applying {} format.",
    LH.WARN_TRUNCATED: "Column {} of {} : {} value was truncated.",
    LH.CSV_PARSING_ERR: "{} at byte offset {}: Parsing error. {}.",
    LH.COLUMN_MISMATCH_ERR: (
        "{}: Mismatch in the number of columns. Expected {}, found {}."
    ),
    LH.COLUMN_MAX_ERR: "{}: More than {} column(s) found.",
    LH.STRING_TOO_LONG: "Column {} in {}: String is too long.",
    LH.RESOURCE_PRINCIPAL_BUCKET_ERR: (
        "Resource Principal endpoint is not configured. Cannot access following"
        " buckets: {}."
    ),
    LH.NO_FILES_FOUND: (
        "No files found corresponding to the following data locations: {}."
    ),
    LH.EMPTY_FILE: "File {} is empty.",
    LH.DUPLICATE_FILE: "File {} was not processed (duplicate).",
    LH.AVRO_HEADER_MISMATCH: "File {}: Header does not match other files.",
    LH.AVRO_TYPE_CANNOT_CONVERT: (
        "Column {} in {}: Avro value of physical type {} logical type {} cannot be"
        " converted to mysql type {}."
    ),
    LH.AVRO_FILE_ENDS_UNEXPECTEDLY: "File {}: Ends unexpectedly.",
    LH.AVRO_FILE_DATA_CORRUPT: "File {}: File data might be corrupt.",
    LH.AVRO_INVALID_UNION: (
        "Column {} in {}: Invalid Avro union encountered. Unions are only supported to"
        " represent nullable columns. One of the two types of the union must be null."
    ),
    LH.AVRO_DECODING_ERR: "File {}: Error decoding Avro {}. {}",
    LH.PARQUET_SCHEMA_MISMATCH: (
        "Column {} in {}: Difference in column type among Parquet files."
    ),
    LH.INFER_NUM_COL_MISMATCH: (
        "Column count mismatch between files: '{}' has {} columns, but '{}' has {}"
        " columns."
    ),
    LH.WARN_INFER_SKIPPED_LINES: ("Skipped {} line(s) due to mismatched num of cols."),
    LH.INFER_FILE_HAS_NO_DATA: (
        "File {} is skipped because it has no valid data. File is either empty or all"
        " rows are skipped."
    ),
    LH.INFER_NO_DATA: "No valid data found for processing.",
    LH.WARN_INFER_USE_DEFAULT_COL_NAMES: (
        "Used default column names for column index(es) {} as they are {}."
    ),
    LH.AVRO_CANNOT_PARSE_HEADER: (
        "File {}: Could not parse avro header. Probably corrupted avro file."
    ),
    LH.PARQUET_CANT_OPEN_FILE: "Parquet reader cannot open {}. {}",
    LH.TOO_LARGE_ROW_ERR: "File {}: {}",
    LH.JSON_PARSING: "Column {} of {} : {}",
    LH.USER_DATA_ACCESS_FAILED: ("Unable to access the following data locations: {}"),
    LH.CP_NO_VALIDATION_MODE: (
        "Lakehouse Incremental Load is not supported with validation mode."
    ),
    LH.WARN_SUMMARY: "[WARNINGS SUMMARY] {}",
    LH.DECOMPRESSION_ERR: (
        "Failed to extract from {}: corrupted file, wrong compression format, or"
        " multiple files in archive."
    ),
    LH.COL_NAME_MISSING: (
        "Column {} of {}: Column name is not present in the file header or metadata."
    ),
    LH.COL_NAME_DUPLICATE: (
        "File {}: Duplicate column name in the file header or metadata."
    ),
    LH.INFER_COL_NAME_MISMATCH: (
        "Column '{}' found in file '{}', but not in file '{}' during column name"
        " matching."
    ),
    LH.DELTA_METADATA_READ_ERROR: "Error while reading metadata for delta table: {}",
    LH.DELTA_UNSUPPORTED_ERROR: "Feature {} of delta tables is unsupported",
    LH.EXTRA_COLUMNS_IN_FILE: (
        "{}: {} column(s) in file are not present in the table."
    ),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A warning: what SHOW WARNINGS and the load report print."""

    number: int
    message: str


def text(code: LH, *values: object) -> str:
    """The message of ``code`` with its blanks filled in."""
    return _TEXTS[code].format(*values)


def failure(code: LH, *values: object, detail: str = "") -> MySQLError:
    """``code`` as an error; ``detail`` adds what MySQL's text leaves out."""
    return MySQLError(int(code), HY000, text(code, *values) + detail)


def warning(code: LH, *values: object, detail: str = "") -> Condition:
    """``code`` as a warning."""
    return Condition(int(code), text(code, *values) + detail)
