-- Functions, operators and casts on edge rows; test_domains.py has them over many rows.
-- # numbers
SELECT id, TRUNCATE(d, 1), TRUNCATE(d6, -1), SIGN(d), SQRT(d), ROUND(d, -1), ROUND(i, -2), ROUND(d, 5) FROM n ORDER BY id
SELECT id, -u, -du, du - 1, u + du, x % 2, MOD(x, 3), IFNULL(u, 0), i + '1', 2 * '1.5' FROM n ORDER BY id
SELECT id, i & 1, i | u, i ^ ti, ~i, ~u, i << 2, b >> 3, BIT_COUNT(i), BIN(ti), OCT(ti), HEX(i), HEX(bu) FROM n ORDER BY id
SELECT id, bu - 0, bu % 10, bu DIV 3, bu > 18446744073709551614, bu = 18446744073709551615 FROM n ORDER BY id
SELECT id, i + 9223372036854775000 FROM n WHERE id <> 5 ORDER BY id
SELECT id, x = 1e3, x + 1.5e0, 1e-7 = x, d * 1e0 FROM n ORDER BY id
SELECT id, GREATEST(i, ti), LEAST(d, d6), GREATEST(d, 1), LEAST(u, 5), GREATEST(x, i), LEAST(i, ti, 3) FROM n ORDER BY id
SELECT id, FORMAT(d, 1), FORMAT(d6, 0), FORMAT(i, 2), INTERVAL(ti, 0, 5, 100), FIELD(i, 7, 10), ELT(z, 'a', 'b', 'c') FROM n ORDER BY id
SELECT id, IF(i > 5, i, 'none'), IFNULL(d, 'none'), CASE WHEN i > 5 THEN d ELSE '-' END, CONCAT(IF(i > 5, d, '?'), '!') FROM n ORDER BY id
SELECT id, CAST(i AS UNSIGNED), CAST(d AS DECIMAL(12,1)), CAST(d AS FLOAT), CAST(d AS CHAR(20)), CAST(u AS DOUBLE), CAST(w AS DOUBLE) FROM n ORDER BY id
SELECT id, d * d * d, w > x FROM n ORDER BY id
SELECT AVG(qty) * 3 = 38, AVG(qty) * 30000000, -AVG(qty), ABS(AVG(qty)), COALESCE(AVG(qty), 0) * 3, IF(TRUE, AVG(qty), NULL) * 3, CAST(AVG(qty) AS DECIMAL(20,9)), ROUND(AVG(qty), 4), ROUND(AVG(qty), 2), TRUNCATE(AVG(qty), 4), TRUNCATE(AVG(qty), 2), FLOOR(AVG(qty)), CEIL(-AVG(qty)), SIGN(AVG(qty) - 17), SIGN(AVG(qty)), ROUND(AVG(qty), -1), TRUNCATE(AVG(qty), -1) FROM c
SELECT FLOOR(AVG(price)), TRUNCATE(AVG(price), 3), ROUND(AVG(CEIL(price)), 2), CEIL(AVG(0 - qty)), FLOOR(AVG(i)) FROM c, n WHERE n.id <> 5
-- # strings
SELECT id, REVERSE(a), REPEAT(a, 2), SPACE(id % 4), LPAD(a, 5, '*'), RPAD(a, 7, 'xy'), REPLACE(a, 'p', 'PP'), INSERT(a, 2, 1, '=') FROM s ORDER BY id
SELECT id, CONCAT_WS('-', a, id, num), SUBSTRING_INDEX(a, ' ', 1), SUBSTRING_INDEX(a, 'a', -1), OCTET_LENGTH(a), BIT_LENGTH(uni), LENGTH(uni), CHAR_LENGTH(uni) FROM s ORDER BY id
SELECT id, INSTR(a, 'P'), LOCATE('e', a), LOCATE('P', a, 3), POSITION('b' IN a), ASCII(a), ORD(a), STRCMP(a, 'B'), FIND_IN_SET('A', a), FIELD(a, 'APPLE', 'b') FROM s ORDER BY id
SELECT id, HEX(a), SHA2(a, 256), TO_BASE64(a), QUOTE(a), TRIM('a' FROM a), TRIM(LEADING 'a' FROM a), TRIM(TRAILING 'e' FROM a) FROM s ORDER BY id
SELECT id FROM s WHERE a REGEXP '^a' OR a RLIKE 'B$' OR REGEXP_LIKE(a, 'ebr') ORDER BY id
SELECT id, a REGEXP 'PP', bin REGEXP 'PP', a NOT REGEXP '^zebra$' FROM s ORDER BY id
SELECT id FROM s WHERE CAST(bin AS CHAR) = 'APPLE' ORDER BY id
SELECT id, LENGTH(d), LEFT(d, 3), UPPER(i), CONCAT('x', ROUND(x, 1)), SUBSTRING(b, id, 2) FROM n WHERE id IN (1, 4, 5, 7, 8, 11, 12) ORDER BY id
SELECT id, 'a' 'b', CONCAT('%', 'x'), a LIKE CONCAT('a', '%') FROM s ORDER BY id
-- # dates
SELECT id, QUARTER(d), DAYOFWEEK(d), WEEKDAY(d), DAYOFYEAR(d), DAYNAME(d), MONTHNAME(d), LAST_DAY(d), TO_DAYS(d), TO_SECONDS(dt) FROM t WHERE id <> 7 ORDER BY id
SELECT id, HOUR(dt), MINUTE(dt), SECOND(dt3), MICROSECOND(dt3), HOUR(tm), MINUTE(tm), TIME_TO_SEC(tm), SEC_TO_TIME(id * 1000) FROM t ORDER BY id
SELECT id, WEEK(d), WEEK(d, 1), WEEK(d, 5), WEEKOFYEAR(d), YEARWEEK(d), YEARWEEK(d, 3), EXTRACT(YEAR_MONTH FROM dt), EXTRACT(HOUR_SECOND FROM tm) FROM t ORDER BY id
SELECT id, d + INTERVAL 1 DAY, d - INTERVAL 1 MONTH, INTERVAL 1 HOUR + d, DATE_ADD(ts, INTERVAL id SECOND), DATE_SUB(d, INTERVAL '1-1' YEAR_MONTH), ADDDATE(d, id), SUBDATE(d, 1), TIMESTAMPADD(WEEK, 1, d) FROM t ORDER BY id
SELECT id, TIMESTAMPDIFF(MONTH, d, '2024-02-28'), TIMESTAMPDIFF(DAY, dt, dt3), TIMESTAMPDIFF(YEAR, '2000-02-29', ts), DATE(dt3), TIME(dt3), TIMESTAMP(d) FROM t ORDER BY id
SELECT id, DATE_FORMAT(dt, '%Y-%m'), DATE_FORMAT(dt3, '%W %M %D %f %r'), TIME_FORMAT(tm, '%H.%i'), UNIX_TIMESTAMP(ts), UNIX_TIMESTAMP(dt3), FROM_UNIXTIME(id * 1000000) FROM t WHERE id <> 7 ORDER BY id
SELECT id, MAKEDATE(2024, id * 30), MAKETIME(id, 30, 0), PERIOD_ADD(202401, id), PERIOD_DIFF(202401, 202300 + id), FROM_DAYS(738000 + id), ADDTIME(ts, '01:00:00'), SUBTIME(ts, '00:00:01'), TIMEDIFF(ts, ts), CONVERT_TZ(ts, '+00:00', '+02:00') FROM t ORDER BY id
SELECT id, d + 0, dt + 0, dt3 + 0, tm + 0, d - 20240101, y + 0 FROM t ORDER BY id
SELECT id, CAST(d AS DATETIME), CAST(dt3 AS DATETIME), CAST(dt3 AS DATETIME(2)), CAST(ts AS TIME), CAST(d AS SIGNED), CONCAT(d, dt3, tm) FROM t WHERE id <> 7 ORDER BY id
SELECT COUNT(*) FROM t WHERE dt < NOW() AND d < CURDATE() - INTERVAL 1 DAY AND YEAR(d) < YEAR(CURRENT_TIMESTAMP)
SELECT id FROM t WHERE d >= DATE '2024-03-01' - INTERVAL 1 YEAR AND d < DATE_ADD('2024-02-28', INTERVAL 2 DAY) ORDER BY id
-- # documents
SELECT id, j->'$.a', j->>'$.a', JSON_EXTRACT(j, '$.a'), JSON_UNQUOTE(JSON_EXTRACT(j, '$.a')), JSON_LENGTH(j), JSON_VALID(j), JSON_CONTAINS_PATH(j, 'one', '$.a') FROM t ORDER BY id
SELECT id, JSON_TYPE(j) FROM t WHERE id <> 5 ORDER BY id
SELECT JSON_OBJECT('id', id, 'price', price, 'sold', sold, 'region', region, 'big', qty > 5), JSON_ARRAY(id, product, NULL) FROM c ORDER BY id
SELECT id, JSON_EXTRACT(j, '$'), JSON_EXTRACT(j, '$.a', '$.b'), JSON_EXTRACT(j, '$[*]'), j = 1, j <=> 's', j->'$.a' = 1, j->>'$.a' LIKE '1%' FROM t ORDER BY id
SELECT id, JSON_CONTAINS(j, '1'), JSON_CONTAINS(j, '"s"'), JSON_CONTAINS(j, 'null'), JSON_CONTAINS(j, '1', '$.a'), 2 MEMBER OF ('[1, 2]'), JSON_OVERLAPS('[1]', '[2]') FROM t ORDER BY id
SELECT id FROM t WHERE id IN (1, 4) ORDER BY j->'$.a', id
SELECT JSON_OBJECT('k', d, 'w', w) FROM n ORDER BY id
SELECT JSON_OBJECTAGG(name, id), JSON_OBJECTAGG(name, city) FROM dept
SELECT dept_id, JSON_OBJECTAGG(name, salary) FROM emp GROUP BY dept_id ORDER BY dept_id
SELECT CHARSET(lat), COLLATION(a), COLLATION(bin), CHARSET('a'), COLLATION('a'), COERCIBILITY(a), COERCIBILITY('a') FROM s WHERE id = 1
SELECT id, UPPER(vb), LEFT(vb, 1), HEX(RIGHT(vb, 2)), vb LIKE 'a%', vb LIKE '_' FROM t ORDER BY id
-- # constants
SELECT id, 1 / 3, 2 + 3 * 4 ^ 1, NULLIF(1, 1), CONCAT('a', NULL), UNHEX('41'), JSON_SET('{"a": 1}', '$.b', 2), CRC32('MySQL'), SHA2('abc', 512) FROM c ORDER BY id
SELECT id, CASE WHEN 1 < 2 THEN 'x' END, INTERVAL(NULL, 1, 2), 'a' REGEXP 'A', STR_TO_DATE('01,5,2013', '%d,%m,%Y'), EXTRACT(YEAR FROM '2024-02-29'), 'it''s' IN ('x', "it's") FROM c ORDER BY id
SELECT id, POW(2, 10), EXP(0), LN(1), LOG10(1000), LOG2(8), TAN(0), SIN(0), COS(0), ATAN(0), POWER(2, 2) FROM c WHERE id = 1
SELECT id, TIME '10:11:12', TIMESTAMP '2024-01-05 10:11:12.50', CAST('2024-01-05' AS DATETIME), DATE_ADD('2024-01-31', INTERVAL 1.5 DAY) FROM c WHERE id = 1
