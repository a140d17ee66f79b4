"""What a call of sys.heatwave_load asks for, read from its two JSON arguments.

HeatWave's own texts for bad arguments are not published. Text that is not JSON is 3140
here, as for any JSON parameter; all else is 3877, naming the key and what it may be.

Source: HeatWave User Guide, "HEATWAVE_LOAD"; "External Table JSON Syntax".
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from heatproxy.errors import MySQLError, not_supported, secondary_engine
from heatproxy.lakehouse.catalogue import LH, failure
from heatproxy.lakehouse.dialect import Dialect, parse_dialect
from heatproxy.options import (
    AnyJson,
    BadOption,
    Flag,
    ListOf,
    Named,
    Nested,
    OneOf,
    Options,
    Text,
)

MODES = ("normal", "dryrun", "validation")
OUTPUTS = ("normal", "compact", "silent", "help")
POLICIES = ("disable_unsupported_columns", "not_disable_unsupported_columns")


OPTIONS = Options(
    mode=OneOf(MODES, default="normal"),
    output=OneOf(OUTPUTS, default="normal"),
    sql_mode=Text(),
    policy=OneOf(POLICIES, default=POLICIES[0]),
    exclude_list=ListOf(Text(), default=()),
    set_load_parallelism=Flag(default=True),
    auto_enc=Nested(Options(mode=OneOf(("off", "check"), default="check"))),
    external_tables=AnyJson(),
    refresh_external_tables=Flag(default=False),
)
_NAMES = ListOf(Text())
_SCHEMA = Options(
    db_name=Text(), tables=AnyJson(), exclude_tables=ListOf(Named("table_name"))
)
_TABLE = Options(
    table_name=Text(),
    engine_attribute=AnyJson(),
    columns=_NAMES,
    exclude_columns=_NAMES,
)
_OLD_TABLE = Options(
    table_name=Text(),
    sampling=Flag(default=True),
    dialect=AnyJson(),
    file=AnyJson(),
)
_ATTRIBUTE = Options(
    sampling=Flag(default=True),
    dialect=AnyJson(),
    file=AnyJson(),
    auto_refresh_event_source=Text(),
    match_columns_by=Text(),
    allow_missing_columns=Flag(),
)
_FILE = Options(
    par=Text(),
    uri=Text(),
    bucket=Text(),
    namespace=Text(),
    region=Text(),
    prefix=Text(),
    name=Text(),
    pattern=Text(),
    is_strict_mode=Flag(),
    allow_missing_files=Flag(),
)


@dataclass(frozen=True, slots=True)
class FileLocation:
    """One item of ``file``: exactly one of par, uri and bucket is given."""

    par: str | None = None
    uri: str | None = None
    bucket: str | None = None
    namespace: str | None = None
    region: str | None = None
    prefix: str | None = None  # at most one of prefix, name and pattern is given
    name: str | None = None
    pattern: str | None = None  # a regular expression over object names
    is_strict_mode: bool | None = None
    allow_missing_files: bool | None = None


@dataclass(frozen=True, slots=True)
class TableScope:
    """A table by name; the columns that are left out become NOT SECONDARY."""

    name: str
    columns: tuple[str, ...] = ()
    exclude_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SchemaScope:
    """A schema whose tables are to be loaded; ``tables`` None means all of them."""

    name: str
    tables: tuple[TableScope, ...] | None = None
    exclude_tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExternalTable:
    """A table whose rows are in files; ``attribute`` is its ENGINE_ATTRIBUTE."""

    schema: str
    table: str
    dialect: Dialect
    files: tuple[FileLocation, ...]
    sampling: bool = True
    columns: tuple[str, ...] = ()
    exclude_columns: tuple[str, ...] = ()
    attribute: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """A checked call of sys.heatwave_load."""

    schemas: tuple[SchemaScope, ...] = ()
    external: tuple[ExternalTable, ...] = ()
    mode: str = "normal"
    output: str = "normal"
    policy: str = POLICIES[0]
    sql_mode: str | None = None  # None: the session's
    exclude_list: tuple[str, ...] = ()
    set_load_parallelism: bool = True
    auto_enc: str = "check"
    refresh_external_tables: bool = False


def parse_request(
    input_list_json: str | None, options_json: str | None, profile: str = "9.2"
) -> LoadRequest:
    """Read the arguments of sys.heatwave_load, as JSON text; None is SQL NULL.

    External tables of ``options.external_tables`` come after those of
    ``input_list``. A schema that only external tables name is added with no
    tables of its own.

    Raises:
        MySQLError: 3140, not JSON; 3877, an unknown key, a bad value, keys that
            exclude each other, the same table twice; 1235, a known key that
            heatproxy cannot serve.
    """
    given = _decode(options_json, "options")
    options = _checked(OPTIONS, given, "options")
    names = _decode(input_list_json, "input_list")
    if options["output"] == "help":
        return LoadRequest(output="help")
    if not isinstance(names, list) or not names:
        raise _wrong("input_list", "it must be a JSON array that names a schema")
    refresh = options["refresh_external_tables"]
    if refresh and options["mode"] == "validation":
        raise failure(LH.CP_NO_VALIDATION_MODE)
    schemas: dict[str, SchemaScope] = {}
    external: list[ExternalTable] = []
    for member in names:
        scope, files = _read_schema(member, refresh, profile)
        if scope.name in schemas:
            raise _wrong("input_list", f"schema '{scope.name}' is there twice")
        schemas[scope.name] = scope
        external += files
    external += _read_old_form(options["external_tables"], profile)
    seen = set()
    for table in external:
        if (table.schema, table.table) in seen:
            name = f"{table.schema}.{table.table}"
            raise _wrong("the request", f"external table '{name}' is there twice")
        seen.add((table.schema, table.table))
        schemas.setdefault(table.schema, SchemaScope(table.schema, tables=()))
    encoding = options["auto_enc"] or {"mode": "check"}
    external = [_without(one, options["exclude_list"]) for one in external]
    return LoadRequest(
        tuple(schemas.values()),
        tuple(external),
        options["mode"],
        options["output"],
        options["policy"],
        options["sql_mode"],
        tuple(options["exclude_list"]),
        options["set_load_parallelism"],
        encoding["mode"],
        refresh,
    )


def _without(table: ExternalTable, excluded: Sequence[str]) -> ExternalTable:
    more = excluded_columns(excluded, table.schema, table.table)
    return replace(table, exclude_columns=(*table.exclude_columns, *more))


def excluded_columns(
    exclude_list: Sequence[str], schema: str, table: str
) -> tuple[str, ...]:
    """The columns of a table that members of exclude_list name."""
    start = f"{schema}.{table}."
    return tuple(
        one.removeprefix(start) for one in exclude_list if one.startswith(start)
    )


def parse_engine_attribute(
    json_text: str, profile: str = "9.2"
) -> tuple[Dialect, tuple[FileLocation, ...]]:
    """The dialect and files of a table's ENGINE_ATTRIBUTE.

    Raises:
        MySQLError: as parse_request does.
    """
    where = "ENGINE_ATTRIBUTE"
    table = _external("", "", _decode(json_text, where), where, profile)
    return table.dialect, table.files


def _read_schema(
    member: Any, refresh: bool, profile: str
) -> tuple[SchemaScope, list[ExternalTable]]:
    """One member of input_list: a schema's name, or an object with its tables."""
    if isinstance(member, str) and member:
        return SchemaScope(member), []
    if not isinstance(member, dict):
        raise _wrong("input_list", "each member must be a name or a JSON object")
    values = _checked(_SCHEMA, member, "input_list")
    schema = values["db_name"]
    if not schema:
        raise _wrong("input_list", "each object needs a db_name")
    where = f"schema '{schema}' in input_list"
    tables, excluded = values["tables"], tuple(values["exclude_tables"] or ())
    if tables is None:
        return SchemaScope(schema, None, excluded), []
    if excluded:
        raise _wrong(where, "tables and exclude_tables exclude each other")
    if not isinstance(tables, list):
        raise _wrong(where, "option 'tables' must be a JSON array")
    scopes: list[TableScope] = []
    external: list[ExternalTable] = []
    for table in tables:
        entry = _read_table(schema, table, refresh, profile)
        if isinstance(entry, TableScope):
            scopes.append(entry)
        else:
            external.append(entry)
    return SchemaScope(schema, tuple(scopes)), external


def _read_table(
    schema: str, member: Any, refresh: bool, profile: str
) -> TableScope | ExternalTable:
    where = f"a table of schema '{schema}' in input_list"
    if isinstance(member, str) and member:
        return TableScope(member)
    values = _checked(_TABLE, member, where)
    name = values["table_name"]
    if not name:
        raise _wrong(where, "each object needs a table_name")
    where = f"table '{schema}.{name}'"
    columns = tuple(values["columns"] or ())
    excluded = tuple(values["exclude_columns"] or ())
    if columns and excluded:
        raise _wrong(where, "columns and exclude_columns exclude each other")
    attribute = values["engine_attribute"]
    if attribute is None:
        return TableScope(name, columns, excluded)
    if refresh:
        raise _wrong(
            where, "engine_attribute must not be given with refresh_external_tables"
        )
    return _external(schema, name, attribute, where, profile, columns, excluded)


def _read_old_form(given: Any, profile: str) -> list[ExternalTable]:
    """``options.external_tables``: dialect and file directly under the table."""
    if given is None:
        return []
    where = "external_tables"
    if not isinstance(given, list):
        raise _wrong(where, "it must be a JSON array")
    schema_keys = Options(db_name=Text(), tables=AnyJson())
    found = []
    for member in given:
        values = _checked(schema_keys, member, where)
        schema, tables = values["db_name"], values["tables"]
        if not schema or not isinstance(tables, list) or not tables:
            raise _wrong(where, "each object needs a db_name and an array of tables")
        for table in tables:
            keys = _checked(_OLD_TABLE, table, f"a table of schema '{schema}'")
            name = keys["table_name"]
            if not name:
                raise _wrong(where, "each table needs a table_name")
            known = ("sampling", "file", "dialect")
            attribute = {key: table[key] for key in known if key in table}
            where_table = f"table '{schema}.{name}'"
            found.append(_external(schema, name, attribute, where_table, profile))
    return found


def _external(
    schema: str,
    name: str,
    given: Any,
    where: str,
    profile: str,
    columns: tuple[str, ...] = (),
    excluded: tuple[str, ...] = (),
) -> ExternalTable:
    if isinstance(given, str):
        given = _decode(given, "engine_attribute")
    values = _checked(_ATTRIBUTE, given, where)
    if values["auto_refresh_event_source"] is not None:
        raise not_supported("auto_refresh_event_source")
    dialect = values["dialect"]
    if dialect is not None and not isinstance(dialect, dict):
        raise _wrong(where, "option 'dialect' must be a JSON object")
    dialect = dict(dialect or {})
    moved = {
        key: values[key]
        for key in ("match_columns_by", "allow_missing_columns")
        if values[key] is not None
    }
    files = values["file"]
    if not isinstance(files, list) or not files:
        raise _wrong(where, "option 'file' must be a JSON array with a member")
    attribute: dict[str, Any] = {"file": files}
    if dialect:
        attribute["dialect"] = dialect
    attribute |= moved
    return ExternalTable(
        schema,
        name,
        parse_dialect(dialect | moved, where, profile),
        tuple(_location(item, where) for item in files),
        values["sampling"],
        columns,
        excluded,
        attribute,
    )


def _location(item: Any, where: str) -> FileLocation:
    where = f"a file of {where}"
    values = _checked(_FILE, item, where)
    _only_one(values, ("par", "uri", "bucket"), where, needed=True)
    _only_one(values, ("prefix", "name", "pattern"), where, needed=False)
    if values["bucket"] is None and (values["namespace"] or values["region"]):
        raise _wrong(where, "namespace and region go with bucket only")
    return FileLocation(**values)


def _only_one(
    values: dict[str, Any], keys: tuple[str, ...], where: str, needed: bool
) -> None:
    given = [key for key in keys if values[key] is not None]
    if len(given) > 1:
        raise _wrong(where, f"{' and '.join(given)} exclude each other")
    if needed and not given:
        raise _wrong(where, f"one of {', '.join(keys)} is needed")


def _decode(text: str | None, parameter: str) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError as problem:
        raise MySQLError(
            3140,
            "22032",
            f'Invalid JSON text: "{problem.msg}." at position {problem.pos} in value'
            f" for column '{parameter}'.",
        ) from None


def _checked(options: Options, given: Any, where: str) -> dict[str, Any]:
    if given is not None and not isinstance(given, dict):
        raise _wrong(where, "it must be a JSON object")
    try:
        return options.check(given)
    except BadOption as problem:
        raise _wrong(where, str(problem)) from None


def _wrong(where: str, problem: str) -> MySQLError:
    return secondary_engine(f"Invalid argument of heatwave_load, {where}: {problem}")
