-- name: dates
SELECT CAST(strftime(d, '%Y%m%d') AS INTEGER) AS d_datekey,
    strftime(d, '%B %-d, %Y') AS d_date,
    dayname(d) AS d_dayofweek,
    monthname(d) AS d_month,
    year(d) AS d_year,
    year(d) * 100 + month(d) AS d_yearmonthnum,
    strftime(d, '%b%Y') AS d_yearmonth,
    dayofweek(d) + 1 AS d_daynuminweek,
    day(d) AS d_daynuminmonth,
    dayofyear(d) AS d_daynuminyear,
    month(d) AS d_monthnuminyear,
    (dayofyear(d) - 1) // 7 + 1 AS d_weeknuminyear,
    CASE WHEN month(d) IN (11, 12) THEN 'Christmas' WHEN month(d) = 1 THEN 'Winter'
        WHEN month(d) BETWEEN 5 AND 8 THEN 'Summer' WHEN month(d) >= 9 THEN 'Fall'
        ELSE 'Spring' END AS d_sellingseason,
    CAST(d = last_day(d) AS INTEGER) AS d_lastdayinmonthfl,
    CAST(dayofweek(d) BETWEEN 1 AND 5 AS INTEGER) AS d_weekdayfl
FROM (SELECT CAST(unnest AS DATE) AS d FROM unnest(
    generate_series(DATE '1992-01-01', DATE '1998-12-31', INTERVAL 1 DAY)))
-- name: supplier
SELECT s_suppkey, s_name, substr(s_address, 1, 25) AS s_address,
    rpad(n_name, 9, ' ') || CAST(s_suppkey % 10 AS VARCHAR) AS s_city,
    substr(n_name, 1, 15) AS s_nation, r_name AS s_region, s_phone
FROM supplier JOIN nation ON s_nationkey = n_nationkey
    JOIN region ON n_regionkey = r_regionkey
-- name: customer
SELECT c_custkey, c_name, substr(c_address, 1, 25) AS c_address,
    rpad(n_name, 9, ' ') || CAST(c_custkey % 10 AS VARCHAR) AS c_city,
    substr(n_name, 1, 15) AS c_nation, r_name AS c_region, c_phone, c_mktsegment
FROM customer JOIN nation ON c_nationkey = n_nationkey
    JOIN region ON n_regionkey = r_regionkey
-- name: part
SELECT p_partkey, p_name, 'MFGR#' || m AS p_mfgr, 'MFGR#' || m || c AS p_category,
    'MFGR#' || m || c || CAST(p_partkey % 40 + 1 AS VARCHAR) AS p_brand1,
    split_part(p_name, ' ', 1) AS p_color, p_type, p_size, p_container
FROM (SELECT *, substr(p_mfgr, 14, 1) AS m, substr(p_brand, 8, 1) AS c FROM part)
-- name: lineorder
SELECT l_orderkey AS lo_orderkey, l_linenumber AS lo_linenumber,
    o_custkey AS lo_custkey, l_partkey AS lo_partkey, l_suppkey AS lo_suppkey,
    CAST(strftime(o_orderdate, '%Y%m%d') AS INTEGER) AS lo_orderdate,
    o_orderpriority AS lo_orderpriority,
    CAST(o_shippriority AS VARCHAR) AS lo_shippriority,
    CAST(l_quantity AS INTEGER) AS lo_quantity,
    CAST(l_extendedprice * 100 AS INTEGER) AS lo_extendedprice,
    CAST(o_totalprice * 100 AS INTEGER) AS lo_ordtotalprice,
    CAST(l_discount * 100 AS INTEGER) AS lo_discount,
    CAST(l_extendedprice * (1 - l_discount) * 100 AS INTEGER) AS lo_revenue,
    CAST(ps_supplycost * 100 AS INTEGER) AS lo_supplycost,
    CAST(l_tax * 100 AS INTEGER) AS lo_tax,
    CAST(strftime(least(l_commitdate, DATE '1998-12-31'), '%Y%m%d') AS INTEGER)
        AS lo_commitdate,
    l_shipmode AS lo_shipmode
FROM lineitem JOIN orders ON l_orderkey = o_orderkey
    JOIN partsupp ON l_partkey = ps_partkey AND l_suppkey = ps_suppkey
