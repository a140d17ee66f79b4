"""Templates of log lines."""

from heatproxy.automl.logs.drain import MOST_IN_A_LEAF, Miner


def test_what_differs_becomes_a_wild_card() -> None:
    miner = Miner()
    lines = ["user anna logged in", "user bert logged in", "user carl logged out"]
    assert [miner.learn(line) for line in lines] == [0, 0, 0]
    assert miner.templates == [("user", "<*>", "logged", "<*>")]


def test_lines_of_other_lengths_or_first_words_are_other_templates() -> None:
    miner = Miner()
    lines = ["disk full", "disk is full", "memory full", "disk full"]
    assert [miner.learn(line) for line in lines] == [0, 1, 2, 0]


def test_the_most_alike_template_is_matched_and_an_unlike_line_is_none() -> None:
    miner = Miner.of([("job", "<*>", "ended"), ("job", "x", "failed")])
    assert miner.match("job y ended") == 0
    assert miner.match("job x failed") == 1
    assert miner.match("job z started again") is None
    assert miner.match("run a b") is None


def test_first_words_with_digits_are_one() -> None:
    miner = Miner()
    assert miner.learn("host1 is up") == miner.learn("host2 is up")


def test_empty_lines_are_a_template() -> None:
    miner = Miner()
    assert miner.learn("") == miner.learn("   ") == 0


def test_templates_of_a_leaf_come_to_an_end() -> None:
    miner = Miner()
    for place in range(1, MOST_IN_A_LEAF + 50):
        miner.learn(f"same {'a' * place} {'b' * place} {'c' * place} {'d' * place} x")
    assert len(miner.templates) == MOST_IN_A_LEAF
