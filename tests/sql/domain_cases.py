"""What the domain tests ask: expressions over whole tables, as (table, expressions)."""

# ruff: noqa: E501

CASES: tuple[tuple[str, str], ...] = (
    ("nums", "i + 1, i - b, i * t, b * 3, u - 0, u + u, u * u, bu + 1, bu + u"),
    (
        "nums",
        "d + e, d * e, d - 1, du + du, du * 2, e * d, w * 3, w + e, -i, -u, -d, -x",
    ),
    ("nums", "i / k, d / k, e / 7, b / 3, 1 / k, u / 7, (du + 1) / (du + 1)"),
    ("nums", "i DIV k, d DIV 3, u DIV 7, b DIV k, i % k, d % 7, u % 7, e % 0.3, x % 3"),
    (
        "nums",
        "CASE WHEN t > 0 THEN i / t END, IF(t = 0, NULL, i % t), i / NULLIF(t, 0), IF(x <> 0, d / x, NULL)",
    ),
    ("nums", "x * 2, x / 3, x + d, x - i, f + 0, f * 2, y + 1, bt + 0, en + 0"),
    ("nums", "ROUND(d), ROUND(d, 1), ROUND(e, 2), ROUND(w, 3), ROUND(i), ROUND(d, 5)"),
    ("nums", "ROUND(d, -1), ROUND(e, -2), ROUND(w, -3), ROUND(i, -1), ROUND(b, -3)"),
    ("nums", "ROUND(x), ROUND(x, 2), ROUND(x, 5), ROUND(x, -1), ROUND(x, -3)"),
    (
        "nums",
        "TRUNCATE(d, 1), TRUNCATE(e, 0), TRUNCATE(w, 3), TRUNCATE(d, -1), TRUNCATE(e, -3)",
    ),
    (
        "nums",
        "TRUNCATE(i, -2), TRUNCATE(u, -1), TRUNCATE(x, 2), TRUNCATE(x, 0), TRUNCATE(x, -2)",
    ),
    (
        "nums",
        "FLOOR(e), FLOOR(x), FLOOR(du), CEIL(d), CEILING(x), ABS(d), ABS(u), SIGN(x), SQRT(d)",
    ),
    (
        "nums",
        "i & 255, i | b, i ^ t, ~i, u & i, bu | 1, i << 3, u << 40, b >> 2, i >> 63, u >> 70",
    ),
    (
        "nums",
        "BIN(i), OCT(b), HEX(i), HEX(u), HEX(bt), BIT_COUNT(b), FORMAT(d, 1), FORMAT(w, 2)",
    ),
    (
        "nums",
        "FORMAT(i, 0), FORMAT(d, 4), FORMAT(b, 2), FORMAT(du, 0), CONCAT(i, '/', d, b, u, en)",
    ),
    (
        "nums",
        "GREATEST(i, t), LEAST(d, 5.00), GREATEST(x, d), LEAST(u, 5), IFNULL(u, 0)",
    ),
    (
        "nums",
        "COALESCE(x, i, 1), IFNULL(d, 1.5), IF(i > 0, i, u), NULLIF(d, 2.5), NULLIF(x, 0)",
    ),
    (
        "nums",
        "CASE WHEN i > 0 THEN i WHEN i < -100 THEN t END, CASE t WHEN 1 THEN d ELSE -d END",
    ),
    (
        "nums",
        "CAST(d AS SIGNED), CAST(x AS SIGNED), CAST(i AS UNSIGNED), CAST(du AS UNSIGNED)",
    ),
    (
        "nums",
        "CAST(e AS DECIMAL(20,2)), CAST(x AS DECIMAL(20,3)), CAST(w AS DECIMAL(30,0))",
    ),
    ("nums", "CAST(d AS CHAR), CAST(b AS CHAR(30)), CAST(y AS CHAR), CAST(en AS CHAR)"),
    (
        "nums",
        "CAST(e AS DOUBLE), CAST(w AS DOUBLE), CAST(x AS FLOAT), CAST(f AS DOUBLE)",
    ),
    (
        "nums",
        "INTERVAL(t, -10, 0, 5, 50), INTERVAL(d, 0.5, 10), FIELD(t, 1, 2, 3), ELT(t, 'a', 'b')",
    ),
    (
        "nums",
        "d * 1.05 - e, (d + 1) * (1 - 0.07), LENGTH(d), MOD(b, 13), ROUND(d / 3, 2)",
    ),
    (
        "nums",
        "i LIKE '1%', d LIKE '%.5_', y LIKE '20%', en LIKE '%L%', st LIKE '%b%', b LIKE '-%'",
    ),
    (
        "nums",
        "i IN ('7', '-1', 3), d = '2.5', d < '-1.25', x < '0.5', f > '-3', b <> '12', e IN (0.5, '7')",
    ),
    (
        "nums",
        "en = 2, en > 1, en <= 2, st = 3, st > 5, st + 0, st + i, en * 2, FIND_IN_SET('C', st), FIND_IN_SET('x', st)",
    ),
    (
        "days",
        "YEAR(d), MONTH(d), DAY(d), DAYOFMONTH(m6), QUARTER(dt), YEAR(ts), DAYOFWEEK(d)",
    ),
    (
        "days",
        "WEEKDAY(d), DAYOFYEAR(dt), DAYNAME(d), MONTHNAME(m3), HOUR(dt), MINUTE(m3), HOUR(d)",
    ),
    (
        "days",
        "SECOND(m6), MICROSECOND(m6), HOUR(t), MINUTE(t3), SECOND(t3), MICROSECOND(t3)",
    ),
    (
        "days",
        "EXTRACT(YEAR FROM d), EXTRACT(QUARTER FROM m3), EXTRACT(HOUR FROM m6), EXTRACT(MICROSECOND FROM m6)",
    ),
    (
        "days",
        "EXTRACT(YEAR_MONTH FROM d), EXTRACT(DAY_HOUR FROM m6), EXTRACT(DAY_MINUTE FROM m6), EXTRACT(DAY_SECOND FROM dt)",
    ),
    (
        "days",
        "EXTRACT(HOUR_MINUTE FROM dt), EXTRACT(HOUR_SECOND FROM m6), EXTRACT(MINUTE_SECOND FROM dt), EXTRACT(SECOND_MICROSECOND FROM m6)",
    ),
    (
        "days",
        "EXTRACT(HOUR FROM t), EXTRACT(MINUTE FROM t3), EXTRACT(HOUR_SECOND FROM t)",
    ),
    (
        "days",
        "WEEK(d), WEEK(d,0), WEEK(d,1), WEEK(d,2), WEEK(d,3), WEEK(d,4), WEEK(d,5), WEEK(d,6), WEEK(d,7)",
    ),
    (
        "days",
        "WEEKOFYEAR(d), YEARWEEK(d), YEARWEEK(d,1), YEARWEEK(d,2), YEARWEEK(d,4), YEARWEEK(d,5), YEARWEEK(m6,7)",
    ),
    (
        "days",
        "LAST_DAY(d), LAST_DAY(m6), TO_DAYS(d), TO_DAYS(dt), TO_SECONDS(d), TO_SECONDS(m6), DATE(m6), TIME(m6)",
    ),
    (
        "days",
        "TIMESTAMP(d), TIMESTAMP(m3), DATEDIFF(d, d2), DATEDIFF(m6, d), DATEDIFF(d, '2020-02-29')",
    ),
    (
        "days",
        "FROM_DAYS(yr * 365), MAKEDATE(yr, nd), PERIOD_ADD(per, n % 12), PERIOD_DIFF(per, 202401)",
    ),
    ("days", "SEC_TO_TIME(n * 1000), TIME_TO_SEC(t), TIME_TO_SEC(t3), TIME_TO_SEC(m6)"),
    (
        "days",
        "UNIX_TIMESTAMP(ts), UNIX_TIMESTAMP(d), UNIX_TIMESTAMP(dt), UNIX_TIMESTAMP(m3), UNIX_TIMESTAMP(m6), FROM_UNIXTIME(ep), FROM_UNIXTIME(n)",
    ),
    (
        "days",
        "d + INTERVAL n DAY, d - INTERVAL n DAY, d + INTERVAL 1 MONTH, d - INTERVAL 1 YEAR, d + INTERVAL n MONTH, ADDDATE(d, 31), SUBDATE(d, n)",
    ),
    (
        "days",
        "d + INTERVAL n % 50 WEEK, d + INTERVAL 2 QUARTER, d + INTERVAL n % 5 YEAR, d + INTERVAL 1 HOUR, d - INTERVAL n SECOND",
    ),
    (
        "days",
        "DATE_ADD(dt, INTERVAL n HOUR), DATE_SUB(dt, INTERVAL n MINUTE), m3 + INTERVAL n SECOND, dt + INTERVAL n MICROSECOND, ts + INTERVAL 1 DAY",
    ),
    (
        "days",
        "dt + INTERVAL '1:30' HOUR_MINUTE, d + INTERVAL '1-2' YEAR_MONTH, dt - INTERVAL '1 02:03:04' DAY_SECOND, m3 + INTERVAL '-5 10' DAY_HOUR",
    ),
    (
        "days",
        "dt + INTERVAL '10:20' MINUTE_SECOND, d + INTERVAL '1:2:3' HOUR_SECOND, d + INTERVAL '2 3:4' DAY_MINUTE, INTERVAL n DAY + m6",
    ),
    (
        "days",
        "TIMESTAMPDIFF(MONTH, d, d2), TIMESTAMPDIFF(YEAR, m6, d), TIMESTAMPDIFF(QUARTER, dt, m6), TIMESTAMPDIFF(DAY, m6, d), TIMESTAMPDIFF(WEEK, d, d2)",
    ),
    (
        "days",
        "TIMESTAMPDIFF(HOUR, m6, m3), TIMESTAMPDIFF(MINUTE, dt, m3), TIMESTAMPDIFF(SECOND, m6, m3), TIMESTAMPDIFF(MICROSECOND, m6, dt)",
    ),
    (
        "days",
        "TIMESTAMPADD(MONTH, 1, d), TIMESTAMPADD(HOUR, n, dt), TIMESTAMPADD(SQL_TSI_DAY, 2, d)",
    ),
    (
        "days",
        "DATE_FORMAT(d, '%Y-%m-%d'), DATE_FORMAT(m6, '%H:%i:%s.%f'), DATE_FORMAT(dt, '%a %b %c %D %e'), DATE_FORMAT(m6, '%h %I %k %l %p %r %T')",
    ),
    (
        "days",
        "DATE_FORMAT(d, '%j %M %W %w %y %%'), DATE_FORMAT(d, '%U %u'), DATE_FORMAT(d, '%V %v %X %x'), DATE_FORMAT(d, 'Q{x} %Y''%q%z'), DATE_FORMAT(dt, '%S %d.%m')",
    ),
    (
        "days",
        "TIME_FORMAT(t, '%H:%i:%s'), TIME_FORMAT(t3, '%k.%i.%f'), TIME_FORMAT(CAST(dt AS TIME), '%T')",
    ),
    (
        "days",
        "ADDTIME(dt, '01:30:00'), SUBTIME(m3, '10:00:00'), ADDTIME(t, '00:30:00'), SUBTIME(t3, t), ADDTIME(m6, t3), TIMEDIFF(t, t3), TIMEDIFF(t, '00:10:00')",
    ),
    (
        "days",
        "MAKETIME(n % 800, 10, 20), MAKETIME(3, n, 1), CONVERT_TZ(dt, '+00:00', '+05:30'), CONVERT_TZ(m6, '-03:00', '+10:00')",
    ),
    (
        "days",
        "CAST(dt AS DATE), CAST(m6 AS DATE), CAST(d AS DATETIME), CAST(m6 AS DATETIME(3)), CAST(m3 AS DATETIME), CAST(dt AS TIME), CAST(m6 AS TIME), CAST(t3 AS TIME), CAST(ts AS YEAR)",
    ),
    (
        "days",
        "CAST(d AS SIGNED), CAST(dt AS SIGNED), CAST(t AS SIGNED), CAST(dt AS DECIMAL(20,2)), CAST(d AS CHAR), CAST(m6 AS CHAR), CAST(t3 AS CHAR)",
    ),
    (
        "days",
        "d + 0, dt + 0, m3 + 0, m6 + 0, t + 0, t3 + 0, d - d2, d * 2, CONCAT(d, ' ', t), LEFT(dt, 7), SUBSTRING(d, 6, 2)",
    ),
    (
        "days",
        "IFNULL(d, d2), COALESCE(dt, ts), IF(n > 0, d, d2), CASE WHEN n > 0 THEN dt END, GREATEST(d, d2), LEAST(dt, ts), GREATEST(d, dt)",
    ),
    (
        "words",
        "UPPER(s), LOWER(s), UCASE(c), LCASE(g), LENGTH(un), LENGTH(la), BIT_LENGTH(un), OCTET_LENGTH(la), CHAR_LENGTH(un), CHARACTER_LENGTH(la)",
    ),
    (
        "words",
        "CONCAT(s, '-', n), CONCAT(la, 'x'), CONCAT(un, n), CONCAT(bi, 1.50), CONCAT_WS(',', s, p, n), CONCAT_WS(s, un, 'x'), CONCAT_WS('', s, p, n)",
    ),
    (
        "words",
        "LEFT(s, 2), LEFT(un, n), RIGHT(un, n), RIGHT(s, 3), LEFT(s, -1), RIGHT(la, 0)",
    ),
    (
        "words",
        "SUBSTRING(s, 2), SUBSTRING(un, n), SUBSTRING(s, n, m), SUBSTR(un, 2, 3), MID(s, -3, 2), SUBSTRING(s, 0), SUBSTRING(s, 3, n), SUBSTRING(la, -2)",
    ),
    (
        "words",
        "SUBSTRING_INDEX(s, ',', 1), SUBSTRING_INDEX(s, ',', -1), SUBSTRING_INDEX(s, '.', 2), SUBSTRING_INDEX(un, 'a', -2), SUBSTRING_INDEX(s, 'ab', -1), SUBSTRING_INDEX(g, ',', 0)",
    ),
    (
        "words",
        "REPLACE(s, 'a', 'xyz'), REPLACE(un, ' ', ''), REPLACE(s, p, '-'), REPLACE(s, 'ab', p), REPLACE(c, '', 'x')",
    ),
    (
        "words",
        "LPAD(s, 5, '*'), RPAD(un, 8, 'ab'), LPAD(n, 4, '0'), RPAD(s, 0, 'x'), REPEAT(s, n), REPEAT(un, m), SPACE(m)",
    ),
    (
        "words",
        "INSERT(s, 2, 3, 'xyz'), INSERT(un, 1, 1, ''), INSERT(s, 0, 1, 'x'), INSERT(s, 3, -1, 'x'), INSERT(s, 2, 100, p)",
    ),
    (
        "words",
        "TRIM(s), LTRIM(s), RTRIM(s), TRIM(LEADING 'a' FROM s), TRIM(TRAILING 'b' FROM s), TRIM(BOTH 'a' FROM un), TRIM('\"' FROM s)",
    ),
    (
        "words",
        "INSTR(s, 'B'), LOCATE('ab', s), LOCATE('A', s, 3), POSITION('b' IN s), INSTR(g, 'AB'), INSTR(bi, 'ab'), LOCATE(p, s), INSTR(s, ''), LOCATE('', s, 4)",
    ),
    (
        "words",
        "ASCII(s), ORD(g), REVERSE(s), REVERSE(c), HEX(s), HEX(un), SHA2(s, 256), SHA2(un, 0), TO_BASE64(s), QUOTE(s), QUOTE(un)",
    ),
    (
        "words",
        "FIELD(s, 'ab', 'a', ''), FIELD(p, 'a', 'b', 'c'), ELT(m, 'x', s, un), FIND_IN_SET('a', s), FIND_IN_SET(p, 'a,b,c'), FIND_IN_SET('AB', g)",
    ),
    ("words", "STRCMP(s, p), STRCMP(s, 'ab'), STRCMP(bi, 'a'), STRCMP(g, 'B')"),
    (
        "words",
        "s REGEXP '^ab', s REGEXP 'a', s RLIKE 'b$', REGEXP_LIKE(s, '^ab$'), g REGEXP 'AB', bi REGEXP 'AB', s NOT REGEXP 'a,b'",
    ),
    (
        "words",
        "CAST(s AS CHAR), CAST(un AS CHAR(60)), CAST(la AS CHAR), CAST(bi AS CHAR), CAST(z AS DECIMAL(12,3)), CAST(z AS DOUBLE), LENGTH(CAST(un AS BINARY))",
    ),
    ("words", "z + 1, z * 2, z / 2, -z, z > 100, ABS(z), ROUND(z, 1)"),
    (
        "words",
        "IF(n > 3, s, 'none'), IFNULL(s, un), COALESCE(p, s, 'x'), NULLIF(s, 'AB'), NULLIF(p, 'c'), CASE p WHEN 'A' THEN 'one' WHEN 'c' THEN s ELSE un END",
    ),
    (
        "words",
        "UPPER(CONCAT(s, p)), LENGTH(TRIM(s)), CONCAT(UPPER(LEFT(p, 1)), LOWER(SUBSTRING(p, 2))), CHAR_LENGTH(REPLACE(un, 'a', '')), 'a' 'b', REVERSE(n)",
    ),
    (
        "days",
        "d LIKE '20%', dt LIKE '%:59', m6 LIKE '%.9%', t LIKE '-%', ts LIKE '19_0%'",
    ),
    (
        "words",
        "un LIKE 'a%', un LIKE '%B_', un NOT LIKE '%e%', un LIKE 'A|%%' ESCAPE '|', s LIKE 'a|_%' ESCAPE '|', g LIKE 'AB%', g LIKE '%e%'",
    ),
    (
        "words",
        "un LIKE '%1%', un LIKE '_', un LIKE '__', un LIKE '%o_l%', g LIKE '%a', un LIKE '% ', un LIKE '%4%'",
    ),
    (
        "words",
        "un REGEXP 'ab', un REGEXP '^a', g REGEXP 'AB', bi REGEXP 'Ab', un RLIKE '^b', un NOT REGEXP ' a'",
    ),
    (
        "words",
        "HEX(la), SHA2(la, 256), CHARSET(la), COLLATION(g), COERCIBILITY(s), HEX(vb), UPPER(vb), HEX(LEFT(vb, 2)), HEX(RIGHT(vb, 1))",
    ),
    ("words", "vb LIKE 'a%', vb LIKE '%b', vb LIKE '_', vb LIKE '%a_', vb = 'ab'"),
    (
        "docs",
        "j->'$', j->>'$', j->'$.list', j->'$.deep', j->>'$.deep', j->'$.list[last]', JSON_EXTRACT(j, '$.n', '$.s', '$.zz'), JSON_EXTRACT(j, '$[*]')",
    ),
    (
        "docs",
        "j->'$.n' = 5, j->'$.s' = 'x', j->'$.s' <> 'ünï', j->'$.n' <=> 7, j->>'$.s' = 'x', j->>'$.s' LIKE 'ü%', j->'$.n' + 1, j->'$.n' * 0.5",
    ),
    (
        "docs",
        "JSON_CONTAINS(j, '5', '$.n'), JSON_CONTAINS(j, '\"x\"', '$.s'), JSON_CONTAINS(j, 'true', '$.list'), JSON_CONTAINS(j, 'null', '$.list'), JSON_CONTAINS(o, '1')",
    ),
    (
        "docs",
        "j->'$.n', j->>'$.n', j->'$.s', j->>'$.s', j->>'$.a', j->>'$.name', JSON_UNQUOTE(JSON_EXTRACT(j, '$.b')), j->>'$.list[1]'",
    ),
    ("docs", "j->>'$.deep.k[0].z', j->'$.deep.k[1].z', JSON_EXTRACT(o, '$.x')"),
    (
        "docs",
        "JSON_LENGTH(j), JSON_LENGTH(j, '$.list'), JSON_LENGTH(j, '$.deep'), JSON_LENGTH(j, '$.n'), JSON_LENGTH(j,'$.zzz'), JSON_TYPE(o)",
    ),
    (
        "docs",
        "JSON_CONTAINS_PATH(j, 'one', '$.a', '$.b'), JSON_CONTAINS_PATH(j, 'all', '$.s', '$.n'), JSON_CONTAINS_PATH(j, 'one', '$.name'), JSON_VALID(j)",
    ),
)
