"""CREATE MODEL ... FROM 'file': a model that was trained elsewhere."""

from heatproxy.automl.catalog import Catalog
from heatproxy.dialects.making import Place
from heatproxy.errors import not_supported
from heatproxy.session import Session
from heatproxy.sql.create_model import CreateModel


async def create(
    session: Session, catalog: Catalog, wanted: CreateModel, place: Place
) -> list[str]:
    """Import the file's model and give it a function."""
    raise not_supported("CREATE MODEL FROM a file")
