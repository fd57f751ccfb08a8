"""The search for z on problems whose answer is known."""

from itertools import pairwise

import pytest
import torch

from portrayal.recipes.search import AT_ONCE, Found, Look, Search, moves, search

CPU = torch.device("cpu")
LATENT = 5


class Bowls:
    """A picture is its z; known is a point for each picture, and the cost the squared distance."""

    def __init__(self, goals: torch.Tensor, own: float = 0.0) -> None:
        self.goals, self.own = goals, own

    def draw(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return z, self.own * z.square().sum(1)

    def match(self, drawn: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
        return (drawn - self.goals[pictures]).square().sum(1)


class Waves(Bowls):
    """Many valleys: which one is found depends on the start."""

    def match(self, drawn: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
        away = drawn - self.goals[pictures]
        return (away.square() + 0.5 - 0.5 * (12 * away).cos()).sum(1)


class Coarse(Waves):
    """The same waves, measured in steps of an eighth and a little beside the point."""

    def match(self, drawn: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
        costs = super().match(drawn + 0.02, pictures)
        return costs + ((costs * 8).round() / 8 - costs).detach() - 5


def goals(count: int = 4, spread: float = 0.9) -> torch.Tensor:
    rng = torch.Generator().manual_seed(3)
    return (torch.rand(count, LATENT, generator=rng) * 2 - 1) * spread


def found(problem: Bowls, **how: object) -> Found:
    usual = {"starts": 8, "kept": 1, "steps": 300, "descent": "adam", "rate": 0.02}
    return search(problem, len(problem.goals), LATENT, Search(**{**usual, **how}), CPU)


@pytest.mark.parametrize(("descent", "rate"), [("adam", 0.02), ("nesterov", 0.01)])
def test_every_picture_finds_its_own_goal(descent, rate):
    answer = found(Bowls(goals()), descent=descent, rate=rate)
    assert torch.allclose(answer.z, goals(), atol=1e-2)
    assert (answer.end < 1e-3).all()


def test_a_goal_outside_is_met_at_the_border():
    answer = found(Bowls(torch.full((1, LATENT), 3.0)))
    assert torch.equal(answer.z, torch.ones(1, LATENT))


@pytest.mark.parametrize("rate", [0.02, 5.0])
def test_the_cost_never_ends_above_its_start(rate):
    """Not even with a rate that throws z from wall to wall."""
    answer = found(Waves(goals()), rate=rate, steps=20)
    assert (answer.end <= answer.start).all()


def test_the_end_is_the_cost_of_the_z_that_is_returned():
    problem = Waves(goals(), own=0.3)
    answer = found(problem, kept=3, steps=7)
    drawn, own = problem.draw(answer.z)
    assert torch.equal(problem.match(drawn, torch.arange(4)) + own, answer.end)


def test_more_starts_never_start_worse():
    costs = [found(Waves(goals()), starts=n, steps=0).start for n in (1, 2, 5, 20, 100)]
    for fewer, more in pairwise(costs):
        assert (more <= fewer).all()
    assert (costs[-1] < costs[0]).all()


def test_more_kept_starts_never_end_worse():
    ends = [found(Waves(goals()), starts=50, kept=k).end for k in (1, 5, 50)]
    assert (ends[1] <= ends[0]).all()
    assert (ends[2] <= ends[1]).all()
    assert (ends[2] < ends[0]).any()


@pytest.mark.parametrize("patience", [0, 5])
def test_a_picture_alone_is_the_picture_among_others(patience):
    many = goals(70)  # more than are searched for at once
    together = found(Waves(many), steps=40, kept=2, patience=patience)
    for index in (0, 31, 32, 69):
        alone = found(Waves(many[index : index + 1]), steps=40, kept=2, patience=patience)
        assert torch.allclose(alone.z[0], together.z[index], atol=1e-5)
        assert alone.steps[0] == together.steps[index]


def test_the_same_seed_finds_the_same_and_another_starts_elsewhere():
    one, two, other = (found(Waves(goals()), seed=s, steps=10) for s in (0, 0, 1))
    assert torch.equal(one.z, two.z)
    assert not torch.equal(one.start, other.start)


def test_the_global_generator_is_left_alone():
    before = torch.random.get_rng_state()
    found(Bowls(goals()), steps=3)
    assert torch.equal(before, torch.random.get_rng_state())


def walked(problem: Bowls, walk: Bowls, **how: object) -> Found:
    plan = Search(**{"starts": 8, "kept": 3, "steps": 60, "descent": "adam", "rate": 0.02} | how)
    return search(problem, len(problem.goals), LATENT, plan, CPU, walk=walk)


def test_a_rough_walk_is_judged_by_the_problem_itself():
    """Starts are those of an exact search, and ends what the z that is returned costs."""
    problem, rough = Waves(goals(70)), Coarse(goals(70))
    answer, exact = walked(problem, rough), walked(problem, problem)
    assert torch.equal(answer.start, exact.start)
    assert torch.equal(answer.end, problem.match(answer.z, torch.arange(70)))
    assert (answer.end <= answer.start).all()
    assert (answer.end < 0.5 * answer.start).float().mean() > 0.5


def test_a_walk_that_leads_astray_stays_at_the_start():
    problem = Bowls(goals())
    answer = walked(problem, Bowls(-5 * goals()), snapshots=60)
    assert torch.equal(answer.end, answer.start)
    assert torch.equal(problem.match(answer.z, torch.arange(4)), answer.start)
    assert torch.equal(answer.snapshots[-1], answer.z)


def test_of_the_ends_of_a_rough_walk_the_best_is_taken_by_the_problem():
    problem, rough = Waves(goals()), Coarse(goals())
    all_kept = walked(problem, rough, starts=6, kept=6)
    for kept in (1, 3):
        fewer = walked(problem, rough, starts=6, kept=kept)
        assert (all_kept.end <= fewer.end).all()


def test_looks_begin_at_the_start_and_end_at_the_end_even_of_a_rough_walk():
    problem, looks = Waves(goals()), []
    plan = Search(starts=8, kept=2, steps=50, descent="adam", rate=0.02)
    walk = Coarse(problem.goals)
    answer = search(problem, 4, LATENT, plan, CPU, seen=looks.append, walk=walk)
    assert [look.step for look in looks] == [0, 20, 40, 50]
    assert looks[0].loss == pytest.approx(float(answer.start.mean()))
    assert looks[-1].loss == pytest.approx(float(answer.end.mean()))
    assert torch.equal(looks[-1].z, answer.z)


def test_patience_says_how_many_steps_were_taken():
    said: list[str] = []
    plan = Search(starts=4, steps=400, descent="adam", rate=0.02, patience=10)
    answer = search(Bowls(goals()), 4, LATENT, plan, CPU, said.append)
    assert said[-1].endswith(f", {answer.steps.float().mean():.0f} of 400 steps")
    assert (answer.steps < 400).all()


def test_patience_ends_a_search_that_no_longer_falls_and_says_when():
    full, early = (found(Waves(goals()), patience=p, steps=2000) for p in (0, 20))
    assert (full.steps == 2000).all()
    assert (early.steps < 1500).all()
    assert len(early.steps.unique()) > 1  # each picture ends by itself
    assert torch.allclose(early.end, full.end, atol=0.02)


def test_snapshots_go_from_the_start_to_the_end():
    answer = found(Bowls(goals(70)), steps=40, snapshots=10)
    assert len(answer.snapshots) == 5
    costs = [Bowls(goals(70)).match(z, torch.arange(70)) for z in answer.snapshots]
    assert torch.allclose(costs[0], answer.start)
    assert torch.equal(costs[-1], answer.end)
    assert (costs[-1] <= costs[0]).all()


def test_snapshots_of_a_search_that_ended_early_stay_where_it_ended():
    answer = found(Waves(goals(70)), steps=900, snapshots=100, patience=10)
    assert len(answer.snapshots) == 10
    assert torch.equal(answer.snapshots[-1], answer.z)


def test_it_reports_the_cost_at_the_start_and_at_the_end():
    said: list[str] = []
    how = Search(starts=4, steps=40, descent="adam", rate=0.02)
    answer = search(Bowls(goals()), 4, LATENT, how, CPU, said.append)
    assert said[0].startswith("0 of 4 pictures searched, step 0 of 40, mean loss")
    means = f"{answer.start.mean():.4g} at the start, {answer.end.mean():.4g} at the end"
    assert said[-1] == f"4 of 4 pictures searched, mean loss {means}"


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        ("adam", lambda p: torch.optim.Adam([p], 0.05)),
        ("nesterov", lambda p: torch.optim.SGD([p], 0.05, momentum=0.9, nesterov=True)),
    ],
)
def test_the_moves_are_those_of_torch(name, optimizer):
    ours = torch.tensor([[1.0, -2.0, 0.5]])
    theirs = ours.clone().requires_grad_()
    opponent, memory = optimizer(theirs), torch.zeros(2, 1, 3)
    for step in range(1, 30):
        opponent.zero_grad()
        theirs.pow(4).sum().backward()
        opponent.step()
        move, memory = moves[name](4 * ours**3, memory, step)
        ours = ours - 0.05 * move
    assert torch.allclose(ours, theirs.detach(), atol=1e-5)


def test_looks_at_later_pictures_hold_the_earlier_ones_too():
    looks: list[Look] = []
    how = Search(starts=4, steps=2, descent="adam")
    answer = search(Bowls(goals(70)), 70, LATENT, how, CPU, seen=looks.append)
    assert sorted({(look.done, len(look.z)) for look in looks}) == [(0, 64), (64, 70)]
    assert torch.equal(looks[-1].z, answer.z)


def test_a_search_that_never_falls_ends_after_its_patience():
    class Flat(Bowls):
        def match(self, drawn: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
            return drawn.sum(1) * 0 + 1

    assert found(Flat(goals()), patience=7, steps=50).steps.tolist() == [7] * 4


def test_the_first_step_of_adam_is_as_long_as_the_rate():
    """However steep it is: the means start unbiased."""
    answer = found(Bowls(torch.full((2, LATENT), 5.0)), steps=1, rate=0.05, snapshots=1)
    before, after = answer.snapshots
    assert torch.allclose(after, (before + 0.05).clamp(max=1), atol=1e-5)


def test_the_steps_of_a_picture_are_those_of_its_longest_search():
    one, three = (found(Waves(goals(20)), patience=5, kept=k).steps for k in (1, 3))
    assert (three >= one).all()
    assert (three > one).any()


def test_a_start_is_chosen_by_its_whole_cost():
    problem = Bowls(goals(), own=5.0)
    answer = found(problem, starts=30, steps=0)
    drawn, own = problem.draw(answer.z)
    assert torch.allclose(problem.match(drawn, torch.arange(4)) + own, answer.start)
    assert (own < found(Bowls(goals()), starts=30, steps=0).z.square().sum(1) * 5).any()


def test_no_more_searches_go_on_at_once_than_help():
    sizes: list[int] = []

    class Counted(Bowls):
        def draw(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            sizes.append(len(z))
            return super().draw(z)

    found(Counted(goals(50)), kept=4, starts=100, steps=1)
    assert max(sizes) == AT_ONCE
