"""Which statements the engine process is asked about.

To ask in vain costs time. Not to ask is safe: MySQL holds stubs and sealed shells that
refuse what is heatproxy's.
"""

import pytest

from heatproxy.sql.prefilter import Prefilter

TABLES, SCHEMAS = ("bank_marketing", "täble", "a.b"), ("ml_data",)
WANTED = [
    b"SHOW CREATE TABLE bank_marketing",
    b"SELECT engine FROM information_schema.tables",
    b"SELECT * FROM TABLES_EXTENSIONS",
    b"CALL sys.ML_TRAIN('a', 'b', NULL, @m)",
    b"call sys.heatwave_load(@a, NULL)",
    b"CALL `sys`.`ML_TRAIN`()",
    b"CALL `sys.heatwave_load`(1)",
    b"CALL ML_TRAIN()",
    b"CALL\n  sys . ml_train()",
    b"CALL /* why */ sys.ML_TRAIN()",
    b"CALL -- why\n sys.ML_TRAIN()",
    b"CALL sys./* why */ML_TRAIN()",
    b"  CALL sys.TRAIN_TEST_SPLIT()",
    b"CALL sys.NL2ML('x')",
    b"-- first\nCALL sys.ML_SCORE()",
    b"# first\nCALL sys.ML_SCORE()",
    b"/* first */CALL sys.ML_SCORE()",
    b"--\nCALL sys.ML_SCORE()",
    b";CALL sys.ML_SCORE()",
    b"SELECT sys.ML_PREDICT_ROW('{}', @m, NULL)",
    b"select 1, sys.ml_explain_row(x) from t",
    b"SET @p = sys.ML_PREDICT_ROW('{}', @m, NULL)",
    b"DO sys.ML_PREDICT_ROW('{}', @m, NULL)",
    b"CREATE TABLE x AS SELECT sys.ML_PREDICT_ROW(a, @m, NULL) FROM t",
    b"WITH x AS (SELECT 1) SELECT sys.ML_PREDICT_ROW(a, @m, NULL) FROM t",
    b"SELECT 'ml_predict_row'",
    b"INSERT INTO t VALUES (sys.ML_PREDICT_ROW(@row, @m))",
    b"REPLACE t SET a = sys.ML_EXPLAIN_ROW(@row, @m)",
    b"UPDATE t SET a = sys.ml_predict_row(b, @m)->>'$.Prediction'",
    b"DELETE FROM t WHERE sys.ML_PREDICT_ROW(b, @m) IS NULL",
    b"EXPLAIN UPDATE t SET a = sys.ML_PREDICT_ROW(b, @m)",
    b"VALUES ROW(sys.ML_PREDICT_ROW(@row, @m))",
    b"SELECT * FROM bank_marketing",
    b"SELECT * FROM ml_data.BANK_MARKETING b",
    b"(SELECT * FROM bank_marketing)",
    b"((SELECT 1) UNION SELECT y FROM bank_marketing)",
    b"SELECT bank_marketing.y, 1",
    b"SELECT 1FROM`bank_marketing`WHERE 1",
    b"SELECT 'bank_marketing'",
    b"TABLE bank_marketing",
    b"CREATE TABLE x AS SELECT * FROM bank_marketing",
    b"CREATE TABLE x LIKE bank_marketing",
    b"EXPLAIN SELECT * FROM bank_marketing",
    "SELECT * FROM täble".encode(),
    b"SELECT * FROM `a.b`",
    b"DROP TABLE bank_marketing",
    b"DROP DATABASE ml_data",
    b"DROP TABLE IF EXISTS ml_data.x",
    b"RENAME TABLE bank_marketing TO b",
    b"ALTER TABLE bank_marketing ADD COLUMN a INT",
    b"TRUNCATE bank_marketing",
    b"/* DROP */ DROP /* x */ TABLE bank_marketing",
]
WANTED_LATER = [
    b"SELECT 1; CALL sys.ML_TRAIN('a', 'b', NULL, @m)",
    b"SET @a = 1;CALL ML_TRAIN()",
    b"INSERT INTO t VALUES ('; x');\n-- y\n(SELECT * FROM bank_marketing)",
    b"SELECT 1; CALL p(); SELECT 2; CALL sys.ML_SCORE()",
    b"SELECT 1; SELECT 2; DROP TABLE bank_marketing",
    b"SELECT 1; PREPARE s FROM @text",
]
WANTED_CHANGES = [
    b"UPDATE bank_marketing SET a = 1",
    b"update t join `bank_marketing` using (a) set b = 1",
    b"DELETE FROM t WHERE a IN (SELECT a FROM bank_marketing)",
]
NOT_WANTED_LATER = [
    b"SELECT 1; CALL p('sys.ML_TRAIN')",
    b"SELECT 1; SELECT * FROM bank",
    b"INSERT INTO t VALUES ('; call', '; select ', ';;')",
    b"SELECT 1; EXECUTE s",
    b"SELECT 1;",
]
WANTED_NAMED = [
    b"EXECUTE s",
    b"execute s USING @a",
    b"DEALLOCATE PREPARE s",
    b"DROP PREPARE s",
    b"PREPARE s FROM 'SELECT 1'",
]
PREPARES = {
    b"PREPARE s FROM @text": True,
    b"PREPARE s FROM 'CALL sys.ML_TRAIN(?, ?, ?, ?)'": True,
    b"PREPARE s FROM 'SELECT * FROM bank_marketing'": True,
    b"PREPARE s FROM 'SELECT 1'": False,
}
NOT_WANTED = [
    b"",
    b" ",
    b";",
    b"-- CALL sys.ML_TRAIN()",
    b"-- x",
    b"--",
    b"#",
    b"/* CALL sys.ML_TRAIN() */",
    b"/* SELECT",
    b"/*!80000 CALL sys.ML_TRAIN() */",
    b"SELECT 1",
    b"SELECT * FROM bank",
    b"SELECT * FROM bank_marketing_test",
    b"SELECT * FROM my_bank_marketing, bank_marketing2, $bank_marketing",
    "SELECT * FROM bank_marketingé, ébank_marketing".encode(),
    b"SELECT * FROM aXb",
    b"CALL p()",
    b"CALL sys.table_exists('a', 'b', @x)",
    b"CALL other.ml_train()",
    b"CALL 'sys.ML_TRAIN'()",
    b"CALLS sys.ML_TRAIN()",
    b"INSERT INTO bank_marketing VALUES (1)",
    b"INSERT INTO t VALUES ('SELECT ml_train')",
    b"UPDATE bank SET a = 1",
    b"DELETE FROM bank WHERE a = 'my_bank_marketing'",
    b"LOAD DATA LOCAL INFILE 'bank_marketing' INTO TABLE t",
    b"USE ml_data",
    b"SHOW TABLES FROM ml_data",
    b"SHOW CREATE TABLE bank",
    b"GRANT SELECT ON bank_marketing TO u",
    b"DESCRIBE bank_marketing",
    b"SELECT * FROM ml_data.other",
    b"DROP TABLE other",
    b"ALTER TABLE other RENAME TO another",
    b"BEGIN",
    b"COMMIT",
    b"@x",
    b"1",
    b"'SELECT bank_marketing'",
    b"`SELECT` bank_marketing",
]


@pytest.mark.parametrize("text", [*WANTED, *WANTED_CHANGES])
def test_wanted(text: bytes) -> None:
    assert Prefilter(TABLES, SCHEMAS).wants(text)


@pytest.mark.parametrize("text", NOT_WANTED)
def test_not_wanted(text: bytes) -> None:
    assert not Prefilter(TABLES, SCHEMAS).wants(text)


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 1",
        b"DROP TABLE x",
        b"SELECT * FROM t",
        b"SELECT engine FROM information_schema.tables",
    ],
)
def test_without_names_only_routines_are_wanted(text: bytes) -> None:
    assert not Prefilter().wants(text)
    assert Prefilter().wants(b"CALL sys.ML_TRAIN()")


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT " + b"bank_marketin " * 40_000,
        b"(" * 400_000 + b"SELECT 1",
        b"/*" + b"*" * 400_000,
        b"-" * 400_000,
        b"CALL" + b" " * 400_000 + b"p()",
        b"CALL" + b"/**/" * 100_000 + b"p()",
    ],
)
def test_a_long_statement_takes_no_long_time(text: bytes) -> None:
    assert not Prefilter(TABLES, SCHEMAS).wants(text)


@pytest.mark.parametrize("text", WANTED_LATER)
def test_several_statements_are_wanted_for_one_of_them(text: bytes) -> None:
    assert Prefilter(TABLES, SCHEMAS).wants(text, several=True)


@pytest.mark.parametrize("text", NOT_WANTED_LATER)
def test_several_statements_of_mysqls_are_not(text: bytes) -> None:
    assert not Prefilter(TABLES, SCHEMAS).wants(text, several=True)


@pytest.mark.parametrize("text", WANTED_NAMED)
def test_prepared_statements_are_wanted_while_one_of_ours_has_a_name(
    text: bytes,
) -> None:
    assert Prefilter(TABLES, SCHEMAS).wants(text, named=True)
    assert not Prefilter(TABLES, SCHEMAS).wants(text)


@pytest.mark.parametrize(("text", "wanted"), PREPARES.items())
def test_prepare_is_wanted_for_its_text(text: bytes, wanted: bool) -> None:
    assert Prefilter(TABLES, SCHEMAS).wants(text) is wanted
