"""The pool of earlier fakes: which come back, and that a resumed one is the unbroken one."""

import pytest
import torch

from portrayal.training.pool import Pool


def picture(number: float, count: int = 1) -> torch.Tensor:
    return torch.full((count, 3, 2, 2), float(number))


def shown(pool: Pool, numbers: range) -> list[int]:
    return [int(pool.exchange(picture(number))[0, 0, 0, 0]) for number in numbers]


def test_a_pool_without_room_hands_everything_through_detached():
    pool = Pool(0)
    fakes = picture(3, 2).requires_grad_()
    out = pool.exchange(fakes)
    assert torch.equal(out, fakes)
    assert not out.requires_grad
    assert pool.state_dict() == {"pictures": []}


def test_while_there_is_room_pictures_are_stored_and_shown():
    pool = Pool(4)
    assert shown(pool, range(4)) == [0, 1, 2, 3]
    assert [int(p[0, 0, 0]) for p in pool.pictures] == [0, 1, 2, 3]


def test_every_slot_is_reachable_and_half_of_the_pictures_are_shown_themselves():
    torch.manual_seed(0)
    pool, itself = Pool(5), 0
    shown(pool, range(5))
    seen = set()
    for number in range(5, 1005):
        before = [int(p[0, 0, 0]) for p in pool.pictures]
        out = shown(pool, range(number, number + 1))[0]
        if out == number:
            itself += 1
            assert [int(p[0, 0, 0]) for p in pool.pictures] == before
        else:
            slot = before.index(out)
            assert int(pool.pictures[slot][0, 0, 0]) == number, (
                "it takes the place of the shown one"
            )
            seen.add(slot)
    assert seen == set(range(5))
    assert 440 < itself < 560


def test_what_is_stored_is_no_view_of_what_came_and_keeps_no_graph():
    pool = Pool(2)
    fakes = picture(1, 2).requires_grad_()
    out = pool.exchange(fakes * 1)
    assert not out.requires_grad
    assert not any(p.requires_grad for p in pool.pictures)
    with torch.no_grad():
        out.zero_()
    assert all(bool((p == 1).all()) for p in pool.pictures)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_a_restored_pool_goes_on_as_the_unbroken_one(kind):
    one = Pool(3)
    torch.manual_seed(1)
    shown(one, range(10))
    one.exchange(picture(10).to(kind))
    other = Pool(3)
    other.load_state_dict(one.state_dict())
    results = []
    for pool in (one, other):
        torch.manual_seed(2)
        results.append(shown(pool, range(11, 40)))
    assert results[0] == results[1]


def test_a_smaller_pool_takes_what_it_has_room_for():
    large, small = Pool(5), Pool(2)
    shown(large, range(5))
    small.load_state_dict(large.state_dict())
    assert len(small.pictures) == 2
