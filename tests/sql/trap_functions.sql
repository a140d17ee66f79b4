-- Each statement stops the engine with the words above it: MySQL warns, fails or prints otherwise.
-- UINT64
SELECT ~i * 2 FROM n
-- Conversion Error
SELECT bu + 1 FROM n
-- a sign
SELECT i DIV u FROM n WHERE u > 0
-- a sign
SELECT i % u FROM n WHERE u > 0
-- division by zero
SELECT x % i FROM n
-- a negative number AS UNSIGNED
SELECT CAST(d AS UNSIGNED) FROM n
-- a string that is no integer
SELECT CAST(num AS SIGNED) FROM s
-- a string that is not plainly a number
SELECT a + 1 FROM s
-- a string that CAST cuts
SELECT CAST(a AS CHAR(3)) FROM s
-- a text not ASCII
SELECT UPPER(uni) FROM s
-- a DOUBLE in text
SELECT CONCAT('x', x) FROM n
-- INT64
SELECT CAST(x AS SIGNED) FROM n
-- a string that is too long
SELECT REPEAT(a, 1000000) FROM s
-- a date out of range
SELECT dt + INTERVAL 1 DAY FROM t
-- a date out of range
SELECT d - INTERVAL 1000 YEAR FROM t
-- a time beyond 838:59:59
SELECT ADDTIME(tm, '00:00:01') FROM t
-- SEC_TO_TIME out of range
SELECT SEC_TO_TIME(id * 1000000) FROM t
-- FROM_DAYS out of range
SELECT FROM_DAYS(id) FROM t
-- MAKEDATE out of range
SELECT MAKEDATE(2024, 0 - id) FROM t
-- an odd period
SELECT PERIOD_ADD(id, 1) FROM t
-- a year that YEAR cannot hold
SELECT CAST(d AS YEAR) FROM t
-- a JSON type that the text does not tell
SELECT JSON_TYPE(j) FROM t
-- an element of no array
SELECT j->'$[0]' FROM t
-- a TIME_FORMAT that MySQL may cut
SELECT TIME_FORMAT(tm, '%T') FROM t
-- a computed 0 in JSON
SELECT JSON_OBJECT('k', x.k) FROM (SELECT d * -2 AS k FROM n) x
-- a computed 0 in JSON
SELECT id, JSON_ARRAY(d * -2) FROM n
