-- Statements the emitter must answer, each exactly as MySQL does. Order counts where ORDER BY stands.
-- # arithmetic
SELECT id, i + 1, i - 1, i * 2, -i, +i, ti * ti, b - 1 FROM n WHERE id <> 5 ORDER BY id
SELECT id, i + ti, i - b, i * ti FROM n WHERE id <> 5 ORDER BY id
SELECT id, u + 1, u * 2, u + u FROM n ORDER BY id
SELECT id, u - 0 FROM n ORDER BY id
SELECT id, d + d6, d - d6, d * d6, d * d * d, d * 0.001, i * d FROM n ORDER BY id
SELECT id, w + d, w - 1, w * d, w + w FROM n ORDER BY id
SELECT id, -d, -d6, -w, -x FROM n ORDER BY id
SELECT id, d0 * d0, d0 + 1, d0 * 1.5 FROM n ORDER BY id
SELECT id, 5 - d, 0.1 + 0.2, 1.10, .5, 5., 00012, 1.0 * 1.0 FROM n ORDER BY id
SELECT id, x * 2, x + 0.1, x - d, x * i FROM n ORDER BY id
SELECT id, f, x, bu, du, w, u, b FROM n ORDER BY id
SELECT id, f + 0, f * 2 FROM n ORDER BY id
SELECT id, i + f, d + f FROM n ORDER BY id
-- # division
SELECT id, i / z, d / z, d6 / z, w / z, b / z FROM n ORDER BY id
SELECT id, z / 3, z / 7, 1 / z, 2.50 / z, z / 0.7, z / 7.000 FROM n ORDER BY id
SELECT id, z / 3 * 3, (1 / z) * 3, 1 / z / z, 1 / (1 / z), 5 / 9 * 9 FROM n ORDER BY id
SELECT id, -5 / z, d / -3, -d / 7 FROM n ORDER BY id
SELECT id, x / z, x / 3, z / 2.5 + x FROM n ORDER BY id
SELECT id, u / 3, u / z FROM n ORDER BY id
SELECT id, i DIV z, i % z, i MOD 3, MOD(i, z), b DIV 7, b % 7, ti DIV -3, ti % -3 FROM n ORDER BY id
SELECT id, d DIV 2, d % 2, d DIV 0.3, d % 0.3, MOD(d6, 1.5), d % z, d DIV z FROM n ORDER BY id
SELECT id, 10 / 4, 100 / 7.000, 22 / 7 * 7, 1 / 7 / 7 FROM n WHERE id = 1
SELECT id, (d6 * 10 + 0.0) / -7, CAST(d6 AS DECIMAL(14,5)) / 7, CAST(d6 AS DECIMAL(14,5)) / 0.7, 0.00001 / 3, 2.00000 / 3 FROM n ORDER BY id
SELECT id, u % 0.3, u % 7.5, u DIV 7, u % 7, u DIV 2.5, 100 % u, 7 DIV u FROM n WHERE u > 0 ORDER BY id
-- # rounding
SELECT id, ROUND(d), ROUND(d, 0), ROUND(d, 1), ROUND(d, 2), ROUND(d6, 3), ROUND(d6), ROUND(w, 9) FROM n ORDER BY id
SELECT id, ROUND(i), ROUND(i, 2), ROUND(x), ROUND(x, 0), ROUND(x, 2), ROUND(x, 1), ROUND(i, 0) FROM n ORDER BY id
SELECT id, FLOOR(d), CEIL(d), CEILING(d6), FLOOR(d6), FLOOR(i), CEIL(x), FLOOR(x) FROM n WHERE id <> 2 ORDER BY id
SELECT id, ABS(i), ABS(d), ABS(d6), ABS(x), ABS(b), ABS(-5), ABS(-2.50), ABS(u) FROM n ORDER BY id
SELECT id, ROUND(d / 3, 2), ROUND(i / z, 1), ROUND(d * 1.005, 3) FROM n ORDER BY id
-- # comparison
SELECT id, i = 7, i <> 7, i < 7, i <= 7, i > 7, i >= 7, i != 7, i <=> 7, i <=> NULL, NULL <=> NULL, i = NULL FROM n ORDER BY id
SELECT id FROM n WHERE d > 2 ORDER BY id
SELECT id FROM n WHERE d = 2.5 OR d = -2.500 OR d6 < d ORDER BY id
SELECT id FROM n WHERE i > d ORDER BY id
SELECT id FROM n WHERE d > 1.149999 ORDER BY id
SELECT id FROM n WHERE x > 2.5 OR x = i ORDER BY id
SELECT id FROM n WHERE d < x ORDER BY id
SELECT id FROM n WHERE f = 0.1 OR f = 2.5 ORDER BY id
SELECT id FROM n WHERE bu > 5 AND bu > b ORDER BY id
SELECT id FROM n WHERE bu = u OR u > i ORDER BY id
SELECT id FROM n WHERE i = '7' OR i = '10' ORDER BY id
SELECT id FROM n WHERE i IN (7, 10, -1) ORDER BY id
SELECT id, i IN (7, NULL), i NOT IN (7, NULL), i IN (7, 2.5), d IN (2.5, 1.15, 0) FROM n ORDER BY id
SELECT id FROM n WHERE d BETWEEN -2.5 AND 2.5 ORDER BY id
SELECT id FROM n WHERE i NOT BETWEEN 0 AND 5 ORDER BY id
SELECT id, i BETWEEN NULL AND 5, NULL BETWEEN 1 AND 2 FROM n ORDER BY id
SELECT id FROM n WHERE i ORDER BY id
SELECT id FROM n WHERE NOT i ORDER BY id
SELECT id FROM n WHERE d AND x ORDER BY id
-- # logic
SELECT id, i > 5 AND d > 1, i > 5 OR d > 1, i > 5 XOR d > 1, NOT i > 5 FROM n ORDER BY id
SELECT id, (i = 7) + 1, (i = 7) * 2.5, TRUE, FALSE, TRUE + TRUE, (i > 1) = (d > 1) FROM n ORDER BY id
SELECT id, i IS NULL, i IS NOT NULL, (i > 5) IS TRUE, (i > 5) IS NOT TRUE, i IS FALSE, (i > 5) IS NOT FALSE FROM n ORDER BY id
SELECT id, i XOR d, NOT NULL, NULL AND i, NULL OR i FROM n ORDER BY id
SELECT id, i = d IS NOT NULL, i = 7 IS NULL, i = 7 IS TRUE, i <=> 7 IN (1) FROM n ORDER BY id
-- # choice
SELECT id, IF(i > 5, 1, 2), IF(i, 'yes', 'no'), IF(NULL, 1, 2), IF(i > 5, d, NULL) FROM n ORDER BY id
SELECT id, IFNULL(i, 0), IFNULL(d, 0), COALESCE(i, ti, -1), COALESCE(d, 1.5), COALESCE(NULL, i), IFNULL(x, 0) FROM n ORDER BY id
SELECT id, NULLIF(i, 7), NULLIF(d, 2.5), NULLIF(i, NULL) FROM n ORDER BY id
SELECT id, CASE WHEN i > 5 THEN 1 WHEN i < 0 THEN -1 ELSE 0 END, CASE i WHEN 7 THEN 'seven' WHEN 10 THEN 'ten' END FROM n ORDER BY id
SELECT id, CASE WHEN i > 5 THEN d WHEN i < 0 THEN -d END, CASE d WHEN 2.5 THEN 1 END FROM n ORDER BY id
SELECT id, CASE WHEN i > 5 THEN x ELSE 0 END, IF(i > 0, x, d) FROM n ORDER BY id
SELECT region, NULLIF(region, 'EAST'), CASE product WHEN 'PEN' THEN 'p' ELSE product END FROM c ORDER BY id
-- # cast
SELECT id, CAST(d AS SIGNED), CAST(d6 AS SIGNED), CAST(i AS SIGNED), CAST(u AS SIGNED), CAST(ti AS SIGNED INTEGER) FROM n ORDER BY id
SELECT id, CAST(d6 AS DECIMAL(12,2)), CAST(i AS DECIMAL(12,1)), CAST(i AS DECIMAL), CAST(d AS DECIMAL(12)) FROM n ORDER BY id
SELECT id, CAST(i AS CHAR), CAST(d AS CHAR), CAST(d6 AS CHAR), CAST(bu AS CHAR) FROM n ORDER BY id
SELECT id, CAST(d AS DOUBLE), CAST(i AS DOUBLE) FROM n ORDER BY id
SELECT id, CAST(dt AS DATE), CAST(d AS DATE), CAST(d AS CHAR), DATE '2024-01-01' FROM t ORDER BY id
-- # strings: equality
SELECT id FROM s WHERE a = 'APPLE' ORDER BY id
SELECT id FROM s WHERE a = 'apple ' ORDER BY id
SELECT id FROM s WHERE a <> 'apple' ORDER BY id
SELECT id FROM s WHERE bin = 'apple' ORDER BY id
SELECT id FROM s WHERE gen = 'APPLE' ORDER BY id
SELECT id FROM s WHERE lat = 'APPLE' ORDER BY id
SELECT id FROM s WHERE ch = 'apple' ORDER BY id
SELECT id, a <=> 'APPLE', a <=> NULL FROM s ORDER BY id
SELECT id FROM s WHERE a IN ('APPLE', 'zebra', 'a.B', '') ORDER BY id
SELECT id FROM s WHERE a NOT IN ('APPLE', 'zebra') ORDER BY id
SELECT id FROM s WHERE a = 'O''reilly' OR a = "back\\slash" OR a = 'A\"B' ORDER BY id
SELECT x.id, y.id FROM s x JOIN s y ON x.a = y.a AND x.id < y.id ORDER BY 1, 2
SELECT COUNT(DISTINCT a), COUNT(DISTINCT bin), COUNT(DISTINCT gen), COUNT(DISTINCT lat), COUNT(DISTINCT ch) FROM s
-- # strings: order
SELECT id, a FROM s ORDER BY a, id
SELECT id FROM s ORDER BY a DESC, id DESC
SELECT id FROM s ORDER BY bin, id
SELECT id FROM s ORDER BY gen, id
SELECT id FROM s ORDER BY lat DESC, id
SELECT id FROM s ORDER BY UPPER(a), id
SELECT id FROM s WHERE a < 'b' ORDER BY id
SELECT id FROM s WHERE a >= 'a b' AND a <= 'a_c' ORDER BY id
SELECT id FROM s WHERE a BETWEEN 'APPLE' AND 'banana' ORDER BY id
SELECT id FROM s WHERE gen > 'a' ORDER BY id
SELECT id FROM s WHERE bin > 'a' ORDER BY id
SELECT MIN(region), MAX(region), MIN(product), MAX(product) FROM c
SELECT region, MAX(product), MIN(product) FROM c GROUP BY region ORDER BY region
-- # strings: like
SELECT id FROM s WHERE a LIKE 'APP%' ORDER BY id
SELECT id FROM s WHERE a LIKE '%B' ORDER BY id
SELECT id FROM s WHERE a LIKE 'a_b' ORDER BY id
SELECT id FROM s WHERE a LIKE 'a\_b' OR a LIKE '%\%%' ORDER BY id
SELECT id FROM s WHERE a LIKE 'a|_b' ESCAPE '|' ORDER BY id
SELECT id FROM s WHERE a LIKE '%k\\\\s%' ORDER BY id
SELECT id FROM s WHERE a NOT LIKE '%a%' ORDER BY id
SELECT id FROM s WHERE a NOT LIKE 'a#_b' ESCAPE '#' ORDER BY id
SELECT id FROM s WHERE NOT a LIKE '%a%' ORDER BY id
SELECT id FROM s WHERE bin LIKE 'A%' ORDER BY id
SELECT id FROM s WHERE gen LIKE 'A%E' ORDER BY id
SELECT id, a LIKE 'apple', ch LIKE 'apple%', a LIKE '' FROM s ORDER BY id
SELECT id, a LIKE '\a%' FROM s ORDER BY id
-- # string functions
SELECT id, UPPER(a), LOWER(a), UCASE(a), LCASE(a) FROM s ORDER BY id
SELECT id, LENGTH(a), CHAR_LENGTH(a), CHARACTER_LENGTH(a), LENGTH(lat) FROM s ORDER BY id
SELECT id, LEFT(a, 2), LEFT(a, 0), LEFT(a, -1), LEFT(a, 100), RIGHT(a, 2), RIGHT(a, 0), RIGHT(a, -2), RIGHT(a, 100) FROM s ORDER BY id
SELECT id, SUBSTRING(a, 2), SUBSTRING(a, 2, 3), SUBSTRING(a, -3), SUBSTRING(a, -3, 2), SUBSTRING(a, 0), SUBSTRING(a, 1, -1), SUBSTRING(a, 50), SUBSTRING(a, -50, 3) FROM s ORDER BY id
SELECT id, SUBSTR(a, 2, 1), MID(a, 2, 2), SUBSTRING(a FROM 2 FOR 2), SUBSTRING(a FROM -2) FROM s ORDER BY id
SELECT id, CONCAT('[', TRIM(a), ']'), CONCAT('[', LTRIM(a), ']'), CONCAT('[', RTRIM(a), ']') FROM s ORDER BY id
SELECT id, CONCAT(region, id, price), CONCAT(region, sold) FROM c ORDER BY id
SELECT id FROM c WHERE CONCAT(region, id) IN ('north1', 'SOUTH3') ORDER BY id
SELECT id FROM s WHERE UPPER(a) = 'apple' ORDER BY id
SELECT id FROM s WHERE LENGTH(a) > 4 AND LEFT(a, 1) = 'A' ORDER BY id
SELECT 'lit', "dq", 'it\'s', 'a\tb', 'x''y', '\%', '\_', id FROM c WHERE id = 1
SELECT id FROM s WHERE num + 1 < 20 ORDER BY id
-- # dates
SELECT id, YEAR(d), MONTH(d), DAY(d), DAYOFMONTH(dt), YEAR(dt), MONTH(ts) FROM t ORDER BY id
SELECT id, DATEDIFF(d, '2020-01-01'), DATEDIFF(dt, d), DATEDIFF('2024-03-01 23:59:59', d) FROM t ORDER BY id
SELECT id FROM t WHERE d = '2024-02-29' OR d > '2023-12-31' ORDER BY id
SELECT id FROM t WHERE d < '2024-02-29 00:00:01' ORDER BY id
SELECT id FROM t WHERE dt >= '2020-12-31' AND dt < '2024-02-29 13:45:59' ORDER BY id
SELECT id FROM t WHERE dt3 = '2024-02-29 13:45:59.123' OR dt3 > '2024-02-29 13:45:59.1229' ORDER BY id
SELECT id FROM t WHERE d = dt OR ts > dt ORDER BY id
SELECT id FROM t WHERE d BETWEEN '1999-12-31' AND '2020-12-31' ORDER BY id
SELECT id FROM t WHERE d IN ('1999-12-31', '2024-02-29', NULL) ORDER BY id
SELECT id FROM t WHERE d NOT IN (DATE '1999-12-31', '2024-02-29') ORDER BY id
SELECT id, d BETWEEN '2024-02-28' AND '2024-02-29 12:00:00', d BETWEEN '2024-02-29 00:00:01' AND '2025-01-01' FROM t ORDER BY id
SELECT id, dt IN ('2023-01-01', '2024-02-29 13:45:59'), dt IN ('2023-01-01') FROM t ORDER BY id
SELECT id, YEAR(d) * 100 + MONTH(d), 2030 - YEAR(d), YEAR(d) / 4, YEAR(d) % 4, YEAR(d) DIV 10, y + 1, y % 4 = 0 FROM t ORDER BY id
SELECT AVG(YEAR(d)), SUM(y), AVG(y), MAX(YEAR(d)), SUM(MONTH(d)) FROM t
SELECT id, d IN (NULL), d NOT IN ('1999-12-31', NULL), NULL IN (1, 2) FROM t ORDER BY id
SELECT id, d = '2024-02-29 00:00:01', d >= '2024-02-29 00:00:01', d <> '2024-02-29 00:00:00' FROM t ORDER BY id
SELECT id FROM t WHERE YEAR(d) = 2024 OR YEAR(d) IN (1970, 1999) OR YEAR(d) BETWEEN 2020 AND 2022 ORDER BY id
SELECT MIN(d), MAX(d), MIN(dt), MAX(dt3), MAX(ts), COUNT(d), COUNT(DISTINCT d) FROM t
SELECT id, d, dt, dt3, ts FROM t ORDER BY d DESC, id
SELECT id, dt3 FROM t ORDER BY dt3, id
SELECT YEAR(sold), MONTH(sold), COUNT(*), SUM(qty) FROM c GROUP BY YEAR(sold), MONTH(sold) ORDER BY 1, 2
SELECT region, MIN(sold), MAX(sold) FROM c GROUP BY region ORDER BY region
SELECT product, MIN(paid) FROM c WHERE paid IS NOT NULL GROUP BY product ORDER BY product
-- # other types
SELECT id, tm, y, j, st, bt, vb FROM t ORDER BY id
SELECT id, tm FROM t ORDER BY tm, id
SELECT id FROM t WHERE y = 2000 OR y > 2023 ORDER BY id
SELECT MAX(tm), MIN(tm), COUNT(tm), COUNT(j), COUNT(st), COUNT(y) FROM t
SELECT id, j IS NULL, vb IS NULL, bt IS NOT NULL FROM t ORDER BY id
SELECT id, chan FROM c ORDER BY chan, id
SELECT id FROM c WHERE chan = 'WEB' OR chan IN ('phone') ORDER BY id
SELECT id FROM c WHERE chan <> 'web' ORDER BY chan DESC, id
SELECT chan, COUNT(*) FROM c GROUP BY chan ORDER BY chan
SELECT DISTINCT tm FROM t ORDER BY tm
-- # aggregates
SELECT COUNT(*), COUNT(i), COUNT(DISTINCT i), COUNT(1), COUNT(NULL) FROM n
SELECT SUM(i), SUM(b), SUM(ti), SUM(u), SUM(bu), SUM(d), SUM(d6), SUM(w), SUM(du) FROM n
SELECT AVG(i), AVG(b), AVG(ti), AVG(u), AVG(bu), AVG(d), AVG(d6), AVG(d0), AVG(w), AVG(du) FROM n
SELECT MIN(i), MAX(i), MIN(b), MAX(bu), MIN(d), MAX(d6), MIN(x), MAX(x), MIN(f), MAX(f), MAX(u), MIN(du) FROM n
SELECT SUM(DISTINCT ti), AVG(DISTINCT ti), COUNT(DISTINCT d), SUM(DISTINCT d), COUNT(DISTINCT x) FROM n
SELECT SUM(v), AVG(v), COUNT(v), MAX(s), MIN(v), COUNT(*) FROM nothing
SELECT SUM(v), COUNT(*) FROM nothing GROUP BY s
SELECT SUM(i > 5), SUM(i IS NULL), AVG(i > 5), MAX(i > 5), COUNT(i > 5) FROM n
SELECT SUM(d) / 3, SUM(d) / COUNT(*), SUM(d) / SUM(z), SUM(i) / SUM(z), SUM(d * z) / SUM(z) FROM n
SELECT ROUND(AVG(d), 2), ROUND(AVG(i), 1), ROUND(AVG(price), 3) FROM n, c
SELECT AVG(price) * 2, AVG(price) + 1, AVG(price) - AVG(qty), AVG(price) * AVG(qty), -AVG(price) FROM c
SELECT AVG(price) / 3, AVG(qty) / 7, AVG(price) / AVG(qty), 1 / AVG(price) FROM c
SELECT SUM(price * qty), AVG(price * qty), SUM(price * qty * (1 - 0.05)), SUM(qty * 1.5) FROM c
SELECT SUM(CASE WHEN region = 'north' THEN qty ELSE 0 END), SUM(IF(product = 'PEN', price, 0)), COUNT(CASE WHEN qty > 9 THEN 1 END), AVG(IF(qty > 5, qty, NULL)) FROM c
SELECT SUM(CASE WHEN chan = 'web' THEN price * qty ELSE 0 END) / SUM(price * qty) * 100.00 FROM c
SELECT MAX(CASE WHEN qty > 9 THEN price ELSE 0 END), MIN(IF(qty > 9, price, 1.123456)) FROM c
SELECT COUNT(*) * 2, COUNT(*) / 3, MAX(qty) - MIN(qty), MAX(price) - MIN(price), SUM(qty) + 1, SUM(qty) * 1.5 FROM c
SELECT SUM(region LIKE 'n%'), SUM(NOT region LIKE 'n%') FROM c
-- # grouping
SELECT region, COUNT(*), SUM(qty), MAX(price) FROM c GROUP BY region ORDER BY region
SELECT region AS r, product AS p, SUM(qty * price) AS total FROM c GROUP BY r, p ORDER BY r, p
SELECT product, SUM(qty) FROM c GROUP BY 1 ORDER BY 1
SELECT qty DIV 10 AS bucket, COUNT(*) FROM c GROUP BY qty DIV 10 ORDER BY bucket
SELECT qty DIV 10 AS bucket, COUNT(*) FROM c GROUP BY bucket ORDER BY COUNT(*) DESC, bucket
SELECT qty % 3, COUNT(*) FROM c GROUP BY qty % 3 ORDER BY 1
SELECT region, AVG(price), AVG(qty), SUM(price * qty) / SUM(qty) FROM c GROUP BY region ORDER BY AVG(price)
SELECT region, SUM(qty) AS q FROM c GROUP BY region HAVING q > 20 ORDER BY q DESC
SELECT region, SUM(qty) FROM c GROUP BY region HAVING SUM(qty) > 20 AND region <> 'SOUTH' ORDER BY region
SELECT region FROM c GROUP BY region HAVING AVG(price) > 3 ORDER BY region
SELECT id, qty AS q FROM c HAVING q > 20 ORDER BY id
SELECT SUM(qty) AS s FROM c HAVING s > 1000000
SELECT SUM(qty) AS s FROM c HAVING COUNT(*) > 1
SELECT dept_id, COUNT(*), SUM(salary) FROM emp GROUP BY dept_id ORDER BY dept_id
SELECT IF(qty > 9, 'big', 'small') AS size, COUNT(*) FROM c GROUP BY size ORDER BY size
SELECT CASE WHEN price < 2 THEN 'low' WHEN price < 5 THEN 'mid' ELSE 'high' END AS band, SUM(qty) FROM c GROUP BY band ORDER BY band
SELECT UPPER(region), COUNT(*) FROM c GROUP BY UPPER(region) ORDER BY 1
SELECT LOWER(a), COUNT(*) FROM s GROUP BY LOWER(a) ORDER BY 1
SELECT id, name, COUNT(*) FROM emp GROUP BY id ORDER BY id
SELECT YEAR(hired), COUNT(*), SUM(salary) FROM emp GROUP BY YEAR(hired) ORDER BY 1
SELECT product IS NULL, COUNT(*) FROM c GROUP BY product IS NULL ORDER BY 1
SELECT region, product, COUNT(*) FROM c WHERE price > 1 GROUP BY region, product HAVING COUNT(*) > 0 ORDER BY region DESC, product LIMIT 4
-- # distinct
SELECT DISTINCT region FROM c ORDER BY region
SELECT DISTINCT product FROM c ORDER BY product DESC LIMIT 2
SELECT DISTINCT region, product FROM c ORDER BY product, region
SELECT DISTINCT ti FROM n ORDER BY ti
SELECT DISTINCT d * 2 AS dd FROM n ORDER BY dd DESC
SELECT DISTINCT dept_id IS NULL AS missing FROM emp ORDER BY missing
SELECT DISTINCT COUNT(*) AS k FROM c GROUP BY region ORDER BY k
-- # order and limit
SELECT id, d FROM n ORDER BY d DESC, id
SELECT id FROM n ORDER BY i IS NULL, i DESC, id
SELECT id FROM c ORDER BY qty DESC, id LIMIT 4 OFFSET 2
SELECT id FROM c ORDER BY id LIMIT 3, 4
SELECT id FROM c ORDER BY id LIMIT 10, 18446744073709551615
SELECT id FROM c ORDER BY id LIMIT 0
SELECT id, qty * price AS total FROM c ORDER BY total DESC, id LIMIT 5
SELECT id, -qty AS qty FROM c ORDER BY qty, id
SELECT id FROM c ORDER BY region = 'East' DESC, id LIMIT 5
SELECT id FROM c ORDER BY sold DESC, id
SELECT id FROM c ORDER BY price * qty, id
SELECT id, region FROM c ORDER BY 2, 1 DESC
SELECT id FROM c ORDER BY 'constant', id
SELECT id AS x, qty FROM c ORDER BY x DESC
-- # joins
SELECT e.name, d.name FROM emp e JOIN dept d ON e.dept_id = d.id ORDER BY e.id
SELECT e.name, d.name FROM emp e LEFT JOIN dept d ON e.dept_id = d.id AND d.id > 1 ORDER BY e.id
SELECT e.name, d.name FROM emp e RIGHT JOIN dept d ON e.dept_id = d.id ORDER BY d.id, e.id
SELECT COUNT(*) FROM emp, dept
SELECT COUNT(*) FROM emp CROSS JOIN dept
SELECT COUNT(*) FROM dept d, emp e LEFT JOIN c s ON s.id = e.id WHERE d.id = e.dept_id
SELECT d.name, COUNT(e.id), SUM(e.salary), AVG(e.salary) FROM dept d LEFT JOIN emp e ON e.dept_id = d.id GROUP BY d.id, d.name ORDER BY d.id
SELECT d.id, d.name, COUNT(e.id) FROM dept d LEFT JOIN emp e ON e.dept_id = d.id GROUP BY d.id ORDER BY d.id
SELECT e.name, m.name FROM emp e LEFT JOIN emp m ON e.mgr = m.id ORDER BY e.id
SELECT id, qty, city FROM c JOIN dept USING (id) ORDER BY id
SELECT id, city FROM emp LEFT JOIN dept USING (id) ORDER BY id
SELECT * FROM dept ORDER BY id
SELECT e.*, d.city FROM emp e JOIN dept d ON d.id = e.dept_id ORDER BY e.id
SELECT d.*, e.* FROM emp e RIGHT JOIN dept d ON d.id = e.dept_id ORDER BY d.id, e.id
SELECT * FROM dept d INNER JOIN c ON d.id = c.id WHERE c.qty > 2 ORDER BY c.id
SELECT x.id, y.id, z.id FROM dept x JOIN emp y ON x.id = y.dept_id JOIN c z ON z.id = y.id ORDER BY 1, 2, 3
SELECT `e`.`id` AS `my col`, e.salary `q` FROM `emp` `e` WHERE e.id < 3 ORDER BY `my col`
SELECT dept.id, EMP.ID FROM dept JOIN emp AS EMP ON EMP.dept_id = dept.id ORDER BY EMP.Id
-- # derived tables and CTEs
SELECT x.region, x.total / y.all_total FROM (SELECT region, SUM(qty) total FROM c GROUP BY region) x, (SELECT SUM(qty) all_total FROM c) y ORDER BY x.region
SELECT AVG(a), MAX(a) * 3 FROM (SELECT region, AVG(price) a FROM c GROUP BY region) x
SELECT a * 3, a FROM (SELECT AVG(price) AS a FROM c) x
SELECT r, k FROM (SELECT region, COUNT(*) FROM c GROUP BY region) AS x (r, k) ORDER BY r
SELECT kind, COUNT(*) FROM (SELECT IF(qty > 9, 'big', 'small') AS kind FROM c) q GROUP BY kind ORDER BY kind
SELECT tm, y FROM (SELECT tm, y FROM t) q ORDER BY tm
SELECT id FROM (SELECT id, qty FROM c ORDER BY qty DESC, id LIMIT 3) q ORDER BY id
WITH r AS (SELECT region, SUM(qty) q FROM c GROUP BY region) SELECT a.region, b.region FROM r a JOIN r b ON a.q > b.q ORDER BY 1, 2
WITH a AS (SELECT id, qty FROM c WHERE qty > 5), b (k) AS (SELECT id FROM a WHERE qty > 10) SELECT k FROM b ORDER BY k
WITH c AS (SELECT id FROM c WHERE id < 3) SELECT id FROM c ORDER BY id
SELECT COUNT(*) FROM (SELECT DISTINCT region FROM c) d
-- # spelling
select ID, Region from c where QTY > 5 order by iD
SELECT /* comment */ id -- rest
  FROM c # more
  WHERE id = 1;
SELECT COUNT(*) FROM heat_engine_sql.c
SELECT c.id, heat_engine_sql.c.qty FROM c WHERE heat_engine_sql.c.id = 3
-- # strings: several collations
SELECT id FROM n WHERE (i, ti) = (7, 127)
SELECT id, (i, ti) = (7, 127), (i, ti) <> (7, 127), (i, ti) <=> (7, 127), (i, ti) < (10, 5), (i, ti) >= (10, 10), (ti, i) <= (5, NULL) FROM n ORDER BY id
SELECT id, (i, d) IN ((7, 12.34), (10, 2.5), (3, NULL)), (i, d) NOT IN ((7, 12.34), (NULL, 2.5)) FROM n ORDER BY id
SELECT id, (a, id) = ('APPLE', 2), (a, bin) < ('apple', 'b'), (a, gen) IN (('apple', 'APPLE'), ('a b', 'A B')) FROM s ORDER BY id
SELECT id FROM s WHERE a = bin
SELECT id, a = bin, a < bin, a <=> bin, gen = bin, gen < bin FROM s ORDER BY id
SELECT id, a = lat, a < lat, gen = lat FROM s ORDER BY id
SELECT id FROM odd WHERE cs = 'a'
SELECT id, cs LIKE 'A%', cs LIKE 'a%' FROM odd
SELECT id FROM s WHERE a COLLATE utf8mb4_bin = 'apple'
SELECT id, a COLLATE utf8mb4_bin = 'apple', a = 'APPLE' COLLATE utf8mb4_bin, a COLLATE utf8mb4_0900_as_cs = 'Apple', a LIKE 'apple%' COLLATE utf8mb4_bin FROM s ORDER BY id
SELECT id, a COLLATE utf8mb4_general_ci < 'b', a COLLATE utf8mb4_general_ci = gen FROM s ORDER BY id
SELECT a FROM s ORDER BY a COLLATE utf8mb4_bin, id
SELECT COUNT(DISTINCT a), COUNT(DISTINCT a COLLATE utf8mb4_bin) FROM s
SELECT id, tm > '10:00:00', tm = '13:45:59', tm < '-10:00:00', tm BETWEEN '00:00:00' AND '100:30:15', tm IN ('00:00:00', '13:45:59.0') FROM t ORDER BY id
SELECT id FROM t WHERE tm <=> '13:45:59'
SELECT id, dt = '2024-02-29T13:45:59', dt >= '2023-01-01 00:00', d < '2024-02-29 00:00', dt3 <= '1999-12-31T23:59:59.999', ts > '2020-12-31T12:00' FROM t ORDER BY id
SELECT id FROM c WHERE chan > 'shop'
SELECT id, chan > 'shop', chan < 'shop', chan >= 'SHOP', chan BETWEEN 'phone' AND 'shop', chan IN ('web', 'PHONE'), chan LIKE 'w%', chan <=> 'shop', chan = 'none' FROM c ORDER BY id
SELECT MIN(chan), MAX(chan), COUNT(DISTINCT chan) FROM c
SELECT id, chan = region, chan < region FROM c ORDER BY id
SELECT id, st = 'a,b', st = 'A', st <> 'a', st LIKE '%b', st IN ('a', 'b') FROM t ORDER BY id
SELECT id, vb = 'x', vb < 'y', vb > '', vb = vb, vb IN ('x', 'y') FROM t ORDER BY id
SELECT id, y = 2024, y > 1970, y <> y, y IS TRUE, y IN (2024, 1970) FROM t ORDER BY id
SELECT id, d IS TRUE, dt IS NOT TRUE, ts IS FALSE, tm IS TRUE, NOT d, NOT tm, d AND TRUE, d XOR TRUE FROM t ORDER BY id
SELECT id FROM t WHERE d
SELECT id, num IS TRUE, NOT num FROM s WHERE id <> 20 ORDER BY id
SELECT id, IF(num, 'yes', 'no') FROM s ORDER BY id
SELECT id, d = x, d < x, d IN (x, 1.5) FROM n ORDER BY id
SELECT id, bu = b, bu > i, bu <= u, bu IN (1, 7), bu BETWEEN 1 AND 100, bu <> d0 FROM n ORDER BY id
SELECT id, a LIKE 'a\_b', a LIKE 'A%', a LIKE 'back\\\\%', a LIKE '%\%%', a LIKE 'a|_b' ESCAPE '|', a NOT LIKE '_' FROM s ORDER BY id
SELECT MIN(a), MAX(bin), MIN(gen) FROM s WHERE id IN (1, 6, 13)
SELECT id, d BETWEEN '2024-01-01' AND '2024-02-29 13:00:00', dt IN ('2024-02-29 13:45:59', '2023-01-01') FROM t ORDER BY id
SELECT id, (id, NULL) = (2, NULL), (id, NULL) <> (2, NULL), (NULL, id) < (1, 2) FROM nothing
SELECT id, CASE a WHEN 'APPLE' THEN 1 WHEN 'banana ' THEN 2 ELSE 0 END, NULLIF(a, 'APPLE') FROM s ORDER BY id
-- # literals of another kind
SELECT id FROM n WHERE d = '2.5' OR i IN ('7', 8) OR x < '0.5' OR d IN (1.15, '7.77') ORDER BY id
SELECT id, a LIKE 'a%', uni LIKE 'E%', uni LIKE '%_', uni REGEXP 'a', uni REGEXP '^x', bin REGEXP 'APP' FROM s ORDER BY id
SELECT id, d LIKE '2024%', dt LIKE '%:0_', y LIKE '20%', tm LIKE '-%', st LIKE '%b%' FROM t WHERE id <> 7 ORDER BY id
SELECT id FROM t ORDER BY st, id
SELECT id FROM t ORDER BY st DESC, id
SELECT id, st + 0, st = 3, st > 1, FIND_IN_SET('B', st), FIND_IN_SET('x', st) FROM t ORDER BY id
SELECT id, chan = 2, chan + 0, chan < 3 FROM c ORDER BY id
SELECT id FROM s WHERE a = 'äpple' ORDER BY id
SELECT id, SUM(qty) OVER (ORDER BY sold RANGE BETWEEN INTERVAL 30 DAY PRECEDING AND CURRENT ROW) FROM c ORDER BY id
SELECT GROUP_CONCAT(NULL), GROUP_CONCAT(name ORDER BY id) FROM emp
SELECT id, CASE WHEN ti > 0 THEN i / ti END, CASE WHEN ti = 0 THEN NULL ELSE i % ti END FROM n ORDER BY id
SELECT id, i / NULLIF(ti, 0), IF(x <> 0, d / x, NULL), IF(NOT ti = 0, i DIV ti, NULL), IF(d <= 0, NULL, i / d) FROM n WHERE ti IS NOT NULL AND z < 5 ORDER BY id
SELECT region, SUM(qty) / COUNT(*), IF(SUM(qty) > 50, 100 / SUM(qty), NULL) FROM c GROUP BY region ORDER BY region
SELECT d.v FROM (SELECT region, SUM(price) / COUNT(*) AS v FROM c GROUP BY region) d WHERE d.region = 'East'
SELECT q FROM (SELECT region, SUM(price) / SUM(qty) AS q FROM c GROUP BY region) d WHERE q > 0.1 ORDER BY q
SELECT id, region LIKE '%s%OUT%', region NOT LIKE '%E%ast', region LIKE 'xx%e%' FROM c ORDER BY id
SELECT id, b DIV 2, b % 7, n + b, (n + b) > 1, COUNT(n + b) OVER () FROM far ORDER BY id
SELECT COUNT(id * 2), COUNT(*) + 1, COUNT(*) * 3 - 1 FROM far WHERE id + 1 > 2 OR id * 2 < 1
SELECT z, YEAR(sold) + 1, YEAR(sold) * 2, u + 1 FROM n JOIN c USING (id) WHERE YEAR(sold) + 0 = 2024 AND u < 100 ORDER BY z
