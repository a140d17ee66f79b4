"""The task topic_modeling: a vocabulary of tags, and the tags of documents."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl.orders import parse_options
from heatproxy.automl.storage import from_bytes, to_bytes
from heatproxy.automl.tags import Tagger
from heatproxy.automl.tasks.contract import Order
from heatproxy.automl.tasks.topics import TOPIC_MODELING, TopicModel
from heatproxy.errors import MySQLError

DOCUMENTS = [
    "The baker's ovens were baking bread while two bakers argued about flour.",
    "Bread needs flour, water and salt; ovens need fire.",
    "A goalkeeper saved the penalty and the match ended without goals.",
    "Penalty kicks decide matches: the goalkeeper guessed right.",
    "Sailors argued about the weather; the harbour was closing.",
    "The harbour closed when the weather turned, and sailors waited.",
]


def quietly(fraction: float, stage: str) -> None:
    """A progress listener that doesn't care."""


def order(**options: Any) -> Order:
    found = parse_options(
        {"task": "Topic_Modeling", "document_column": "text"} | options
    )
    assert isinstance(found, Order)
    return found


def train(texts: Any = DOCUMENTS, target: str | None = None, **more: Any) -> TopicModel:
    table = pa.table({"id": range(len(texts)), "text": texts})
    asked = order(**more)
    TOPIC_MODELING.check(target, asked)
    return TOPIC_MODELING.train(table, target, asked, quietly, 1)


def tags(model: TopicModel, texts: Any, **options: Any) -> list[list[str]]:
    answers = model.predict(pa.table({"TEXT": texts}), options)
    found = answers.added.column("ml_results").to_pylist()
    return [json.loads(text)["predictions"]["tags"] for text in found]


def test_tags_are_words_that_documents_share() -> None:
    found = tags(train(), DOCUMENTS)
    assert {"bread", "flour", "oven"} <= set(found[0])
    assert {"goalkeeper", "match", "penalty"} <= set(found[2])
    assert {"harbour", "sailor", "weather"} <= set(found[5])
    assert not {"the", "about", "without"} & {tag for one in found for tag in one}


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        *(("ovens", "oven"), ("matches", "match"), ("cities", "city")),
        *(("closing", "close"), ("stopped", "stop"), ("tried", "try")),
        *(("women", "woman"), ("joined", "join"), ("bakers", "baker")),
        *(("bus", "bus"), ("glass", "glass"), ("spring", "spring"), ("red", "red")),
        ("analysis", "analysis"),
    ],
)
def test_inflections_are_one_tag(word: str, stem: str) -> None:
    words = "oven match city close stop try woman join baker bus glass red analysis"
    tagger = Tagger.fit([f"{words} spring", f"{words} spring", "nothing else", "more"])
    assert tagger.tagged([f"{word} here"], 5) == [[stem]]
    learned = Tagger.fit([f"{stem} {word}", f"{stem} spoken", "nothing", "more"])
    assert stem in learned.tags


def test_pairs_of_words_are_tags_too() -> None:
    texts = ["join forces now", "they joined forces", "a force", "joining in", "x", "y"]
    found = Tagger.fit(texts).tagged(texts, 10)
    assert found[1][0] == "join force"
    assert set(found[1]) == {"join force", "join", "force"}


def test_equal_weights_come_by_name_and_rare_ones_first() -> None:
    texts = ["pear fig plum", "pear fig plum", "plum lime", "lime kiwi", "a", "b", "c"]
    (found,) = Tagger.fit(texts).tagged(["plum pear fig"], 10)
    assert found.index("fig") < found.index("pear") < found.index("plum")


def test_what_most_documents_say_is_no_tag() -> None:
    texts = [f"common thing{'s' if i % 2 else ''} word" for i in range(9)] + ["else"]
    assert Tagger.fit(texts).tags == ()


@pytest.mark.parametrize(("topk", "most"), [(None, 10), (2, 2), (1, 1), (50, 50)])
def test_topk_limits_the_tags(topk: int | None, most: int) -> None:
    words = " ".join(
        f"word{chr(97 + i)}{chr(97 + j)}" for i in range(4) for j in range(5)
    )
    model = train([words, words, "other", "again", "other again"])
    (found,) = tags(model, [words], topk=topk)
    assert len(found) == min(most, 39)  # 20 words and 19 pairs


def test_a_document_without_known_words_has_no_tags() -> None:
    assert tags(train(), ["", None, "Zyzzyva!", "1234 !?"]) == [[], [], [], []]
    assert tags(train(), pa.nulls(2)) == [[], []]


def test_letters_beyond_ascii_are_words() -> None:
    texts = ["Größe zählt 東京 タワー", "größe und 東京", "nothing", "else", "more"]
    (found,) = tags(train(texts), ["GRÖSSE, Größe, 東京"])
    assert {"größe", "東京"} >= set(found)
    assert "größe" in found


REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no column named": (DOCUMENTS, {"document_column": None}, "document_column"),
    "no such column": (DOCUMENTS, {"document_column": "txt"}, "ML003039"),
    "numbers": (list(range(6)), {}, "is not text"),
    "NULL": ([*DOCUMENTS, None], {}, "has NULL values"),
    "no rows": (pa.array([], pa.string()), {}, "ML001052"),
    "one row": (DOCUMENTS[:1], {}, "ML001052"),
    "no shared word": (["one", "apple", "pear"], {}, "ML001052"),
    "a target": (DOCUMENTS, {"target": "id"}, "ML006006"),
    "a list of models": (DOCUMENTS, {"model_list": ["LDA"]}, "unknown option"),
    "a metric": (DOCUMENTS, {"optimization_metric": "f1"}, "unknown option"),
}


@pytest.mark.parametrize(("texts", "options", "words"), REFUSED.values(), ids=REFUSED)
def test_a_senseless_training_is_refused(
    texts: Any, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(MySQLError, match=words) as refused:
        train(texts, **options)
    assert refused.value.number == 3877


def test_a_prediction_needs_the_column_as_text() -> None:
    model = train()
    with pytest.raises(MySQLError, match="ML003011"):
        model.predict(pa.table({"words": DOCUMENTS}), {})
    with pytest.raises(MySQLError, match="is not text"):
        tags(model, [1, 2])


def test_there_is_no_score() -> None:
    with pytest.raises(MySQLError, match="ML003020"):
        train().score(pa.table({"text": DOCUMENTS}), None, "accuracy", {})


def test_a_stored_model_says_the_same() -> None:
    model = train(notes="films")
    data = to_bytes(model)
    again = from_bytes(data)
    assert isinstance(again, TopicModel)
    assert tags(again, DOCUMENTS) == tags(model, DOCUMENTS)
    assert to_bytes(again) == data
    told = again.metadata(build_timestamp=7, train_table_name="db.films")
    assert (told["task"], told["notes"], told["n_rows"]) == (
        *("topic_modeling", "films"),
        len(DOCUMENTS),
    )
    assert told["column_names"] == ["text"]
    assert told["optimization_metric"] is None
    json.dumps(told, allow_nan=False)


def test_weights_that_are_none_are_refused() -> None:
    state, arrays = train().state()
    for weights in (arrays["weights"][1:], np.full_like(arrays["weights"], np.nan)):
        with pytest.raises(ValueError, match="weights"):
            TOPIC_MODELING.restore(state, {"weights": weights})
