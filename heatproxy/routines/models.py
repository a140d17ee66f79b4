"""ML_MODEL_LOAD, ML_MODEL_UNLOAD, ML_MODEL_ACTIVE, and how routines get at a model.

A model that is not loaded is loaded by the first routine that needs it: scripts that
forget ML_MODEL_LOAD work, those that have it behave as on HeatWave.

Source: HeatWave User Guide, "ML_MODEL_LOAD", "ML_MODEL_UNLOAD", "ML_MODEL_ACTIVE".
"""

import json

from heatproxy.automl.catalog import Catalog
from heatproxy.automl.loaded import Loaded
from heatproxy.automl.storage import from_bytes
from heatproxy.datatypes import quote_text
from heatproxy.errors import MySQLError, ml_error
from heatproxy.routines.later import is_llm, no_llm
from heatproxy.routines.routine import Outcome, Procedure, needs
from heatproxy.session import Session


def no_such_model(handle: str) -> MySQLError:
    """The number of this ML error is not published."""
    return ml_error(
        "ML006018", f"model_handle {handle} does not exist in the Model_Catalog."
    )


async def open_model(
    session: Session, handle: str | None, owner: str | None = None
) -> Loaded:
    """The model of a handle, loaded if it was not, and as the catalog has it now.

    Raises:
        MySQLError: 3877 with ML006018 (no such model), ML006020 (NULL), ML003025 (it
            is damaged); 1142, the caller may not read the owner's catalog.
    """
    if handle is None:
        raise ml_error("ML006020", "model_handle cannot be Null.")
    models = session.house.models
    asked = session.known_user
    known = None if asked is None else models.get(asked, handle)
    if asked is not None and known is not None and owner in (None, known.owner):
        catalog = Catalog(session.backend, known.owner)
        if await catalog.still_has(known.entry, asked):
            return known
    user = await session.user()
    known = models.get(user, handle)
    owner = owner or (known.owner if known else user)
    entry = await Catalog(session.backend, owner).find(handle)
    if entry is None or not entry.ready:
        models.drop(user, handle)
        raise no_such_model(handle)
    if known is not None and (known.owner, known.entry) == (owner, entry):
        return known
    folder = session.house.config.data_dir
    data = await Catalog(session.backend, owner).object_of(entry, folder)
    model = await session.off_loop(lambda _: from_bytes(data))
    loaded = Loaded(owner, entry, data, model)
    models.put(user, loaded)
    return loaded


async def load(session: Session, model_handle: str | None, user: str | None) -> Outcome:
    """Load a model of one's own, or of the user named.

    Raises:
        MySQLError: 3877, as open_model; 1235, the id of a large language model.
    """
    if model_handle is not None and is_llm(model_handle):
        catalog = Catalog(session.backend, user or await session.user())
        if await catalog.find(model_handle) is None:
            raise no_llm(model_handle)
    await open_model(session, model_handle, user or None)
    return Outcome()


async def unload(session: Session, model_handle: str | None) -> Outcome:
    """Forget a model. A handle that names none is no error, since 9.0.0."""
    if model_handle is not None:
        session.house.models.drop(await session.user(), model_handle)
    return Outcome()


async def active(session: Session, user: str | None) -> Outcome:
    """The loaded models of the caller, or of all users, and their sizes in bytes."""
    wanted = (user or "current").lower()
    if wanted not in ("current", "all"):
        raise ml_error("ML006006", "user must be 'current', 'all' or NULL.")
    models = session.house.models
    me = await session.user()
    users = [me] if wanted == "current" else models.users
    listed = {name: [_described(one) for one in models.of(name)] for name in users}
    total = sum(len(one.data) for name in users for one in models.of(name))
    mine = {key: value for one in listed.get(me, []) for key, value in one.items()}
    info = [
        {"total model size(bytes)": total},
        mine if wanted == "current" else listed,
    ]
    return Outcome(out=(f"CAST({quote_text(json.dumps(info))} AS JSON)",))


def _described(loaded: Loaded) -> dict[str, dict[str, object]]:
    facts = {
        "format": loaded.entry.metadata.get("format"),
        "model_size(byte)": len(loaded.data),
    }
    return {loaded.entry.handle: facts}


async def create_or_upgrade_catalog(session: Session) -> Outcome:
    """Make the caller's catalog, or bring one of an older version up to date."""
    await Catalog(session.backend, await session.user()).upgrade()
    return Outcome()


ML_MODEL_LOAD = Procedure(
    "ML_MODEL_LOAD",
    needs("IN model_handle VARCHAR(255)", "IN user VARCHAR(255)"),
    run=load,
    least=1,
)
ML_MODEL_UNLOAD = Procedure(
    "ML_MODEL_UNLOAD", needs("IN model_handle VARCHAR(255)"), run=unload
)


async def _active(session: Session, user: str | None, info: str | None) -> Outcome:
    del info  # OUT: what it held does not matter
    return await active(session, user)


ML_MODEL_ACTIVE = Procedure(
    "ML_MODEL_ACTIVE",
    needs("IN user VARCHAR(255)", "OUT model_info JSON"),
    run=_active,
)
ML_CREATE_OR_UPGRADE_CATALOG = Procedure(
    "ML_CREATE_OR_UPGRADE_CATALOG", (), run=create_or_upgrade_catalog
)
