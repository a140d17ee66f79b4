"""Counting connections over all workers."""

from heatproxy.config import LimitsConfig
from heatproxy.supervisor.quota import Quota


def quota(connections: int = 0, per_user: int = 0) -> Quota:
    return Quota(LimitsConfig(connections, per_user, 0, 0))


def test_there_is_room_until_the_limit_whoever_asks() -> None:
    counted = quota(connections=2)
    assert [counted.enter(1, 1), counted.enter(2, 1)] == [True, True]
    assert not counted.enter(1, 2)
    counted.leave(2, 1)
    assert counted.enter(1, 2)
    assert not counted.enter(2, 2)


def test_one_who_leaves_twice_or_never_came_makes_no_room() -> None:
    counted = quota(connections=1)
    assert counted.enter(1, 1)
    counted.leave(1, 9)
    assert not counted.enter(1, 2)
    counted.leave(1, 1)
    counted.leave(1, 1)
    assert counted.enter(1, 3)
    assert not counted.enter(1, 4)


def test_a_user_has_as_many_as_the_limit_says() -> None:
    counted = quota(per_user=1)
    assert counted.admit(1, 1, "a")
    assert not counted.admit(2, 1, "a")
    assert counted.admit(2, 1, "b")
    counted.leave(1, 1)
    assert counted.admit(2, 2, "a")


def test_a_session_that_changes_its_user_frees_the_place_of_the_old() -> None:
    counted = quota(per_user=1)
    assert counted.admit(1, 1, "a")
    assert counted.admit(1, 1, "a")  # itself again
    assert counted.admit(1, 1, "b")
    assert counted.admit(1, 2, "a")


def test_a_dead_worker_counts_no_more() -> None:
    counted = quota(connections=2, per_user=1)
    for worker in (1, 2):
        assert counted.enter(worker, 1)
        assert counted.admit(worker, 1, f"user{worker}")
    counted.forget(1)
    assert counted.enter(2, 2)
    assert counted.admit(2, 2, "user1")
    assert not counted.enter(2, 3)


def test_who_came_before_there_was_a_limit_counts_too() -> None:
    counted = quota(connections=3, per_user=1)
    counted.present(1, [(1, "a"), (2, None)])
    assert not counted.admit(2, 1, "a")
    counted.present(1, [(2, None)])  # the other has left when nobody counted
    assert counted.admit(2, 1, "a")
    assert counted.enter(2, 2)
    assert not counted.enter(2, 3)
