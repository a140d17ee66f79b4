-- Statements whose clauses, not functions, are the point: each exactly as MySQL answers it.
-- # scalar subqueries
SELECT name, salary - (SELECT AVG(salary) FROM emp) AS diff FROM emp ORDER BY id
SELECT id, (SELECT MAX(salary) FROM emp) FROM dept ORDER BY id
SELECT id, (SELECT COUNT(*) FROM emp e WHERE e.dept_id = d.id) AS k FROM dept d ORDER BY id
SELECT id, (SELECT SUM(salary) FROM emp e WHERE e.dept_id = d.id) + 1 AS k FROM dept d ORDER BY k, id
SELECT id, (SELECT name FROM dept d WHERE d.id = e.dept_id) FROM emp e ORDER BY id
SELECT id, (SELECT e2.name FROM emp e2 WHERE e2.dept_id = d.id ORDER BY e2.salary DESC, e2.id LIMIT 1) FROM dept d ORDER BY id
SELECT id FROM emp WHERE salary > (SELECT AVG(salary) FROM emp) ORDER BY id
SELECT id FROM emp e WHERE salary > (SELECT 1.1 * AVG(salary) FROM emp x WHERE x.dept_id = e.dept_id) ORDER BY id
SELECT id FROM emp e WHERE salary = (SELECT MAX(salary) FROM emp x WHERE x.dept_id <=> e.dept_id) ORDER BY id
SELECT 3 * (SELECT AVG(qty) FROM c WHERE id IN (1, 2, 9)), (SELECT AVG(qty) FROM c WHERE id < 4) * 3 = (SELECT SUM(qty) FROM c WHERE id < 4) FROM dept WHERE id = 1
SELECT dept_id, COUNT(*) FROM emp GROUP BY dept_id HAVING COUNT(*) >= (SELECT AVG(k) FROM (SELECT COUNT(*) AS k FROM emp GROUP BY dept_id) q) ORDER BY dept_id
SELECT dept_id, COUNT(*), (SELECT d.name FROM dept d WHERE d.id = e.dept_id) FROM emp e GROUP BY dept_id ORDER BY dept_id
SELECT dept_id FROM emp e GROUP BY dept_id HAVING SUM(salary) > (SELECT SUM(x.salary) FROM emp x WHERE x.dept_id = e.dept_id) - 1 ORDER BY dept_id
SELECT id FROM dept d ORDER BY (SELECT COUNT(*) FROM emp e WHERE e.dept_id = d.id) DESC, id
SELECT id, (SELECT (SELECT COUNT(*) FROM c WHERE c.id < e.id) FROM emp e WHERE e.id = d.id) FROM dept d ORDER BY id
SELECT id, (SELECT MAX(k) FROM (SELECT COUNT(*) AS k FROM emp e WHERE e.dept_id = d.id) q) FROM dept d ORDER BY id
SELECT id, CASE WHEN (SELECT COUNT(*) FROM emp e WHERE e.dept_id = d.id) > 1 THEN 'many' ELSE 'few' END FROM dept d ORDER BY id
SELECT SUM((SELECT COUNT(*) FROM emp e WHERE e.dept_id = d.id)) FROM dept d
SELECT id, (SELECT NULL) FROM dept ORDER BY id
SELECT id, (SELECT v FROM nothing) FROM dept ORDER BY id
SELECT COUNT(*) FROM emp a JOIN emp b ON a.id < b.id AND a.salary = (SELECT MAX(salary) FROM emp)
SELECT id, (SELECT COUNT(*) FROM emp e WHERE e.dept_id = d.id AND e.salary > (SELECT AVG(x.salary) FROM emp x WHERE x.dept_id = d.id)) FROM dept d ORDER BY id
-- # functions of NULL beside an outer join, shown only
SELECT d.id, FIELD(e.name, 'Ada'), QUOTE(e.name), ELT(1, 'x', e.name), INTERVAL(e.salary, 1, 5) FROM dept d LEFT JOIN emp e ON e.dept_id = d.id AND e.id > 4 ORDER BY d.id, e.id
SELECT FIELD(e.name, 'Gus'), COUNT(*) FROM dept d LEFT JOIN emp e ON e.dept_id = d.id GROUP BY FIELD(e.name, 'Gus') HAVING COUNT(*) > 0 ORDER BY 1
-- # sums at the end of BIGINT, over a window
SELECT id, SUM(b) OVER (ORDER BY id RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING), AVG(b) OVER (ORDER BY id DESC) FROM far ORDER BY id
SELECT id, SUM(b) OVER (PARTITION BY n) FROM far WHERE id < 3 ORDER BY id
-- # a condition that may warn, on all rows of an inner query
SELECT q.v, q.w FROM (SELECT id AS v, COUNT(*) AS w FROM n GROUP BY id) q WHERE 10 / q.v > 1 ORDER BY 1
-- # IN, EXISTS
SELECT id FROM dept WHERE id IN (SELECT dept_id FROM emp) ORDER BY id
SELECT id FROM dept WHERE id NOT IN (SELECT dept_id FROM emp) ORDER BY id
SELECT id FROM dept WHERE id NOT IN (SELECT dept_id FROM emp WHERE dept_id IS NOT NULL) ORDER BY id
SELECT id, dept_id IN (SELECT id FROM dept WHERE id > 1), dept_id NOT IN (SELECT dept_id FROM emp WHERE id > 5), NULL IN (SELECT id FROM nothing), NULL NOT IN (SELECT id FROM dept) FROM emp ORDER BY id
SELECT id FROM emp e WHERE salary IN (SELECT salary FROM emp x WHERE x.id <> e.id) ORDER BY id
SELECT id, salary IN (SELECT salary FROM emp x WHERE x.id <> e.id), salary NOT IN (SELECT salary FROM emp x WHERE x.id < e.id) FROM emp e ORDER BY id
SELECT id FROM c WHERE region IN (SELECT region FROM c WHERE qty > 20) ORDER BY id
SELECT id FROM c WHERE (region, product) IN (SELECT region, product FROM c WHERE qty > 20) ORDER BY id
SELECT id FROM c WHERE (region, qty) NOT IN (SELECT region, qty FROM c WHERE qty > 20) ORDER BY id
SELECT id FROM c WHERE qty > 2 AND ((region, product) IN (SELECT region, product FROM c WHERE qty > 20) AND id < 9) ORDER BY id
SELECT id FROM dept d WHERE EXISTS (SELECT * FROM emp e WHERE e.dept_id = d.id) ORDER BY id
SELECT id FROM dept d WHERE NOT EXISTS (SELECT 1 FROM emp e WHERE e.dept_id = d.id) ORDER BY id
SELECT id, EXISTS (SELECT id FROM emp e WHERE e.dept_id = d.id AND e.salary > 7000), NOT EXISTS (SELECT 1 FROM nothing) FROM dept d ORDER BY id
SELECT id FROM dept d WHERE EXISTS (SELECT dept_id FROM emp e WHERE e.dept_id = d.id GROUP BY dept_id HAVING COUNT(*) > 2) ORDER BY id
SELECT id FROM dept d WHERE EXISTS (SELECT MAX(id) FROM emp e WHERE e.dept_id = d.id) ORDER BY id
SELECT id FROM dept d WHERE EXISTS (SELECT MAX(id) FROM emp e WHERE e.dept_id = d.id HAVING MAX(id) > 4) ORDER BY id
SELECT id FROM dept d WHERE EXISTS (SELECT 1 FROM emp e WHERE e.dept_id = d.id LIMIT 1) OR EXISTS (SELECT id FROM c WHERE c.qty = d.id UNION SELECT id FROM nothing) ORDER BY id
SELECT id FROM dept d WHERE EXISTS (SELECT 1 FROM emp e WHERE e.dept_id = d.id AND EXISTS (SELECT 1 FROM emp m WHERE m.id = e.mgr AND m.dept_id <> d.id)) ORDER BY id
SELECT COUNT(*) FROM emp e LEFT JOIN dept d ON d.id = e.dept_id AND d.id IN (SELECT dept_id FROM emp WHERE salary > 6000)
SELECT id FROM emp WHERE dept_id IN (SELECT id FROM dept UNION ALL SELECT 2) ORDER BY id
-- # ANY, ALL
SELECT id FROM emp WHERE salary >= ALL (SELECT salary FROM emp WHERE salary IS NOT NULL) OR salary < ANY (SELECT salary FROM emp WHERE dept_id = 1) ORDER BY id
SELECT id, salary > ALL (SELECT salary FROM emp WHERE dept_id = 1), salary < ALL (SELECT salary FROM emp WHERE dept_id = 9), salary <= ANY (SELECT salary FROM emp WHERE dept_id = 3), salary > SOME (SELECT v FROM nothing) FROM emp ORDER BY id
SELECT id, dept_id = ANY (SELECT id FROM dept WHERE id < 3), dept_id <> ALL (SELECT dept_id FROM emp WHERE id < 4), dept_id <> ANY (SELECT 2 FROM dept), dept_id = ALL (SELECT 2 FROM dept) FROM emp ORDER BY id
SELECT id FROM emp e WHERE salary >= ALL (SELECT salary FROM emp x WHERE x.dept_id = e.dept_id AND salary IS NOT NULL) ORDER BY id
-- # rows compared
SELECT id FROM c WHERE (region, product) = ('north', 'PEN') ORDER BY id
SELECT id, (qty, price) = (10, 1.20), (qty, price) <> (10, 1.20), (qty, id) > (9, 5), (qty, id) <= (9, 7) FROM c ORDER BY id
SELECT id FROM c WHERE (region, qty) IN (('north', 10), ('EAST', 1)) ORDER BY id
SELECT id, (dept_id, mgr) = (1, 1), (dept_id, mgr) IN ((1, 1), (2, NULL)) FROM emp ORDER BY id
-- # set operations
SELECT id FROM dept UNION ALL SELECT dept_id FROM emp ORDER BY id
SELECT id FROM dept UNION SELECT dept_id FROM emp ORDER BY 1 DESC
SELECT id FROM dept EXCEPT SELECT dept_id FROM emp ORDER BY id
SELECT dept_id FROM emp INTERSECT SELECT id FROM dept ORDER BY dept_id
SELECT dept_id FROM emp INTERSECT ALL SELECT dept_id FROM emp WHERE id > 3 ORDER BY dept_id
SELECT dept_id FROM emp EXCEPT ALL SELECT dept_id FROM emp WHERE id > 3 ORDER BY dept_id
SELECT product FROM c EXCEPT ALL SELECT product FROM c WHERE region = 'North' ORDER BY product
SELECT product FROM c INTERSECT ALL SELECT product FROM c WHERE region = 'North' ORDER BY product
SELECT region FROM c UNION SELECT product FROM c ORDER BY region
SELECT region, qty FROM c WHERE qty > 9 UNION SELECT region, qty FROM c WHERE qty < 12 ORDER BY qty, region
SELECT region FROM c EXCEPT SELECT region FROM c WHERE product = 'ink' ORDER BY region
SELECT region FROM c INTERSECT SELECT region FROM c WHERE product = 'ink' ORDER BY region
SELECT id AS x, name FROM dept UNION SELECT id, name FROM emp WHERE id < 3 ORDER BY x, name
(SELECT id FROM c ORDER BY qty DESC LIMIT 2) UNION ALL (SELECT id FROM emp ORDER BY id LIMIT 1) ORDER BY id
SELECT i FROM n WHERE id < 4 UNION ALL SELECT d FROM n WHERE id < 4 UNION ALL SELECT NULL FROM dept ORDER BY i
SELECT d FROM n UNION SELECT d6 FROM n ORDER BY d
SELECT i FROM n UNION SELECT u FROM n ORDER BY i
SELECT AVG(qty) FROM c GROUP BY region UNION ALL SELECT 5 FROM dept UNION ALL SELECT AVG(qty) * 3 FROM c ORDER BY 1
SELECT CASE WHEN id < 3 THEN 1 ELSE 2.50 END AS k FROM c UNION ALL SELECT 5 FROM dept ORDER BY k
SELECT d FROM t UNION SELECT sold FROM c ORDER BY d
SELECT tm FROM t UNION ALL SELECT tm FROM t WHERE id < 3 ORDER BY tm
SELECT id FROM dept UNION SELECT id FROM emp INTERSECT SELECT id FROM c WHERE qty > 5 ORDER BY id
(SELECT id FROM dept UNION SELECT id FROM emp) INTERSECT SELECT id FROM c WHERE qty > 5 ORDER BY id
SELECT id FROM emp EXCEPT (SELECT id FROM dept EXCEPT SELECT id FROM c WHERE qty > 5) ORDER BY id
SELECT mgr FROM emp INTERSECT SELECT dept_id FROM emp INTERSECT SELECT id FROM dept ORDER BY mgr
SELECT id FROM dept INTERSECT (SELECT dept_id FROM emp INTERSECT SELECT mgr FROM emp) ORDER BY id
(SELECT mgr FROM emp UNION SELECT dept_id FROM emp) EXCEPT SELECT id FROM dept WHERE id < 3 ORDER BY mgr
SELECT mgr FROM emp EXCEPT SELECT dept_id FROM emp WHERE id < 3 EXCEPT SELECT id FROM dept WHERE id > 2 ORDER BY mgr
SELECT id FROM dept EXCEPT SELECT dept_id FROM (SELECT dept_id FROM emp UNION SELECT mgr FROM emp) x ORDER BY id
SELECT name, id FROM emp EXCEPT ALL (SELECT name, id FROM emp WHERE id > 3 UNION SELECT name, id FROM dept) ORDER BY id
SELECT id FROM dept UNION ALL SELECT id FROM dept UNION SELECT 9 FROM dept ORDER BY id
SELECT id FROM dept UNION SELECT id FROM emp UNION ALL SELECT 1 FROM dept ORDER BY id
(SELECT id FROM c ORDER BY qty DESC LIMIT 4) ORDER BY id LIMIT 2
(SELECT id, qty FROM c WHERE id < 9) ORDER BY qty DESC LIMIT 2
SELECT k + 1, COUNT(*) FROM (SELECT id AS k FROM dept UNION ALL SELECT dept_id FROM emp) u GROUP BY k ORDER BY k
SELECT id FROM dept UNION SELECT id FROM emp ORDER BY id DESC LIMIT 2 OFFSET 1
SELECT id FROM dept UNION ALL SELECT id FROM emp ORDER BY -id, id LIMIT 3
SELECT region, NULL AS p, SUM(qty) FROM c GROUP BY region UNION ALL SELECT NULL, product, SUM(qty) FROM c GROUP BY product ORDER BY 1, 2
SELECT x FROM n UNION ALL SELECT i FROM n ORDER BY x
SELECT d FROM t UNION ALL SELECT dt FROM t ORDER BY 1
SELECT COUNT(*) FROM (SELECT region FROM c UNION SELECT UPPER(region) FROM c) u
SELECT COUNT(*) FROM (SELECT region FROM c EXCEPT ALL SELECT UPPER(region) FROM c WHERE id < 5) u
SELECT COUNT(*) FROM (SELECT region FROM c INTERSECT ALL SELECT UPPER(region) FROM c WHERE id < 5) u
SELECT COUNT(*) FROM (SELECT UPPER(region) FROM c EXCEPT SELECT region FROM c WHERE id < 5) u
-- # WITH
WITH r AS (SELECT region, SUM(qty) AS q FROM c GROUP BY region) SELECT region FROM r WHERE q = (SELECT MAX(q) FROM r)
WITH a AS (SELECT id FROM dept), b AS (SELECT id FROM a WHERE id > 1), a2 (z) AS (SELECT b.id FROM b JOIN a ON a.id = b.id) SELECT z FROM a2 ORDER BY z
WITH a AS (SELECT id FROM dept) SELECT * FROM (WITH a AS (SELECT id FROM emp WHERE id > 6) SELECT id FROM a) q, a WHERE a.id < 3 ORDER BY 1, 2
WITH dept AS (SELECT id FROM dept WHERE id > 2) SELECT id FROM dept ORDER BY id
WITH a AS (SELECT id FROM dept) SELECT id FROM emp WHERE dept_id IN (SELECT id FROM a WHERE id > 1) ORDER BY id
WITH a AS (SELECT id FROM dept UNION SELECT id FROM emp) SELECT COUNT(*) FROM a
WITH a AS (SELECT id FROM dept) SELECT id FROM a UNION ALL SELECT id FROM a WHERE id = 1 ORDER BY id
WITH RECURSIVE a AS (SELECT id FROM dept) SELECT id FROM a ORDER BY id
SELECT (WITH m AS (SELECT MAX(id) AS k FROM emp) SELECT k FROM m) FROM dept WHERE id = 1
WITH a AS (SELECT region, AVG(price) AS p FROM c GROUP BY region) SELECT region, p, p * 3 FROM a ORDER BY region
-- # derived tables, LATERAL, views of nothing
SELECT d.name, x.name, x.salary FROM dept d LEFT JOIN LATERAL (SELECT e.name, e.salary FROM emp e WHERE e.dept_id = d.id ORDER BY e.salary DESC, e.id LIMIT 1) x ON TRUE ORDER BY d.id
SELECT d.id, x.k FROM dept d, LATERAL (SELECT COUNT(*) AS k FROM emp e WHERE e.dept_id = d.id) x ORDER BY d.id
SELECT d.id, x.k FROM dept d JOIN LATERAL (SELECT SUM(salary) AS k FROM emp e WHERE e.dept_id = d.id) AS x ON x.k > 7000 ORDER BY d.id
SELECT * FROM (SELECT id, qty FROM c ORDER BY qty DESC, id) q LIMIT 3
SELECT q.id FROM (SELECT id, qty FROM c ORDER BY qty, id) q WHERE q.qty > 9
SELECT a FROM ((SELECT id AS a FROM dept)) x ORDER BY a
SELECT id FROM dept d WHERE id IN (SELECT k FROM (SELECT e.dept_id AS k FROM emp e WHERE e.id > d.id) q) ORDER BY id
SELECT COUNT(*), MAX(k) FROM (SELECT 1 AS k FROM dept UNION ALL SELECT 2) q
SELECT id, one FROM (SELECT 1 AS one) q JOIN dept ON dept.id > q.one ORDER BY id
SELECT k FROM (SELECT CASE WHEN id < 3 THEN 1 ELSE 2.50 END AS k, id FROM dept ORDER BY id LIMIT 9) q ORDER BY id
-- # joins
SELECT e.name, d.name FROM emp e NATURAL JOIN dept d ORDER BY e.id
SELECT * FROM dept JOIN c USING (id) ORDER BY id
SELECT * FROM c JOIN dept USING (id) JOIN emp USING (id) ORDER BY id
SELECT * FROM dept LEFT JOIN emp USING (id, name) ORDER BY id
SELECT * FROM emp RIGHT JOIN dept USING (name, id) ORDER BY id
SELECT * FROM dept NATURAL JOIN (SELECT id, qty FROM c) q ORDER BY id
SELECT * FROM dept NATURAL LEFT JOIN (SELECT id, qty FROM c WHERE qty > 5) q ORDER BY id
SELECT * FROM (SELECT qty, id FROM c WHERE qty > 5) q NATURAL RIGHT JOIN dept ORDER BY id
SELECT id, dept.id, q.id, qty FROM (SELECT qty, id FROM c WHERE qty > 5) q RIGHT JOIN dept USING (id) ORDER BY dept.id
SELECT id, d.name, q.qty, e.salary FROM dept d LEFT JOIN (SELECT id, qty FROM c WHERE qty < 9) q USING (id) LEFT JOIN emp e USING (id) ORDER BY id
SELECT dept.* FROM dept JOIN c USING (id) ORDER BY id
SELECT COUNT(*) FROM dept NATURAL JOIN t
SELECT e.id, d.id FROM emp e STRAIGHT_JOIN dept d ON e.dept_id = d.id ORDER BY 1
SELECT STRAIGHT_JOIN e.id, d.id FROM emp e JOIN dept d ON e.dept_id = d.id ORDER BY 1
SELECT e.id, d.id, c.id FROM emp e LEFT JOIN (dept d JOIN c ON c.id = d.id) ON e.dept_id = d.id ORDER BY 1, 2, 3
SELECT e.id, d.id, c.id FROM emp e LEFT JOIN dept d JOIN c ON c.id = d.id AND c.qty > 5 ON e.dept_id = d.id ORDER BY 1, 2, 3
SELECT e.id, d.id, c.id FROM (emp e, dept d) LEFT JOIN c ON c.id = e.id AND c.id = d.id ORDER BY 1, 2, 3 LIMIT 9
SELECT d.id, e.id, s.id FROM dept d, emp e RIGHT JOIN c s ON s.id = e.id WHERE d.id < 3 ORDER BY 1, 3, 2
SELECT COUNT(*) FROM dept a JOIN dept b JOIN dept x
SELECT a.id, b.id, x.id FROM dept a CROSS JOIN dept b ON a.id = b.id LEFT JOIN emp x ON x.dept_id = a.id ORDER BY 1, 2, 3
SELECT id, qty FROM dept AS d LEFT JOIN c USING (id) WHERE qty IS NULL OR qty > 3 ORDER BY id
SELECT e.id FROM emp e JOIN dept d ON e.dept_id = d.id AND (e.salary > 6000 OR d.name = 'SALES') ORDER BY 1
SELECT e.id, m.id, d.id FROM emp e LEFT JOIN emp m ON m.id = e.mgr LEFT JOIN dept d ON d.id = m.dept_id ORDER BY 1
SELECT COUNT(*) FROM emp e USE INDEX (PRIMARY) JOIN dept d FORCE INDEX (PRIMARY) ON d.id = e.dept_id
SELECT c.region, x.k FROM c JOIN (SELECT region, MAX(qty) AS k FROM c GROUP BY region) x ON x.region = c.region AND x.k = c.qty ORDER BY c.id
-- # grouping
SELECT region, SUM(qty) FROM c GROUP BY region WITH ROLLUP
SELECT region, product, SUM(qty), GROUPING(region), GROUPING(product) FROM c GROUP BY region, product WITH ROLLUP
SELECT region, product, COUNT(*), GROUPING(region, product) FROM c GROUP BY ROLLUP(region, product)
SELECT IF(GROUPING(region), 'ALL', region) AS r, SUM(qty) FROM c GROUP BY region WITH ROLLUP HAVING SUM(qty) > 30 ORDER BY 2, 1
SELECT YEAR(sold), MONTH(sold), AVG(price) FROM c GROUP BY YEAR(sold), MONTH(sold) WITH ROLLUP
SELECT qty % 3 AS k, COUNT(*), MAX(qty % 3) FROM c GROUP BY k WITH ROLLUP ORDER BY k DESC, COUNT(*)
SELECT region, AVG(price) AS a, AVG(price) * 3 FROM c GROUP BY region WITH ROLLUP HAVING a > 2
SELECT dept_id, SUM(salary) FROM emp GROUP BY dept_id WITH ROLLUP
SELECT dept_id, COUNT(*) FROM emp GROUP BY dept_id WITH ROLLUP HAVING GROUPING(dept_id) = 0 ORDER BY dept_id
SELECT s, SUM(v) FROM nothing GROUP BY s WITH ROLLUP
SELECT DISTINCT GROUPING(region), COUNT(*) > 2 FROM c GROUP BY region WITH ROLLUP ORDER BY 1, 2
SELECT region, RANK() OVER (ORDER BY SUM(qty) DESC), SUM(qty) FROM c GROUP BY region WITH ROLLUP ORDER BY 2
SELECT COUNT(*), 'x' AS k FROM c GROUP BY k
SELECT COUNT(*) FROM nothing GROUP BY 'x'
SELECT 1 AS k, MAX(qty) FROM c GROUP BY k, region ORDER BY 2
SELECT e.id, e.name, d.name, COUNT(*) FROM emp e JOIN dept d ON d.id = e.dept_id GROUP BY e.id ORDER BY e.id
SELECT d.id, d.name, MAX(e.salary), d.city FROM dept d LEFT JOIN emp e ON e.dept_id = d.id GROUP BY d.id HAVING MAX(e.salary) > 5000 OR d.city = 'rome' ORDER BY d.city, d.id
SELECT region, MAX(qty) FROM c WHERE region = 'East'
SELECT MAX(qty) + 1 FROM c WHERE region = 'nowhere'
SELECT COUNT(*) FROM c HAVING COUNT(*) > 100
SELECT 5 FROM c HAVING COUNT(*) > 1
SELECT dept_id, ANY_VALUE(dept_id) + 1, COUNT(*) FROM emp GROUP BY dept_id ORDER BY dept_id
SELECT qty DIV 10 * 10 AS low, COUNT(*) FROM c GROUP BY qty DIV 10 * 10 ORDER BY low
SELECT SUM(qty) AS q, region FROM c GROUP BY region HAVING q > 20 AND region LIKE '%t%' ORDER BY q + 0 DESC
SELECT region r, COUNT(*) FROM c GROUP BY r HAVING r <> 'EAST' ORDER BY COUNT(*) DESC, r
SELECT UPPER(region) AS u, SUM(qty) FROM c GROUP BY u HAVING u < 'S' ORDER BY u
SELECT MONTH(sold) AS m, YEAR(sold) AS y, COUNT(*) FROM c GROUP BY y, m ORDER BY y DESC, m
SELECT region, AVG(qty), AVG(qty) * 3 FROM c GROUP BY region ORDER BY AVG(qty) DESC, region
SELECT dept_id, AVG(salary) FROM emp GROUP BY dept_id HAVING AVG(salary) > 6500 ORDER BY 2
SELECT product, SUM(qty) / COUNT(*), SUM(qty) / 7 * 7 FROM c GROUP BY product ORDER BY 2 DESC
SELECT COUNT(DISTINCT region, product), COUNT(DISTINCT product, qty), COUNT(DISTINCT region, id IS NULL) FROM c
SELECT region, COUNT(DISTINCT product, paid) FROM c GROUP BY region ORDER BY region
SELECT i, COUNT(*) FROM n GROUP BY i ORDER BY i
SELECT d, d6, COUNT(*) FROM n GROUP BY d, d6 ORDER BY d, d6
SELECT chan, region, COUNT(DISTINCT chan) FROM c GROUP BY chan, region ORDER BY chan, region
SELECT g, AVG(x) FROM (SELECT 1 AS g, id % 3 = 1 AS x FROM c UNION ALL SELECT 2, IF(a.id + b.id + d.id + e.id = 4, 0, a.id % 3 = 1) FROM c a, c b, c d, c e) u GROUP BY g ORDER BY AVG(x), g
SELECT g, AVG(x) * 10000 AS m FROM (SELECT 1 AS g, id % 3 = 1 AS x FROM c UNION ALL SELECT 2, IF(a.id + b.id + d.id + e.id = 4, 0, a.id % 3 = 1) FROM c a, c b, c d, c e) u GROUP BY g HAVING AVG(x) > 0.3332 ORDER BY m, g
SELECT MIN(id), COUNT(*) FROM s GROUP BY a ORDER BY 1
SELECT MIN(id), COUNT(*) FROM s GROUP BY gen WITH ROLLUP HAVING COUNT(*) > 1 ORDER BY 1, 2
SELECT COUNT(*) FROM (SELECT DISTINCT a FROM s) u
-- # distinct
SELECT DISTINCT region FROM c ORDER BY UPPER(region) DESC
SELECT DISTINCT region, qty > 9 FROM c ORDER BY qty > 9, region
SELECT DISTINCT AVG(qty) FROM c GROUP BY region ORDER BY 1
SELECT DISTINCT COUNT(*), region FROM c GROUP BY region, product ORDER BY 2, 1
SELECT DISTINCT COUNT(*) > 1 AS k FROM c GROUP BY region, product ORDER BY k
SELECT DISTINCT RANK() OVER (ORDER BY qty DIV 10) AS k, region FROM c ORDER BY k, region
SELECT DISTINCT 1 FROM c
SELECT DISTINCT 1, 'x' FROM nothing
SELECT DISTINCT dept_id, mgr FROM emp ORDER BY mgr, dept_id LIMIT 4
SELECT DISTINCT tm FROM t ORDER BY tm DESC LIMIT 3
SELECT DISTINCT CASE WHEN id < 3 THEN 1 ELSE 2.50 END AS k FROM dept ORDER BY k
SELECT SQL_SMALL_RESULT DISTINCTROW region FROM c ORDER BY region
SELECT SQL_BIG_RESULT SQL_BUFFER_RESULT region, COUNT(*) FROM c GROUP BY region ORDER BY region
SELECT ALL region FROM c ORDER BY id LIMIT 2
-- # aggregates
SELECT region, GROUP_CONCAT(product ORDER BY id) FROM c GROUP BY region ORDER BY region
SELECT GROUP_CONCAT(DISTINCT product ORDER BY product SEPARATOR ''), GROUP_CONCAT(DISTINCT product ORDER BY product DESC SEPARATOR '; ') FROM c
SELECT GROUP_CONCAT(dept_id ORDER BY id), GROUP_CONCAT(salary ORDER BY salary DESC, id SEPARATOR '|'), GROUP_CONCAT(hired ORDER BY id) FROM emp
SELECT GROUP_CONCAT(name, ':', salary ORDER BY id), GROUP_CONCAT(DISTINCT dept_id ORDER BY dept_id DESC) FROM emp
SELECT GROUP_CONCAT(s ORDER BY id) FROM nothing
SELECT id, GROUP_CONCAT(v ORDER BY id) FROM nothing GROUP BY id
SELECT BIT_AND(i), BIT_OR(i), BIT_XOR(i), BIT_AND(u), BIT_OR(u), BIT_XOR(bu), BIT_OR(d), BIT_AND(d) FROM n
SELECT BIT_AND(id), BIT_OR(id), BIT_XOR(id), BIT_AND(v) FROM nothing
SELECT z, BIT_OR(ti), BIT_AND(b) FROM n GROUP BY z ORDER BY z
SELECT MIN(chan), MAX(chan) FROM c
SELECT SUM(qty * price) / SUM(qty), AVG(price) / AVG(qty), MAX(price) - MIN(price) FROM c
-- # windows
SELECT id, SUM(qty) OVER (ORDER BY id) s, AVG(price) OVER (PARTITION BY product) a, COUNT(*) OVER () k FROM c ORDER BY id
SELECT id, SUM(qty) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) s, MIN(price) OVER (ORDER BY id ROWS 2 PRECEDING) m FROM c ORDER BY id
SELECT id, LAG(qty) OVER (ORDER BY id) l, LEAD(qty, 2, -1) OVER (ORDER BY id) d, FIRST_VALUE(product) OVER w f, LAST_VALUE(product) OVER w la, NTH_VALUE(qty, 2) OVER w k FROM c WINDOW w AS (PARTITION BY region ORDER BY id) ORDER BY id
SELECT id, NTILE(3) OVER (ORDER BY id) k, PERCENT_RANK() OVER (ORDER BY qty) p, CUME_DIST() OVER (ORDER BY qty) d FROM c ORDER BY id
SELECT id, ROW_NUMBER() OVER (ORDER BY salary, id), RANK() OVER (ORDER BY salary), DENSE_RANK() OVER (ORDER BY salary DESC) FROM emp ORDER BY id
SELECT id, RANK() OVER (PARTITION BY dept_id ORDER BY hired), COUNT(salary) OVER (PARTITION BY dept_id), MAX(hired) OVER (PARTITION BY dept_id ORDER BY id) FROM emp ORDER BY id
SELECT region, SUM(qty), SUM(SUM(qty)) OVER (ORDER BY region) AS run, RANK() OVER (ORDER BY SUM(qty) DESC) AS rk FROM c GROUP BY region ORDER BY region
SELECT region, AVG(qty) * 10000, SUM(AVG(qty)) OVER (), RANK() OVER (ORDER BY AVG(qty)) FROM c GROUP BY region HAVING AVG(qty) * 3 <> 112 ORDER BY region
SELECT region, product, q FROM (SELECT region, product, SUM(qty) q, ROW_NUMBER() OVER (PARTITION BY region ORDER BY SUM(qty) DESC, product) rn FROM c GROUP BY region, product) x WHERE rn = 1 ORDER BY region
SELECT region, RANK() OVER (ORDER BY SUM(price) / SUM(qty)) FROM c GROUP BY region ORDER BY region
SELECT id, SUM(price) OVER (ORDER BY qty RANGE BETWEEN 2 PRECEDING AND 3 FOLLOWING), COUNT(*) OVER (ORDER BY price RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM c ORDER BY id
SELECT id, SUM(qty) OVER (ORDER BY sold RANGE BETWEEN INTERVAL 1 MONTH PRECEDING AND CURRENT ROW), COUNT(*) OVER (ORDER BY sold DESC RANGE BETWEEN INTERVAL 30 DAY PRECEDING AND INTERVAL 1 DAY FOLLOWING) FROM c ORDER BY id
SELECT id, COUNT(*) OVER (ORDER BY dept_id RANGE BETWEEN 1 PRECEDING AND CURRENT ROW), COUNT(*) OVER (ORDER BY dept_id DESC RANGE BETWEEN CURRENT ROW AND 1 FOLLOWING) FROM emp ORDER BY id
SELECT id, SUM(qty) OVER w, MIN(qty) OVER w, AVG(qty) OVER w, COUNT(*) OVER w FROM c WINDOW w AS (ORDER BY id ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING) ORDER BY id
SELECT id, SUM(qty) OVER (w ROWS UNBOUNDED PRECEDING), FIRST_VALUE(qty) OVER (w) FROM c WINDOW w AS (PARTITION BY region ORDER BY id) ORDER BY id
SELECT id, SUM(qty) OVER (w ORDER BY id), COUNT(*) OVER w FROM c WINDOW w AS (PARTITION BY region) ORDER BY id
SELECT id, LAG(price, 1, 0) OVER (ORDER BY id), LAG(region, 2, 'none') OVER (ORDER BY id), LAG(sold) OVER (ORDER BY id), LEAD(qty, 0) OVER (ORDER BY id), LAG(qty, 1, 2.50) OVER (ORDER BY id) FROM c ORDER BY id
SELECT id, SUM(qty) OVER (ORDER BY id) / SUM(qty) OVER () * 100, ROUND(AVG(price) OVER (PARTITION BY region), 1), AVG(qty) OVER (PARTITION BY region) * 3 FROM c ORDER BY id
SELECT id, qty - LAG(qty) OVER (ORDER BY id) AS step FROM c ORDER BY step, id
SELECT id, MIN(region) OVER (ORDER BY id), MAX(product) OVER (PARTITION BY region) FROM c ORDER BY id
SELECT id, CASE WHEN id < 3 THEN 1 ELSE 2.50 END AS k, ROW_NUMBER() OVER (ORDER BY id) FROM c ORDER BY id
SELECT id FROM c ORDER BY ROW_NUMBER() OVER (ORDER BY qty DESC, id)
SELECT m, q, ROUND((q - LAG(q) OVER (ORDER BY m)) / LAG(q) OVER (ORDER BY m) * 100, 1) AS g FROM (SELECT MONTH(sold) m, SUM(qty) q FROM c WHERE YEAR(sold) = 2024 GROUP BY MONTH(sold)) x ORDER BY m
SELECT id, RANK() OVER (ORDER BY region = 'East', qty), SUM(region = 'East') OVER (ORDER BY id) FROM c ORDER BY id
SELECT id, (SELECT COUNT(*) FROM emp e WHERE e.id < c.id), RANK() OVER (ORDER BY qty) FROM c ORDER BY id
SELECT dept_id, COUNT(*), RANK() OVER (ORDER BY COUNT(*) DESC, dept_id) FROM emp WHERE id > 1 GROUP BY dept_id HAVING COUNT(*) < 9 ORDER BY 3
-- # order, limit
SELECT id FROM c ORDER BY region, product DESC, id LIMIT 5
SELECT id, qty FROM c ORDER BY (SELECT 1), qty DESC, id LIMIT 3
SELECT id AS a, qty AS b FROM c ORDER BY a % 3, b DESC
SELECT id FROM c ORDER BY id LIMIT 2, 3
TABLE dept ORDER BY id LIMIT 2
-- # spelling
SELECT _utf8mb4'x' = 'X', id FROM dept WHERE name = _utf8mb4'SALES'
SELECT `d`.`id` AS `id` FROM `heat_engine_sql`.`dept` `d` WHERE (`d`.`id` > 1) ORDER BY `id`
SELECT heat_engine_sql.dept.* FROM heat_engine_sql.dept ORDER BY id
-- # recursive
WITH RECURSIVE r AS (SELECT 1 AS k UNION ALL SELECT k + 1 FROM r WHERE k < 30) SELECT r.k, n.i FROM r JOIN n ON n.id = r.k ORDER BY r.k
WITH RECURSIVE r (k, m) AS (SELECT id, salary FROM emp WHERE id = 1 UNION ALL SELECT k + 1, m * 2 FROM r WHERE k < 9) SELECT * FROM r ORDER BY k
WITH RECURSIVE r AS (SELECT id, name, 0 AS depth, CAST(name AS CHAR(100)) AS path FROM emp WHERE mgr IS NULL UNION ALL SELECT e.id, e.name, r.depth + 1, CONCAT(r.path, '/', e.name) FROM emp e JOIN r ON e.mgr = r.id) SELECT *, COUNT(*) OVER (PARTITION BY depth) FROM r ORDER BY path
WITH RECURSIVE r AS (SELECT hired AS v FROM emp WHERE id = 1 UNION ALL SELECT v + INTERVAL 1 YEAR FROM r WHERE v < '2023-01-01'), q AS (SELECT YEAR(v) + 0 AS y FROM r) SELECT y, COUNT(e.id) FROM q LEFT JOIN emp e ON YEAR(e.hired) + 0 = y GROUP BY y ORDER BY y
SELECT COUNT(*) FROM (SELECT id, i / ti AS q FROM n) AS d
SELECT region, LENGTH(g) FROM (SELECT region, GROUP_CONCAT(product ORDER BY id) AS g FROM c GROUP BY region) AS d ORDER BY region
WITH w AS (SELECT z, SUM(i / z) AS q, COUNT(*) AS k FROM n GROUP BY z) SELECT z, q FROM w ORDER BY z
-- # sums beside an outer join to nothing, past 64 bits or looked at by HAVING
SELECT SUM(f.b), AVG(f.b) FROM far f LEFT JOIN dept d ON d.id = f.id AND d.id > 300 WHERE f.id < 3
SELECT SUM(f.b) FROM dept d RIGHT JOIN far f ON d.id = f.id AND d.id > 300 WHERE f.id < 3
SELECT SUM(f.id) FROM emp f LEFT JOIN dept d ON d.id = f.id AND d.id > 300 HAVING SUM(f.id) > 20
SELECT SUM(CAST(f.b DIV 10 AS DECIMAL(18,0))) FROM far f CROSS JOIN c LEFT JOIN dept d ON d.id = c.id AND d.id > 300
SELECT f.id, SUM(f.b) OVER (ORDER BY f.id) FROM far f LEFT JOIN dept d ON d.id = f.id AND d.id > 300 ORDER BY f.id
SELECT SUM(b) FROM far f WHERE f.id < 3 AND (f.id > (SELECT COUNT(*) FROM dept d WHERE d.id > 300 AND d.id = f.id) OR f.id <> (SELECT MAX(d.id) FROM dept d WHERE d.id > 300))
-- # NULL is 0, or the empty text, to the order of GROUP_CONCAT
SELECT GROUP_CONCAT(id ORDER BY i, id DESC), GROUP_CONCAT(id ORDER BY i DESC, id DESC), GROUP_CONCAT(id ORDER BY d DESC, id DESC), GROUP_CONCAT(id ORDER BY x, id DESC), GROUP_CONCAT(id ORDER BY i + b, id), GROUP_CONCAT(id ORDER BY bu DESC, id) FROM n
SELECT GROUP_CONCAT(id ORDER BY a DESC, id DESC), GROUP_CONCAT(id ORDER BY bin, id DESC), GROUP_CONCAT(id ORDER BY gen DESC, id DESC), GROUP_CONCAT(id ORDER BY UPPER(a), id DESC) FROM s
SELECT GROUP_CONCAT(id ORDER BY tm, id), GROUP_CONCAT(id ORDER BY y, id), GROUP_CONCAT(id ORDER BY d, id), GROUP_CONCAT(id ORDER BY dt3 DESC, id), GROUP_CONCAT(id ORDER BY st DESC, id DESC) FROM t
SELECT GROUP_CONCAT(d.id ORDER BY e.id - 4, d.id), GROUP_CONCAT(d.id ORDER BY e.id - 4 DESC, d.id) FROM dept d LEFT JOIN emp e ON e.dept_id = d.id
-- # sorting by a JSON number of the only table
SELECT id FROM t WHERE id = 5 ORDER BY j
