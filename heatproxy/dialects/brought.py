"""CREATE MODEL ... FROM 'file': a model that was trained elsewhere.

The file comes from where the settings of Lakehouse allow files to come from.
"""

import time
from collections.abc import Callable

from heatproxy.automl.brought import brought_job
from heatproxy.automl.catalog import Catalog
from heatproxy.dialects import orders
from heatproxy.dialects.making import Place, register
from heatproxy.errors import secondary_engine
from heatproxy.lakehouse.dialect import Dialect
from heatproxy.lakehouse.request import FileLocation
from heatproxy.lakehouse.source import Source
from heatproxy.routines.filling import source_policy
from heatproxy.session import Cancel, Session
from heatproxy.sql.create_model import CreateModel

MOST_BYTES = 1 << 30
TARGET = "prediction"  # the model's file has no name for what it predicts
_NUMBERS = ("FLOAT", "DOUBLE", "REAL", "DECIMAL", "NUMERIC")


async def create(
    session: Session, catalog: Catalog, wanted: CreateModel, place: Place
) -> list[str]:
    """Import the file's model and give it a function.

    Raises:
        MySQLError: 6128 and the like, the file may not or cannot be read; 3877, it is
            no model, or takes another number of columns; those of check_brought.
    """
    notes = orders.check_brought(wanted)
    if wanted.parameters is None or wanted.returns is None:
        raise secondary_engine(
            "CREATE MODEL: FUNCTION needs its parameters' types and RETURNS for a model"
            " from a file."
        )
    data = await session.off_loop(lambda cancel: _fetched(session, wanted, cancel))
    now = int(time.time())
    width = len(wanted.parameters)
    stored, metadata = await session.in_worker(
        brought_job, data, TARGET, width, _task(wanted), now
    )
    await catalog.ensure()
    await catalog.save(place.handle, {**metadata, "build_timestamp": now}, stored)
    try:
        entry = await catalog.find(place.handle)
        assert entry is not None  # it has just been saved
        await register(session, catalog, wanted, place, entry)
    except BaseException:
        await session.undo(catalog.deletion(place.handle))
        raise
    return notes


def _fetched(session: Session, wanted: CreateModel, cancel: Cancel) -> bytes:
    with Source(source_policy(session)) as source:
        cancel.interrupts(source.abort)
        return fetched(source, wanted.file or "", cancel)


def fetched(source: Source, url: str, is_cancelled: Callable[[], bool]) -> bytes:
    """The one file behind a URL.

    Raises:
        MySQLError: 6067 and the like, it may not be read; 6068, there is none; 3877,
            there are several, or it is larger than MOST_BYTES.
    """
    location = FileLocation(uri=url)
    files = source.fetch([location], Dialect(), is_cancelled, lambda _: None)
    if len(files) != 1:
        raise secondary_engine(f"CREATE MODEL: there are {len(files)} such files.")
    if files[0].size_bytes > MOST_BYTES:
        raise secondary_engine(
            f"CREATE MODEL: the file is larger than {MOST_BYTES} bytes."
        )
    return files[0].path.read_bytes()


def _task(wanted: CreateModel) -> str:
    """What a model is for whose file does not say it."""
    if wanted.problem_type is not None:
        is_number = wanted.problem_type == "REGRESSION"
    else:
        is_number = (wanted.returns or "").startswith(_NUMBERS)
    return "regression" if is_number else "classification"
