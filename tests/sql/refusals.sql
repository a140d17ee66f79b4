-- Each statement is refused for the reason above it: MySQL must answer, or nobody does.
-- a versioned comment or hint
SELECT id /*!80000 , i */ FROM n
-- a versioned comment or hint
SELECT /*+ MAX_EXECUTION_TIME(1000) */ id FROM n
-- a comment that MySQL reads differently
SELECT i --1 FROM n
-- a comment that MySQL reads differently
SELECT i /* a /* b */ FROM n
-- a statement other than SELECT
TABLE n
-- a statement other than SELECT
DELETE FROM n
-- a statement sqlglot cannot parse
SELECT FROM WHERE
-- more than one statement, or none
SELECT id FROM n; SELECT id FROM n
-- a user variable
SELECT id FROM n WHERE i = @x
-- a system variable
SELECT @@sql_mode FROM n
-- INTO
SELECT id INTO OUTFILE '/tmp/x' FROM n
-- Select with locks
SELECT id FROM n FOR UPDATE
-- Select with locks
SELECT id FROM n FOR SHARE
-- Select with operation_modifiers
SELECT SQL_CALC_FOUND_ROWS id FROM n
-- a parameter marker
SELECT id FROM n WHERE i = ?
-- a character set introducer
SELECT id FROM s WHERE a = _utf8mb4'apple'
-- a national string
SELECT id FROM s WHERE a = N'apple'
-- a hexadecimal literal
SELECT id FROM n WHERE i = 0x10
-- a bit literal
SELECT id FROM n WHERE i = b'11'
-- a number in scientific or odd notation
SELECT id FROM n WHERE x = 1e3
-- a name that begins with a digit
SELECT 7e2+1e1 FROM n
-- a number in scientific or odd notation
SELECT 1.5e0+2.5e0 FROM n
-- the operator ||
SELECT i || d FROM n
-- the operator &&
SELECT i && d FROM n
-- the operator !
SELECT !i FROM n
-- a comparison of a comparison without parentheses
SELECT id FROM n WHERE 1 < i < 3
-- a comparison of a comparison without parentheses
SELECT id FROM n WHERE i = d < 5
-- a SELECT without FROM
SELECT 1
-- the table nowhere, which is not loaded
SELECT id FROM nowhere
-- the table n, which is not loaded
SELECT id FROM mysql.n
-- a name that is unknown or ambiguous here: nothing
SELECT nothing FROM n
-- a name that is unknown or ambiguous here: id
SELECT id FROM n, s
-- the ambiguous name qty
SELECT id, -qty AS qty FROM c ORDER BY qty + 1
-- the ambiguous name qty
SELECT MAX(id) AS qty FROM c GROUP BY qty
-- the ambiguous name qty
SELECT -qty AS qty FROM c HAVING qty > 3
-- Window has no rule
SELECT ROW_NUMBER() OVER (ORDER BY id) FROM n
-- SUM() in this place
SELECT id FROM n WHERE SUM(i) > 1
-- SUM() in this place
SELECT SUM(SUM(i)) FROM n
-- a column that is not grouped by
SELECT i, COUNT(*) FROM n
-- COUNT(DISTINCT) of several columns
SELECT COUNT(DISTINCT i, d) FROM n
-- GROUP_CONCAT() has no rule
SELECT GROUP_CONCAT(a ORDER BY id) FROM s
-- Group with rollup
SELECT region, SUM(qty) FROM c GROUP BY region WITH ROLLUP
-- Union has no rule
SELECT id FROM n UNION SELECT id FROM s
-- With with recursive
WITH RECURSIVE r AS (SELECT 1 AS k UNION ALL SELECT k + 1 FROM r WHERE k < 3) SELECT k FROM r
-- Join with method
SELECT * FROM dept NATURAL JOIN emp
-- * after USING
SELECT * FROM dept JOIN emp USING (id)
-- RIGHT JOIN together with a comma
SELECT COUNT(*) FROM n, dept RIGHT JOIN emp ON dept.id = emp.dept_id
-- Table with hints
SELECT id FROM n USE INDEX (PRIMARY)
-- In with query
SELECT id FROM n WHERE id IN (SELECT id FROM s)
-- Exists has no rule
SELECT id FROM n WHERE EXISTS (SELECT 1 FROM s)
-- Subquery has no rule
SELECT (SELECT MAX(id) FROM s) FROM n
-- Tuple has no rule
SELECT id FROM n WHERE (i, ti) = (7, 127)
-- SUM or AVG of DOUBLE: the order of additions
SELECT SUM(x) FROM n
-- SUM or AVG of FLOAT: the order of additions
SELECT AVG(f) FROM n
-- SUM or AVG of STRING: the order of additions
SELECT SUM(num) FROM s
-- a CASE whose branches differ in scale
SELECT IF(i > 5, d, 0) FROM n
-- a CASE whose branches differ in scale
SELECT CASE WHEN i > 5 THEN 1 ELSE 2.50 END FROM n
-- a choice among int and string
SELECT IF(i > 5, i, 'none') FROM n
-- a choice between signed and UNSIGNED
SELECT IFNULL(u, 0) FROM n
-- COALESCE of columns that differ in scale
SELECT COALESCE(d, d6) FROM n
-- arithmetic on BIGINT UNSIGNED
SELECT bu + 1 FROM n
-- arithmetic on DECIMAL UNSIGNED
SELECT du - 1 FROM n
-- unary minus on UNSIGNED
SELECT -u FROM n
-- DIV of signed and UNSIGNED
SELECT i DIV u FROM n
-- % of signed and UNSIGNED
SELECT i % u FROM n
-- % of approximate numbers
SELECT x % 2 FROM n
-- DIV of approximate numbers
SELECT x DIV 2 FROM n
-- BitwiseAnd has no rule
SELECT i & 1 FROM n
-- ROUND to negative places
SELECT ROUND(d, -1) FROM n
-- ROUND of a DECIMAL to more places than it has
SELECT ROUND(d, 5) FROM n
-- a function whose position or length is no integer literal
SELECT ROUND(d, i) FROM n
-- TRUNCATE() has no rule
SELECT TRUNCATE(d, 1) FROM n
-- a DECIMAL of more than 15 digits as DOUBLE
SELECT id FROM n WHERE w > x
-- an integer literal of more than 18 digits
SELECT id FROM n WHERE b = 9223372036854775807
-- a decimal literal of more than 38 digits
SELECT id FROM n WHERE d < 123456789012345678901234567890123456789.5
-- a DECIMAL of more than 30 fraction digits
SELECT w * w * w * w FROM n
-- a number compared with a string literal
SELECT id FROM n WHERE d = '2.5'
-- a number compared with a string literal
SELECT id FROM n WHERE i = '7abc'
-- string in numeric context
SELECT i + '1' FROM n
-- comparing strings that are not all printable ASCII
SELECT id FROM s WHERE uni = 'e'
-- comparing strings that are not all printable ASCII
SELECT id FROM s WHERE a = 'äpple'
-- a mix of collations
SELECT id FROM s WHERE a = bin
-- comparing strings of collation utf8mb4_0900_as_cs
SELECT id FROM odd WHERE cs = 'a'
-- grouping strings that differ only in letter case or blanks
SELECT a, COUNT(*) FROM s GROUP BY a
-- grouping strings that differ only in letter case or blanks
SELECT DISTINCT bin FROM s
-- grouping strings that differ only in letter case or blanks
SELECT MIN(a) FROM s
-- grouping by DOUBLE
SELECT x, COUNT(*) FROM n GROUP BY x
-- GROUP BY a constant
SELECT 'x' AS k, COUNT(*) FROM n GROUP BY k
-- ORDER BY of what DISTINCT does not show
SELECT DISTINCT region FROM c ORDER BY UPPER(region)
-- DISTINCT of AVG
SELECT DISTINCT AVG(price) FROM c
-- a LIKE pattern that ends with its escape character
SELECT id FROM s WHERE a LIKE 'a|' ESCAPE '|'
-- LIKE on anything but a string and a literal pattern
SELECT id FROM t WHERE d LIKE '2024%'
-- ESCAPE with a letter, digit or no single character
SELECT id FROM s WHERE a LIKE 'axb' ESCAPE 'x'
-- RegexpLike has no rule
SELECT id FROM s WHERE a REGEXP '^a'
-- Collate has no rule
SELECT id FROM s WHERE a COLLATE utf8mb4_bin = 'apple'
-- CAST of string
SELECT BINARY a FROM s
-- Trim with expression
SELECT TRIM('a' FROM a) FROM s
-- a string function on anything but printable ASCII
SELECT UPPER(uni) FROM s
-- a string function on anything but printable ASCII
SELECT LENGTH(i) FROM n
-- double as a string
SELECT CONCAT('x', x) FROM n
-- CAST of double
SELECT CAST(x AS SIGNED) FROM n
-- CAST of string
SELECT CAST(num AS SIGNED) FROM s
-- CAST to UBIGINT
SELECT CAST(i AS UNSIGNED) FROM n
-- a date literal in another form than 'YYYY-MM-DD[ hh:mm:ss]'
SELECT id FROM t WHERE d = '24-2-29'
-- a date literal in another form than 'YYYY-MM-DD[ hh:mm:ss]'
SELECT id FROM t WHERE d = '2023-02-29'
-- a DATE in a list of times
SELECT id FROM t WHERE d IN ('2024-02-29 00:00:00')
-- comparison of a date and int
SELECT id FROM t WHERE d > 20200101
-- date in numeric context
SELECT d + 0 FROM t
-- date in numeric context
SELECT d + INTERVAL 1 DAY FROM t
-- comparison of time and string
SELECT id FROM t WHERE tm > '10:00:00'
-- comparing YEAR with anything but a year of four digits
SELECT id FROM t WHERE y = 24
-- sorting by JSON
SELECT id FROM t ORDER BY j
-- sorting by SET
SELECT id FROM t ORDER BY st
-- MIN of ENUM
SELECT MIN(chan) FROM c
-- ENUM in anything but a comparison for equality
SELECT id FROM c WHERE chan > 'shop'
-- NOW() has no rule
SELECT NOW() FROM n
-- CurrentDate has no rule
SELECT CURRENT_DATE FROM n
-- HAVING_FN() has no rule
SELECT having_fn(i) FROM n
-- JSONExtract has no rule
SELECT j->'$.a' FROM t
-- LIMIT with anything but an integer literal
SELECT id FROM n LIMIT i
-- ORDER BY a number that is no column's place
SELECT id FROM n ORDER BY 7
-- IF() with 2 arguments
SELECT IF(i, 1) FROM n
