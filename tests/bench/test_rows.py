from heatproxy.bench import rows


def test_both_protocols_are_measured_on_the_same_table():
    text, binary = rows.measure(n_rows=2000, turns=1)
    assert (text.protocol, binary.protocol) == ("text", "binary")
    for rate in (text, binary):
        assert rate.rows_per_s > 0
    assert 110 < text.bytes_per_s / text.rows_per_s < 140
    assert 70 < binary.bytes_per_s / binary.rows_per_s < 90


def test_the_table_is_the_same_each_time_and_has_nulls_in_two_columns():
    table = rows.eight_columns(1000)
    assert table.equals(rows.eight_columns(1000))
    nulls = [column.null_count for column in table.columns]
    assert [count > 0 for count in nulls] == [False] * 6 + [True] * 2
    table.validate(full=True)
