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
-- a national string
SELECT id FROM s WHERE a = N'apple'
-- a hexadecimal literal
SELECT id FROM n WHERE i = 0x10
-- a bit literal
SELECT id FROM n WHERE i = b'11'
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
-- a SELECT without a table
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
-- SUM() in this place
SELECT id FROM n WHERE SUM(i) > 1
-- SUM() in this place
SELECT SUM(SUM(i)) FROM n
-- a recursive CTE that is no UNION ALL
WITH RECURSIVE r AS (SELECT 1 AS k UNION SELECT k + 1 FROM r WHERE k < 3) SELECT k, id FROM r JOIN n ON k = id
-- a recursive CTE of several steps
WITH RECURSIVE r AS (SELECT 1 AS k UNION ALL SELECT k + 1 FROM r WHERE k < 3 UNION ALL SELECT k + 2 FROM r WHERE k < 2) SELECT k, id FROM r JOIN n ON k = id
-- a recursive CTE of texts of unknown length
WITH RECURSIVE r AS (SELECT id, UPPER(a) AS k FROM s WHERE id = 1 UNION ALL SELECT id + 1, k FROM r WHERE id < 3) SELECT k FROM r
-- a recursive CTE whose step has more fraction digits
WITH RECURSIVE r AS (SELECT d AS k FROM n WHERE id = 1 UNION ALL SELECT k * 0.5 FROM r WHERE k > 3) SELECT k FROM r
-- a recursive CTE of ENUM
WITH RECURSIVE r AS (SELECT chan, 1 AS k FROM c WHERE id = 1 UNION ALL SELECT chan, k + 1 FROM r WHERE k < 3) SELECT k FROM r
-- MIN of DATE in groups that are not all shown
SELECT v FROM (SELECT region, MIN(paid) AS v FROM c GROUP BY region) x
-- MAX of DATE in groups that are not all shown
SELECT region, MAX(paid) FROM c GROUP BY region HAVING COUNT(*) > 2
-- EXCEPT of rows that MySQL may warn of
SELECT i FROM n WHERE i / z > 1 EXCEPT SELECT id FROM nothing
-- a number that may be NULL compared with strings
SELECT id FROM s JOIN n USING (id) WHERE num > i
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
-- COALESCE of columns that differ in scale
SELECT COALESCE(d, d6) FROM n
-- DIV of approximate numbers
SELECT x DIV 2 FROM n
-- a function whose position or length is no integer literal
SELECT ROUND(d, i) FROM n
-- a decimal literal of more than 38 digits
SELECT id FROM n WHERE d < 123456789012345678901234567890123456789.5
-- a DECIMAL of more than 30 fraction digits
SELECT w * w * w * w FROM n
-- a number compared with a string literal
SELECT id FROM n WHERE d = '2.5e0'
-- a number compared with a string literal
SELECT id FROM n WHERE i = '7abc'
-- comparing strings that are not all printable ASCII
SELECT id FROM s WHERE uni = 'e'
-- comparing strings that are not all printable ASCII
SELECT id FROM s WHERE uni = 'äpple'
-- sorting strings of collation utf8mb4_0900_as_cs
SELECT id FROM s ORDER BY a COLLATE utf8mb4_0900_as_cs, id
-- IN among values of several kinds
SELECT id FROM s WHERE a IN (1, 'a')
-- a number compared with a string literal
SELECT id FROM n WHERE i IN ('x', 8)
-- BETWEEN among values of several kinds
SELECT id FROM s WHERE a BETWEEN 1 AND 'x'
-- rows of different lengths
SELECT id FROM n WHERE (i, ti) = (7, 127, 1)
-- a row compared with anything but a row
SELECT id FROM n WHERE (i, ti) = 7
-- COLLATE of a literal in another character set
SELECT id FROM s WHERE a = 'a' COLLATE latin1_bin
-- comparison of time and string
SELECT id FROM t WHERE tm = '10:00'
-- comparison of time and string
SELECT id FROM t WHERE tm = '839:00:00'
-- a date literal in another form than 'YYYY-MM-DD[ hh:mm:ss]'
SELECT id FROM t WHERE d = '2024/01/31'
-- a date literal in another form than 'YYYY-MM-DD[ hh:mm:ss]'
SELECT id FROM t WHERE d = '2024-01-31 '
-- comparing YEAR with anything but a year of four digits
SELECT id FROM t WHERE y = 1
-- grouping by DOUBLE
SELECT x, COUNT(*) FROM n GROUP BY x
-- a LIKE pattern that ends with its escape character
SELECT id FROM s WHERE a LIKE 'a|' ESCAPE '|'
-- LIKE on anything but a string and a literal pattern
SELECT id FROM s WHERE a LIKE bin
-- LIKE on JSON
SELECT id FROM t WHERE j LIKE '2024%'
-- ESCAPE with a letter, digit or no single character
SELECT id FROM s WHERE a LIKE 'axb' ESCAPE 'x'
-- a date literal in another form than 'YYYY-MM-DD[ hh:mm:ss]'
SELECT id FROM t WHERE d = '24-2-29'
-- a date literal in another form than 'YYYY-MM-DD[ hh:mm:ss]'
SELECT id FROM t WHERE d = '2023-02-29'
-- a DATE in a list of times
SELECT id FROM t WHERE d IN ('2024-02-29 00:00:00')
-- comparison of a date and int
SELECT id FROM t WHERE d > 20200101
-- comparing YEAR with anything but a year of four digits
SELECT id FROM t WHERE y = 24
-- sorting by BIT
SELECT id FROM t ORDER BY bt
-- grouping by SET
SELECT st FROM t GROUP BY st
-- HAVING_FN() has no rule
SELECT having_fn(i) FROM n
-- LIMIT with anything but an integer literal
SELECT id FROM n LIMIT i
-- ORDER BY a number that is no column's place
SELECT id FROM n ORDER BY 7
-- IF() with 2 arguments
SELECT IF(i, 1) FROM n
-- POW() of libm
SELECT POW(x, 2) FROM n
-- LN() of libm
SELECT LN(d) FROM n
-- ROUND of a DOUBLE to more than 15 places
SELECT ROUND(x, 20) FROM n
-- FORMAT of a DOUBLE or of AVG
SELECT FORMAT(x, 2) FROM n
-- HEX of DECIMAL
SELECT HEX(d) FROM n
-- a function whose position or length is no integer literal
SELECT i << ti FROM n
-- bits of DOUBLE
SELECT x & 1 FROM n
-- SHA2 of another length than 256
SELECT SHA2(a, 512) FROM s
-- a character set introducer
SELECT LENGTH(_latin1'x') FROM s
-- TRIM of anything but one character
SELECT TRIM('ab' FROM a) FROM s
-- a function whose position or length is no integer literal
SELECT LPAD(a, id, '*') FROM s
-- SUBSTRING_INDEX with a delimiter that may overlap itself
SELECT SUBSTRING_INDEX(a, 'aa', -1) FROM s
-- REGEXP with anything but words between ^ and $
SELECT a REGEXP 'a.b' FROM s
-- comparing strings that are not all printable ASCII
SELECT uni = 'a' FROM s
-- REGEXP_REPLACE() has no rule
SELECT REGEXP_REPLACE(a, 'a', 'b') FROM s
-- SOUNDEX() has no rule
SELECT SOUNDEX(a) FROM s
-- a function whose position or length is no integer literal
SELECT LOCATE('a', a, id) FROM s
-- a mix of collations
SELECT CONCAT(a, gen) FROM s
-- STR_TO_DATE() has no rule
SELECT STR_TO_DATE(a, '%Y') FROM s
-- a date function on string
SELECT YEAR(a) FROM s
-- INTERVAL added to time
SELECT tm + INTERVAL 1 HOUR FROM t
-- INTERVAL of anything but an integer
SELECT d + INTERVAL 1.5 DAY FROM t
-- INTERVAL of anything but an integer
SELECT d + INTERVAL '1.5' DAY FROM t
-- INTERVAL in DAY_HOUR with other than 2 parts
SELECT d + INTERVAL '1' DAY_HOUR FROM t
-- INTERVAL of anything but an integer
SELECT dt + INTERVAL '1.5' SECOND_MICROSECOND FROM t
-- a time zone that is no fixed offset
SELECT CONVERT_TZ(dt, 'UTC', 'Europe/Berlin') FROM t
-- EXTRACT(WEEK)
SELECT EXTRACT(WEEK FROM d) FROM t
-- a date function on time
SELECT DATE_FORMAT(tm, '%H') FROM t
-- TIMEDIFF of datetime and date
SELECT TIMEDIFF(dt, d) FROM t
-- RAND() has no rule
SELECT RAND() FROM n
-- Uuid has no rule
SELECT UUID() FROM n
-- SYSDATE() has no rule
SELECT SYSDATE() FROM n
-- a system variable
SELECT id + @@hostname FROM n
-- a choice among times that differ in fraction digits
SELECT IF(id > 1, dt, dt3) FROM t
-- a choice among json and string
SELECT IF(id > 1, j, 'x') FROM t
-- a choice among date and string
SELECT GREATEST(d, '2024-01-01') FROM t
-- GREATEST of STRING
SELECT GREATEST(a, 'b') FROM s
-- json as a string
SELECT CAST(j AS CHAR) FROM t
-- CAST to JSON
SELECT CAST(a AS JSON) FROM s
-- CAST of string AS DATETIME
SELECT CAST(a AS DATETIME) FROM s
-- a JSON path other than keys and places
SELECT j->'$.*' FROM t
-- a JSON path other than keys and places
SELECT JSON_EXTRACT(j, '$**.b') FROM t
-- JSON_CONTAINS of anything but a plain scalar
SELECT JSON_CONTAINS(j, '[1]') FROM t
-- a JSON value compared with what may be a date
SELECT j = '2024-01-31' FROM t
-- the collation of anything but a column or a literal
SELECT COLLATION(UPPER(a)) FROM s
-- JSON_ARRAYAGG() of several tables
SELECT JSON_ARRAYAGG(id) FROM n JOIN s USING (id)
-- JSON_OBJECT with anything but literal keys
SELECT JSON_OBJECT(a, 1) FROM s
-- JSON_SET() has no rule
SELECT JSON_SET(j, '$.a', 1) FROM t
-- a function's truth in JSON
SELECT JSON_ARRAY(REGEXP_LIKE(a, 'b')) FROM s
-- a constant for which MySQL says: 1 warnings
SELECT id + 1 / 0 FROM n
-- a constant for which MySQL says: 1 warnings
SELECT id + CAST('12abc' AS SIGNED) FROM n
-- a constant of MySQL's type 5
SELECT PI() + id FROM n
-- rows with NULL compared
SELECT id FROM c WHERE (region, product) NOT IN (SELECT region, product FROM c WHERE qty > 20)
-- rows with NULL compared
SELECT id, (dept_id, mgr) IN (SELECT id, id FROM dept) FROM emp
-- AVG in a subquery of IN, ANY or ALL
SELECT id FROM c WHERE qty IN (SELECT AVG(qty) FROM c)
-- AVG or CASE in a subquery that MySQL may store
SELECT id FROM c WHERE qty > ALL (SELECT AVG(qty) FROM c GROUP BY region)
-- AVG or CASE in a subquery that MySQL may store
SELECT (SELECT AVG(qty) FROM c GROUP BY region LIMIT 1) FROM dept
-- AVG or CASE in a derived table that MySQL may merge
SELECT k * 3 FROM (SELECT id, (SELECT AVG(qty) FROM c) AS k FROM dept) x
-- AVG or CASE in a derived table that MySQL may merge
SELECT k FROM (SELECT CASE WHEN id < 3 THEN 1 ELSE 2.50 END AS k FROM dept) x
-- AVG or CASE in a derived table that MySQL may merge
WITH x AS (SELECT CASE WHEN id < 3 THEN 1 ELSE 2.50 END AS k FROM dept) SELECT k FROM x
-- an aggregate of an outer query's columns
SELECT d.id, (SELECT MAX(d.id) FROM emp) FROM dept d
-- a subquery of several columns as a value
SELECT id, (SELECT id, name FROM dept) FROM emp
-- INTERSECT of a SELECT with LIMIT or ROLLUP
SELECT id FROM dept INTERSECT (SELECT id FROM emp ORDER BY id LIMIT 2)
-- EXCEPT of a SELECT with LIMIT or ROLLUP
SELECT id FROM dept EXCEPT SELECT qty FROM c GROUP BY qty WITH ROLLUP
-- EXCEPT of a set operation whose columns may be NULL
SELECT id FROM dept EXCEPT SELECT mgr FROM emp INTERSECT SELECT dept_id FROM emp
-- EXCEPT of a set operation whose columns may be NULL
SELECT id FROM emp EXCEPT ALL (SELECT id FROM dept UNION SELECT mgr FROM emp)
-- EXCEPT of a set operation whose columns may be NULL
SELECT id, name FROM emp EXCEPT (SELECT id, name FROM dept EXCEPT SELECT mgr, name FROM emp)
-- EXCEPT of a set operation whose columns may be NULL
SELECT id FROM dept EXCEPT (SELECT NULL FROM dept UNION ALL SELECT id FROM emp)
-- INTERSECT of a set operation whose columns may be NULL
SELECT id FROM dept INTERSECT (SELECT mgr FROM emp UNION ALL SELECT dept_id FROM emp)
-- INTERSECT of a set operation whose columns may be NULL
(SELECT mgr FROM emp EXCEPT SELECT id FROM dept) INTERSECT SELECT id FROM emp
-- INTERSECT of a set operation whose columns may be NULL
SELECT mgr FROM emp INTERSECT ALL SELECT dept_id FROM emp INTERSECT ALL SELECT id FROM dept
-- a choice among decimal and string
SELECT id FROM dept UNION SELECT qty + 0.5 FROM c UNION SELECT CONCAT(i, 'x') FROM n
-- a set operation on different numbers of columns
SELECT id, name FROM dept UNION SELECT id FROM emp
-- grouping by DOUBLE
SELECT x FROM n UNION SELECT i FROM n
-- a choice among json
SELECT j FROM t UNION SELECT j FROM t
-- a column that is not grouped by, under ROLLUP
SELECT id, name FROM emp GROUP BY id WITH ROLLUP
-- ROLLUP of one expression twice
SELECT qty, COUNT(*) FROM c GROUP BY qty, qty WITH ROLLUP
-- ROLLUP of a constant
SELECT 'x' AS k, COUNT(*) FROM c GROUP BY k WITH ROLLUP
-- ROLLUP or CUBE beside other expressions
SELECT qty, COUNT(*) FROM c GROUP BY CUBE(qty)
-- Select with qualify
SELECT id FROM c QUALIFY ROW_NUMBER() OVER (ORDER BY id) = 1
-- GROUP BY an aggregate or a subquery
SELECT COUNT(*) FROM c GROUP BY (SELECT MAX(id) FROM dept)
-- GROUPING() in this place
SELECT qty, GROUPING(qty) FROM c GROUP BY qty
-- GROUP_CONCAT() without ORDER BY
SELECT GROUP_CONCAT(qty) FROM c
-- GROUP_CONCAT(DISTINCT) in the order of something else
SELECT GROUP_CONCAT(DISTINCT region ORDER BY id) FROM c
-- GROUP_CONCAT() in the order of JSON
SELECT GROUP_CONCAT(id ORDER BY j) FROM t
-- sorting by JSON that is not a column of the only table
SELECT JSON_OBJECT('k', id) FROM c WHERE id > 99 ORDER BY 1 DESC LIMIT 5
SELECT id FROM c ORDER BY JSON_ARRAY(id)
SELECT c.id FROM t JOIN c ON c.id = t.id WHERE c.id > 99 ORDER BY t.j
SELECT id FROM t WHERE id IN (SELECT id FROM c WHERE id > 99) ORDER BY j
-- GROUP_CONCAT() ordered by a number or text
SELECT GROUP_CONCAT(region ORDER BY 1) FROM c
-- ANY_VALUE() of what is not grouped by
SELECT ANY_VALUE(qty) FROM c GROUP BY region
-- ORDER BY of what DISTINCT does not show
SELECT DISTINCT COUNT(*) FROM c GROUP BY region ORDER BY region
-- a window function in this place
SELECT id FROM c WHERE RANK() OVER (ORDER BY id) = 1
-- a window ordered by a constant
SELECT RANK() OVER (ORDER BY 'x') FROM c
-- a RANGE frame over anything but signed exact numbers
SELECT SUM(i) OVER (ORDER BY u RANGE 1 PRECEDING) FROM n
-- a RANGE frame over anything but signed exact numbers
SELECT SUM(i) OVER (ORDER BY x RANGE 1 PRECEDING) FROM n
-- a RANGE frame by anything but one expression
SELECT SUM(i) OVER (ORDER BY i, d RANGE 1 PRECEDING) FROM n
-- LAG() of ENUM
SELECT LAG(chan) OVER (ORDER BY id) FROM c
-- the unknown window w
SELECT RANK() OVER w FROM c
-- SUM or AVG of DOUBLE: the order of additions
SELECT SUM(x) OVER (ORDER BY id) FROM n
-- LATERAL in a join beside a comma
SELECT 1 FROM dept d, emp e LEFT JOIN LATERAL (SELECT d.id) x ON TRUE
-- LEFT JOIN without ON
SELECT 1 FROM dept LEFT JOIN emp
-- FULL JOIN
SELECT dept.id FROM dept FULL JOIN emp
-- a name that is unknown or ambiguous here: id
SELECT COUNT(*) FROM dept a JOIN emp b NATURAL JOIN c
-- a name that is unknown or ambiguous here: id
SELECT e.id FROM dept d, emp e JOIN c ON c.id = e.id AND id = 1
-- a derived table without a name
SELECT 1 FROM LATERAL (SELECT id FROM dept)
-- GREATEST of AVG
SELECT GREATEST(AVG(qty), 1) FROM c
-- % of AVG
SELECT AVG(qty) % 5 FROM c
-- ROUND or TRUNCATE of AVG to more places than it shows
SELECT ROUND(AVG(qty), 6) FROM c
-- MIN of ENUM in groups
SELECT region, MIN(chan) FROM c GROUP BY region
-- ROLLUP of ENUM
SELECT chan, COUNT(*) FROM c GROUP BY chan WITH ROLLUP
-- a condition that may warn beside another one
SELECT id FROM s WHERE num > 3 AND num + 1 < 20 ORDER BY id
SELECT id FROM s WHERE id = 1 OR num > 3 ORDER BY id
-- a column that may warn and that nobody reads
SELECT COUNT(*) FROM (SELECT region, GROUP_CONCAT(product ORDER BY id) AS g FROM c GROUP BY region) AS d
-- a column that may warn and that nobody reads
SELECT region FROM (SELECT region, GROUP_CONCAT(product ORDER BY id) AS g FROM c GROUP BY region) AS d ORDER BY region
-- a column that may warn and that nobody reads
SELECT COUNT(*) FROM (SELECT i / ti AS q FROM n ORDER BY id LIMIT 3) AS d
-- a column that may warn and that nobody reads
SELECT COUNT(*) FROM (SELECT id, i / ti AS q FROM n UNION ALL SELECT id, 1 FROM n) AS d
-- a column that may warn and that nobody reads
WITH w AS (SELECT z, SUM(i / ti) AS q FROM n GROUP BY z) SELECT z FROM w ORDER BY z
-- a column that may warn and that nobody reads
SELECT z FROM (SELECT z, q + 1 AS r FROM (SELECT z, SUM(i / ti) AS q FROM n GROUP BY z) AS a) AS b ORDER BY z
-- a join by what may warn
SELECT a.id FROM n a JOIN nothing e ON a.i / a.ti = e.v
-- a condition that may warn, on rows that were picked
SELECT q.v FROM (SELECT UPPER(a) AS v, COUNT(*) AS w FROM s WHERE id > 3 GROUP BY UPPER(a)) q WHERE q.v = 1
-- a condition that may warn, on rows that were picked
WITH q AS (SELECT a AS v FROM s WHERE id IN (SELECT id FROM n)) SELECT COUNT(*) FROM (SELECT v FROM q) r WHERE r.v = 1
-- a function of NULL beside an outer join
SELECT d.id FROM dept d LEFT JOIN emp e ON e.dept_id = d.id WHERE FIELD(e.name, 'Ada') = 0
-- a function of NULL beside an outer join
SELECT d.id FROM dept d LEFT JOIN emp e ON e.dept_id = d.id WHERE INTERVAL(e.salary, 1, 5) < 2
-- a function of NULL beside an outer join
SELECT d.id FROM emp e RIGHT JOIN dept d ON e.dept_id = d.id WHERE QUOTE(e.name) = 'NULL'
-- a function of NULL beside an outer join
SELECT d.id FROM dept d LEFT JOIN emp e ON e.dept_id = d.id WHERE ELT(1, 'x', e.name) = 'x'
-- a function of NULL beside an outer join
SELECT d.id FROM dept d LEFT JOIN emp e ON e.dept_id = d.id WHERE (d.id, e.id) NOT IN ((2, 1))
-- a function of NULL beside an outer join
SELECT q.id FROM (SELECT d.id, FIELD(e.name, 'Ada') AS v FROM dept d LEFT JOIN emp e ON e.dept_id = d.id) q WHERE q.v = 0
-- a function of NULL beside an outer join
SELECT d.id FROM dept d LEFT JOIN emp e ON e.dept_id = d.id WHERE EXISTS (SELECT 1 FROM n WHERE n.id = FIELD(e.name, 'Ada') + d.id)
-- sorting by what may warn, of several tables
SELECT a.i / a.ti FROM n a JOIN nothing e ON a.id = e.id ORDER BY 1
-- sorting by what may warn, of several tables
SELECT a.id FROM emp a JOIN dept b ON a.id = b.id ORDER BY TIMESTAMPADD(QUARTER, 9, a.hired), 1
-- grouping by what may warn, of several tables
SELECT COUNT(*) FROM n a JOIN nothing e ON a.id = e.id GROUP BY a.i / a.ti
-- sorting by what may warn, of several tables
SELECT id FROM n WHERE id IN (SELECT id FROM nothing) ORDER BY i / ti
-- sorting by what may warn, of several tables
SELECT q FROM (SELECT a.i / a.ti AS q FROM n a JOIN nothing e ON a.id = e.id) d ORDER BY q
-- sorting by what may warn, of several tables
SELECT q FROM (SELECT q FROM (SELECT id, i / ti AS q FROM n) c JOIN nothing e USING (id)) d ORDER BY q
-- sorting by what may warn, of several tables
WITH d AS (SELECT a.i / a.ti AS q FROM n a JOIN nothing e ON a.id = e.id) SELECT q FROM d ORDER BY q
-- sorting by what may warn, of several tables
WITH d AS (SELECT id, i / ti AS q FROM n WHERE id < 3) SELECT d.id FROM d JOIN nothing e ON d.id = e.id ORDER BY d.q
-- sorting by what may warn, of several tables
(SELECT a.i / a.ti AS q FROM n a JOIN nothing e ON a.id = e.id) ORDER BY q
-- grouping by what may warn, of several tables
SELECT q, COUNT(DISTINCT id) FROM (SELECT a.id, a.i / a.ti AS q FROM n a JOIN nothing e ON a.id = e.id) d GROUP BY q
-- grouping by what may warn, of several tables
SELECT COUNT(*) FROM (SELECT a.i, a.ti FROM n a JOIN nothing e ON a.id = e.id) d GROUP BY i / ti WITH ROLLUP
-- grouping by what may warn, of several tables
SELECT i / ti, COUNT(DISTINCT id) FROM n WHERE id IN (SELECT id FROM nothing) GROUP BY 1
-- a condition that may warn, on rows that were picked
SELECT id FROM (SELECT id, i / ti AS q FROM n WHERE ti > 0) d WHERE q > 0
-- a condition that may warn beside another one
SELECT id FROM (SELECT id, ti, i / ti AS q FROM n) d WHERE q > 0 AND ti > 0
-- a condition that may warn, of several tables
SELECT d.id FROM (SELECT id, i / ti AS q FROM n WHERE ti > 0) d JOIN nothing e ON d.id = e.id WHERE d.q > 0
-- a join by what may warn
SELECT d.id FROM (SELECT id, i / ti AS q FROM n WHERE ti > 0) d JOIN nothing e ON d.id = e.id AND d.q > 0
-- a subquery that may warn, as a condition
WITH d AS (SELECT id, i / ti AS q FROM n) SELECT id FROM n WHERE EXISTS (SELECT 1 FROM d WHERE q > 1)
-- a condition that may warn, of several tables
SELECT a.id FROM n a JOIN nothing e ON a.id = e.id WHERE a.i / a.ti > 1
-- a condition that may warn, of several tables
SELECT id FROM n WHERE EXISTS (SELECT 1 FROM nothing e WHERE e.v = n.i / n.ti)
-- a subquery that may warn, as a condition
SELECT id FROM n WHERE i / ti IN (SELECT v FROM nothing)
-- a subquery that may warn, as a condition
SELECT id FROM n WHERE id = ANY (SELECT i / ti FROM n)
-- a subquery that may warn, as a condition
SELECT id FROM n WHERE EXISTS (SELECT 1 FROM n WHERE i / ti > 1)
-- rows of a query that may warn, of which not all are read
SELECT q FROM (SELECT id, i / ti AS q FROM n LIMIT 10) d WHERE id = 2
-- rows of a query that may warn, of which not all are read
SELECT q FROM (SELECT DISTINCT id, i / ti AS q FROM n) d WHERE q > 1 AND id = 2
-- rows of a query that may warn, of which not all are read
SELECT q FROM (SELECT DISTINCT id, i / ti AS q FROM n) d JOIN c USING (id)
-- rows of a query that may warn, of which not all are read
SELECT q FROM (SELECT DISTINCT id, i / ti AS q FROM n) d LIMIT 1
-- rows of a query that may warn, of which not all are read
WITH w AS (SELECT DISTINCT id, i / ti AS q FROM n) SELECT q FROM w WHERE id = 2
-- rows of a query that may warn, of which not all are read
SELECT id FROM (SELECT id FROM n WHERE i / ti > 1) d WHERE id = 2
-- a condition that may warn beside another one
SELECT id FROM far WHERE b + 1 > 0 OR id = 1
-- a column that may warn and that nobody reads
SELECT COUNT(*) FROM (SELECT b, b + 1 AS v FROM far GROUP BY b) d
-- an operand that may warn and that nobody reads
SELECT id, i / ti < NULL FROM n
-- an operand that may warn and that nobody reads
SELECT id, b + 1 IN (NULL) FROM far
-- NULL beside an operand that may warn
SELECT id, i / ti IN (1, NULL) FROM n
-- NULL beside an operand that may warn
SELECT id FROM n WHERE (i / ti > 1 XOR NOT z = NULL)
-- GROUP_CONCAT() in groups that are not all shown
SELECT region, GROUP_CONCAT(id ORDER BY id) FROM c GROUP BY region HAVING COUNT(*) > 2
-- what may warn, in rows that are not all shown
SELECT DISTINCT SUM(i) / COUNT(z) FROM n GROUP BY ti HAVING COUNT(*) > 2
-- what may warn, in rows that are not all shown
SELECT ti, z, SUM(i) / COUNT(z) FROM n GROUP BY ti, z WITH ROLLUP HAVING COUNT(*) > 2 ORDER BY 3
-- a condition that may warn, with LIMIT
SELECT id FROM n WHERE i / ti > 1 ORDER BY id LIMIT 2
-- LIMIT of rows that MySQL may warn of
SELECT id FROM n UNION ALL SELECT id FROM n WHERE i / ti > 1 ORDER BY 1 LIMIT 2
