-- Each statement is translated, and its rows stop the engine with the words above it.
-- division by zero
SELECT id, i / ti FROM n ORDER BY id
-- division by zero
SELECT i DIV ti FROM n
-- division by zero
SELECT d % d6 FROM n WHERE id = 3
-- division by zero
SELECT x / (z - 1) FROM n
-- division by zero
SELECT SUM(qty) / (COUNT(*) - COUNT(*)) FROM c
-- a string that is not plainly a number
SELECT id FROM s WHERE a > 3
-- a string that is not plainly a number
SELECT a + 1 FROM s
-- Overflow in addition
SELECT b + b FROM n
-- Overflow in multiplication
SELECT b * b FROM n
-- Overflow in multiplication of DECIMAL(38)
SELECT w * w * 100000000000000000 * 100000000000000000 FROM n WHERE id = 9
-- BIGINT UNSIGNED value is out of range
SELECT u - 5 FROM n
-- BIGINT UNSIGNED value is out of range
SELECT YEAR(d) - 3000 FROM t
-- DOUBLE value is out of range
SELECT x * x * x * x FROM n
-- Conversion Error
SELECT CAST(bu AS SIGNED) FROM n
-- Conversion Error
SELECT CAST(i AS DECIMAL(4,1)) FROM n
-- MIN or MAX of no date in a group
SELECT id, MAX(paid) FROM c GROUP BY id
-- MIN or MAX of no date in a group
SELECT d.id, MAX(x.sold) FROM dept d LEFT JOIN c x ON x.id = d.id + 9 GROUP BY d.id
-- More than one row
SELECT id, (SELECT id FROM emp e WHERE e.dept_id = d.id) FROM dept d
-- Overflow in addition
SELECT id FROM far WHERE b + 1 > 0
-- Overflow in multiplication
SELECT id FROM far WHERE b * 2 > 0
-- Overflow in addition
SELECT COUNT(b + b) FROM far
-- Overflow in addition
SELECT id FROM far WHERE b + b IS NULL
-- Overflow in subtraction
SELECT id FROM far WHERE -b - 5 < 0
-- Overflow in addition
SELECT b + b FROM far WHERE n IS NULL
-- Overflow in multiplication
SELECT COUNT(ABS(b - 5) * 2 + b) FROM far
-- division by zero
SELECT q FROM (SELECT region, SUM(price) / (SUM(qty) - 43) AS q FROM c GROUP BY region) d WHERE q > 1
-- division by zero
SELECT id, CASE WHEN ti >= 0 THEN i / ti END FROM n
-- division by zero
SELECT id, CASE WHEN ti > 0 THEN SUM(i / ti) OVER () END FROM n
-- division by zero
SELECT region, COUNT(*) / (COUNT(paid) - 2) FROM c GROUP BY region
-- division by zero
SELECT SUM(id) / COUNT(*) FROM nothing
