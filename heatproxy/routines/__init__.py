"""The routines heatproxy offers in ``sys``, each declared in a file of its family."""

from heatproxy.routines.advisor import HEATWAVE_ADVISOR
from heatproxy.routines.exchange import ML_MODEL_EXPORT, ML_MODEL_IMPORT
from heatproxy.routines.explain import ML_EXPLAIN, ML_EXPLAIN_ROW, ML_EXPLAIN_TABLE
from heatproxy.routines.later import LATER
from heatproxy.routines.load import HEATWAVE_LOAD
from heatproxy.routines.models import (
    ML_CREATE_OR_UPGRADE_CATALOG,
    ML_MODEL_ACTIVE,
    ML_MODEL_LOAD,
    ML_MODEL_UNLOAD,
)
from heatproxy.routines.predict import ML_PREDICT_ROW, ML_PREDICT_TABLE
from heatproxy.routines.routine import Routine
from heatproxy.routines.score import ML_SCORE
from heatproxy.routines.split import TRAIN_TEST_SPLIT
from heatproxy.routines.train import ML_TRAIN
from heatproxy.routines.unload import (
    HEATWAVE_RELOAD,
    HEATWAVE_UNLOAD,
    HEATWAVE_UNLOAD_ALL,
)

_ALL: tuple[Routine, ...] = (
    HEATWAVE_LOAD,
    HEATWAVE_UNLOAD,
    HEATWAVE_UNLOAD_ALL,
    HEATWAVE_RELOAD,
    HEATWAVE_ADVISOR,
    ML_TRAIN,
    ML_EXPLAIN,
    ML_MODEL_LOAD,
    ML_MODEL_UNLOAD,
    ML_MODEL_ACTIVE,
    ML_MODEL_EXPORT,
    ML_MODEL_IMPORT,
    ML_PREDICT_ROW,
    ML_PREDICT_TABLE,
    ML_EXPLAIN_ROW,
    ML_EXPLAIN_TABLE,
    ML_SCORE,
    TRAIN_TEST_SPLIT,
    ML_CREATE_OR_UPGRADE_CATALOG,
    *LATER,
)
ROUTINES: dict[str, Routine] = {routine.name.upper(): routine for routine in _ALL}
