from idc.ingest.retry_policy import RetryPolicy


def test_pauses_double_up_to_a_limit():
    limits = RetryPolicy(backoff_s=1, backoff_most_s=10, retry_after_most_s=300)

    assert [limits.pause_s(attempt) for attempt in (1, 2, 3, 4, 5, 99)] == [1, 2, 4, 8, 10, 10]


def test_pause_requested_by_the_server_is_honoured_up_to_a_limit():
    limits = RetryPolicy(retry_after_most_s=300)

    assert [limits.pause_s(1, requested) for requested in (0, 42, 3_600)] == [0, 42, 300]


def test_default_read_timeout_is_at_most_a_minute():
    assert RetryPolicy().stall_s <= 60
