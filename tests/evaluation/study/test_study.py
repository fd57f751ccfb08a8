from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from untrained import make_dataset, make_run

from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import encode_png, read_pixels
from portrayal.core.runs import read_json, write_atomically
from portrayal.evaluation.study.create import Wanted, create
from portrayal.evaluation.study.material import names_of, of_folders, of_runs, ruined
from portrayal.evaluation.study.plan import REAL, Item, Study, read_key, read_study, trials_of
from portrayal.evaluation.study.polls import read_poll, votes_csv
from portrayal.evaluation.study.results import count
from portrayal.evaluation.study.votes import Vote, Votes
from portrayal.inference.load import load


def plan(kind="choice", models=4, ways=2, motifs=24, trials=24, seed=3):
    items = tuple(
        Item(id=f"i{i}", options=tuple(f"{m}.{i}" for m in range(models))) for i in range(motifs)
    )
    return Study(
        kind=kind,
        title="",
        question="",
        consent="",
        seed=seed,
        ways=ways,
        trials=trials,
        items=items,
    )


@pytest.fixture
def folders(tmp_path, noise):
    for number, model in enumerate(("a", "b", "c")):
        for motif in range(8):
            pixels = noise(16, 24, seed=10 * number + motif)
            write_atomically(tmp_path / model / f"m{motif}.png", encode_png(pixels))
    return [tmp_path / model for model in ("a", "b", "c")]


def shown_models(study, voters):
    """(voter, item, models from left to right) of every scored trial."""
    return [
        (voter, trial.item, tuple(int(name.split(".")[0]) for name in trial.shown))
        for voter in range(voters)
        for trial in trials_of(study, voter)
    ]


@pytest.mark.parametrize(("models", "ways", "trials", "voters"), [(4, 2, 24, 6), (7, 2, 14, 12)])
def test_every_pair_of_models_is_shown_equally_often(models, ways, trials, voters):
    seen = shown_models(plan(models=models, ways=ways, trials=trials), voters)
    together = Counter(tuple(sorted(shown)) for _, _, shown in seen)
    assert set(together) == set(combinations(range(models), ways))
    assert max(together.values()) == min(together.values())


def test_all_models_at_once_take_turns_on_every_side():
    seen = shown_models(plan(models=4, ways=4), 4)
    sides = Counter((model, side) for _, _, shown in seen for side, model in enumerate(shown))
    assert set(sides.values()) == {24}
    for item in {item for _, item, _ in seen}:  # and for each single motif
        of_one = [shown for _, name, shown in seen if name == item]
        assert all(len({shown[side] for shown in of_one}) == 4 for side in range(4))


def test_every_motif_is_judged_equally_often():
    seen = Counter(item for _, item, _ in shown_models(plan(trials=10), 12))
    assert set(seen.values()) == {5}


def test_half_of_real_or_fake_is_real():
    seen = shown_models(plan("real_or_fake", models=4, ways=1), 6)
    counted = Counter(shown[0] for _, _, shown in seen)
    assert counted[3] == len(seen) / 2
    assert counted[0] == counted[1] == counted[2]


def test_trials_are_a_function_of_seed_and_voter():
    study = plan()
    assert trials_of(study, 5) == trials_of(plan(), 5)
    assert trials_of(study, 5) != trials_of(study, 4)
    assert trials_of(study, 5) != trials_of(plan(seed=4), 5)
    assert [t.id for t in trials_of(study, 5)] == [f"{n:04d}" for n in range(24)]


def test_too_many_combinations_are_refused():
    with pytest.raises(BadOption, match="184,756 combinations"):
        trials_of(plan(models=20, ways=10), 0)


def test_a_study_folder_gives_nothing_away_but_in_its_key(folders, tmp_path):
    out = tmp_path / "study"
    study = create(out, of_folders(folders), Wanted(seed=1, seconds=0.05))
    assert read_study(out) == study
    text = (out / "study.json").read_text()
    assert not any(f'"{word}"' in text for word in ("a", "b", "c", "m0", "m1"))
    names = {file.stem for file in (out / "pictures").iterdir()}
    assert names == set(read_key(out)["pictures"])
    assert all(len(name) == 16 for name in names)
    for name, owner in read_key(out)["pictures"].items():
        if owner["model"] in ("a", "b", "c"):
            original = read_pixels(tmp_path / owner["model"] / f"{owner['item']}.png")
            assert (read_pixels(out / "pictures" / f"{name}.png") == original).all()
            content = (out / "pictures" / f"{name}.png").read_bytes()
            assert b"tEXt" not in content
            assert b"iTXt" not in content


def test_the_same_seed_makes_the_same_study_and_another_one_another(folders, tmp_path):
    made = [
        create(tmp_path / f"s{n}", of_folders(folders), Wanted(seed=seed))
        for n, seed in enumerate((1, 1, 2))
    ]
    assert made[0] == made[1]
    assert {o for i in made[0].items for o in i.options}.isdisjoint(
        o for i in made[2].items for o in i.options
    )


def test_practice_comes_first_and_checks_are_spread_among_the_others(folders, tmp_path):
    study = create(tmp_path / "s", of_folders(folders), Wanted(practice=2, checks=2))
    assert len(study.of("scored")) == 6
    for voter in range(5):
        roles = [trial.role for trial in trials_of(study, voter)]
        assert roles[:2] == ["practice"] * 2
        assert Counter(roles) == {"practice": 2, "scored": 6, "check": 2}
        places = [place - 2 for place, role in enumerate(roles) if role == "check"]
        assert places[0] <= 3 < places[1]
        assert len({trial.item for trial in trials_of(study, voter)}) == 10


def test_a_check_shows_one_whole_picture_among_ruins(folders, tmp_path):
    out = tmp_path / "s"
    study = create(out, of_folders(folders), Wanted())
    key = read_key(out)
    for item in study.of("check"):
        kinds = [key["pictures"][name]["model"].split()[2] for name in item.options]
        assert sorted(kinds) == ["ruin", "ruin", "whole"]
        assert item.options[kinds.index("whole")] == key["checks"][item.id]


def test_a_ruin_is_far_from_its_picture_at_any_size(scene):
    for height, width in ((1, 1), (3, 5), (64, 96)):
        picture = scene(height, width)
        assert ruined(picture, 1).shape == picture.shape
    assert np.abs(ruined(picture, 1).astype(float) - picture).mean() > 25


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (Wanted(ways=5), "3 models cannot be shown 5 at a time"),
        (Wanted(kind="rating", ways=2), "--ways is for --kind choice"),
        (Wanted(kind="real_or_fake"), "--real FOLDER"),
        (Wanted(items=8), "8 motifs and 2 to practise on are more than the 8.*or --practice 0"),
        (Wanted(items=9), "more than the 8 that there are. Choose fewer: --items 6[.]$"),
        (Wanted(trials=7), "Nobody can vote 7 times on 6 motifs"),
        (Wanted(show_input=True), "--input FOLDER"),
        (Wanted(show_reference=True), "--reference FOLDER"),
        (Wanted(seconds=0.04), "0.05 to 600"),
        (Wanted(seconds=601), "0.05 to 600"),
        (Wanted(kind="rating", levels=("good",)), "2 levels or more"),
    ],
)
def test_designs_that_cannot_work_are_refused_before_anything_is_written(
    folders, tmp_path, wanted, text
):
    with pytest.raises((BadOption, BadData), match=text):
        create(tmp_path / "s", of_folders(folders), wanted)
    assert not (tmp_path / "s").exists()


def test_sizes_that_give_models_away_are_refused_and_can_be_made_alike(folders, tmp_path, noise):
    for motif in range(8):
        write_atomically(folders[0] / f"m{motif}.png", encode_png(noise(32, 48)))
    with pytest.raises(BadData, match="a 48 x 32, b 24 x 16"):
        create(tmp_path / "s", of_folders(folders), Wanted())
    study = create(tmp_path / "t", of_folders(folders), Wanted(size=24))
    sizes = {read_pixels(file).shape for file in (tmp_path / "t" / "pictures").iterdir()}
    assert sizes == {(16, 24, 3)}
    assert len(study.items) == 11


def test_a_study_is_not_overwritten(folders, tmp_path):
    create(tmp_path / "s", of_folders(folders), Wanted())
    with pytest.raises(BadData, match="holds a study already"):
        create(tmp_path / "s", of_folders(folders), Wanted())


def test_folders_share_names_or_are_refused(folders, tmp_path):
    (folders[0] / "m0.png").rename(folders[0] / "other.png")
    material = of_folders(folders)
    assert material.names == [f"m{n}" for n in range(1, 8)]
    assert "2 of 9 names" in material.notes[0]
    write_atomically(tmp_path / "d" / "x.png", (folders[1] / "m1.png").read_bytes())
    with pytest.raises(BadData, match="No picture name is in all 2 folders"):
        of_folders([folders[1], tmp_path / "d"])
    with pytest.raises(BadOption, match="given twice"):
        of_folders([folders[1], folders[1]])


def test_names_of_folders_are_as_short_as_they_can_be(tmp_path):
    assert names_of([tmp_path / "x" / "a", tmp_path / "y" / "b"]) == ["a", "b"]
    assert names_of([tmp_path / "x" / "a", tmp_path / "y" / "a"]) == ["x/a", "y/a"]


def vote_all(folder, answer, voters=6, fails=()):
    """Everybody votes by `answer(trial, owners)`; those in `fails` get their checks wrong."""
    study, key, votes = read_study(folder), read_key(folder), Votes(folder)
    owner = {name: each["model"] for name, each in key["pictures"].items()}
    for _ in range(voters):
        number = votes.voter(votes.join(100))
        for trial in trials_of(study, number - 1):
            if trial.role == "check":
                right = key["checks"][trial.item]
                wrong = {"fake": "real", "low": str(len(study.levels))}
                others = [name for name in trial.shown if name != right]
                given = {"low": "1"}.get(right, right)
                if number in fails:
                    given = wrong.get(right) or others[0]
            else:
                given = answer(trial, [owner[name] for name in trial.shown])
            votes.store(Vote(number, trial.id, trial.item, trial.shown, given, 700))


def choose_b(trial, owners):
    return trial.shown[owners.index("b")] if "b" in owners else trial.shown[0]


def test_results_unblind_the_votes_and_leave_out_who_failed_a_check(folders, tmp_path):
    folder = tmp_path / "s"
    create(folder, of_folders(folders), Wanted())
    vote_all(folder, choose_b, fails=(2,))
    found = count(read_poll(folder), draws=200)
    assert (found.voters, found.votes, found.votes_left_out) == (5, 30, 6)
    assert found.left_out == ["voter 2"]
    shares = {model.name: model.value for model in found.models}
    assert shares == {"a": 0, "b": 1, "c": 0}
    assert found.models[0].chance == pytest.approx(1 / 3)
    assert sum(found.places) == 30
    assert max(found.places) == 10
    assert count(read_poll(folder), allow=3, draws=200).voters == 6
    assert found.agreement.value is None  # all took the same: nothing to correct for chance


def test_when_everybody_failed_it_says_what_would_count_some(folders, tmp_path):
    folder = tmp_path / "s"
    create(folder, of_folders(folders), Wanted())
    vote_all(folder, choose_b, voters=2, fails=(1, 2))
    said = "12 were given, all by voters who failed more than 0 checks. --allow 3 would count some"
    with pytest.raises(BadData, match=said):
        count(read_poll(folder))


def test_two_at_a_time_count_as_they_were_shown(folders, tmp_path):
    folder = tmp_path / "s"
    create(folder, of_folders(folders), Wanted(ways=2))
    vote_all(folder, choose_b)
    found = count(read_poll(folder), draws=200)
    best = found.ranked[0]
    assert (best.name, best.value, best.chance) == ("b", 1, 0.5)
    assert best.shown == 24
    assert best.strength.value > 0


def test_real_or_fake_counts_what_was_taken_for_real(folders, tmp_path):
    folder = tmp_path / "s"
    create(folder, of_folders(folders[:2], real=folders[2]), Wanted(kind="real_or_fake"))
    vote_all(folder, lambda trial, owners: "real" if owners[0] in (REAL, "a") else "fake")
    found = count(read_poll(folder), draws=200)
    assert {m.name: m.value for m in found.models} == {"a": 1, "b": 0, REAL: 1}
    assert found.models[2].shown == 18
    assert found.agreement.value == pytest.approx(1)


def test_ratings_are_averaged(folders, tmp_path):
    folder = tmp_path / "s"
    create(folder, of_folders(folders), Wanted(kind="rating"))
    vote_all(folder, lambda trial, owners: {"a": "2", "b": "5", "c": "3"}[owners[0]], fails=(1,))
    found = count(read_poll(folder), draws=200)
    assert {m.name: m.value for m in found.models} == {"a": 2, "b": 5, "c": 3}
    assert found.left_out == ["voter 1"]
    assert [m.name for m in found.ranked] == ["b", "c", "a"]


def test_whoever_stops_early_is_counted_and_said(folders, tmp_path):
    folder = tmp_path / "s"
    study = create(folder, of_folders(folders), Wanted(practice=0, checks=0))
    vote_all(folder, choose_b, voters=2)
    votes = Votes(folder)
    number = votes.voter(votes.join(100))
    trial = trials_of(study, number - 1)[0]
    votes.store(Vote(number, trial.id, trial.item, trial.shown, trial.shown[0], None))
    found = count(read_poll(folder), draws=200)
    assert (found.votes, found.unfinished) == (17, 1)


def test_the_table_of_votes_names_models_and_places(folders, tmp_path):
    folder = tmp_path / "s"
    create(folder, of_folders(folders), Wanted())
    vote_all(folder, choose_b, voters=1)
    head, *rows = votes_csv(read_poll(folder))
    scored = [dict(zip(head, row, strict=True)) for row in rows if row[2] == "scored"]
    assert len(scored) == 6
    for row in scored:
        assert row["chosen"] == "b"
        assert row["shown"].split("|")[row["place"] - 1] == "b"


def test_a_csv_of_counts_is_a_poll(tmp_path):
    path = tmp_path / "some_votes.csv"
    path.write_text("voter,chosen,votes\nx,a,3\nx,b,1\ny,b,2\n")
    found = count(read_poll(path), draws=100)
    assert {m.name: m.votes for m in found.models} == {"a": 3, "b": 3}
    assert found.voters == 2
    assert "no question is known" in found.agreement_note
    path.write_text("voter,chosen,item\nx,a,1\ny,a,1\nx,b,2\ny,b,2\n")
    assert count(read_poll(path), draws=100).agreement.value == pytest.approx(1)
    path.write_text("person,model\nx,a\n")
    with pytest.raises(BadData, match="columns voter and chosen"):
        read_poll(path)
    path.write_text("voter,chosen,votes\nx,a,many\n")
    with pytest.raises(BadData, match="line 2: 'many'"):
        read_poll(path)


def test_an_unfinished_folder_and_one_without_votes_are_refused(folders, tmp_path):
    with pytest.raises(BadData, match="no finished study"):
        read_poll(tmp_path / "a")
    create(tmp_path / "s", of_folders(folders), Wanted())
    with pytest.raises(BadData, match="no votes yet"):
        read_poll(tmp_path / "s")
    Votes(tmp_path / "s")
    with pytest.raises(BadData, match="no votes to count: 0 were given"):
        count(read_poll(tmp_path / "s"))
    text = (tmp_path / "s" / "study.json").read_text().replace('"choice"', '"guess"', 1)
    (tmp_path / "s" / "study.json").write_text(text)
    with pytest.raises(BadData, match="kind"):
        read_study(tmp_path / "s")


def test_votes_are_kept_once_and_the_first_stands(tmp_path):
    votes = Votes(tmp_path)
    number = votes.voter(votes.join(5))
    one = Vote(number, "0001", "i1", ("x", "y"), "x", 5)
    assert votes.store(one) == "x"
    assert votes.store(one) == "x"
    assert votes.store(Vote(number, "0001", "i1", ("x", "y"), "y", 9)) == "x"
    assert list(Votes(tmp_path)) == [one]
    assert votes.counts() == (1, 1)


def test_deleted_votes_are_gone_from_all_files_and_numbers_are_not_used_again(tmp_path):
    votes = Votes(tmp_path)
    token = votes.join(5)
    number = votes.voter(token)
    votes.store(Vote(number, "0001", "a_rare_word", ("x",), "x", 5))
    assert votes.delete(number) == 1
    assert votes.voter(token) is None
    assert not any(b"a_rare_word" in file.read_bytes() for file in tmp_path.iterdir())
    with pytest.raises(BadData, match="deleted"):
        votes.store(Vote(number, "0002", "i", ("x",), "x", 5))
    assert votes.voter(votes.join(5)) == number + 1


def test_the_file_holds_no_token_and_takes_no_more_voters_than_wanted(tmp_path):
    votes = Votes(tmp_path)
    absent, token = votes.join(1), votes.join(1)
    assert votes.voter(absent) is None  # gave the place up without a vote
    assert not any(token.encode() in file.read_bytes() for file in tmp_path.iterdir())
    votes.store(Vote(votes.voter(token), "0001", "i1", ("x", "y"), "x", 5))
    with pytest.raises(BadOption, match="takes 1 voters"):
        votes.join(1)


def test_the_key_says_how_the_study_was_made(folders, tmp_path):
    create(tmp_path / "s", of_folders(folders), Wanted(seed=4))
    key = read_json(tmp_path / "s" / "key.json")
    assert key["models"] == ["a", "b", "c"]
    assert key["seed"] == 4
    assert key["facts"]["a"]["folder"].endswith("a")


def test_runs_are_translated_into_a_study_with_their_inputs_and_truths(tmp_path):
    data = make_dataset(tmp_path / "data", {"train": 4, "val": 2, "test": 5})
    runs = [make_run(tmp_path / name, data, seed=seed) for name, seed in (("x", 0), ("y", 1))]
    material = of_runs(runs, device="cpu")
    wanted = Wanted(practice=1, checks=0, show_input=True, show_reference=True)
    study = create(tmp_path / "s", material, wanted)
    key = read_key(tmp_path / "s")
    assert key["models"] == ["x", "y"]
    assert key["facts"]["x"]["model"] != key["facts"]["y"]["model"]
    for item in study.items:
        name = key["items"][item.id]
        shown = [read_pixels(tmp_path / "s" / "pictures" / f"{n}.png") for n in item.options]
        assert (shown[0] == np.asarray(load(runs[0])(material.input(name)))).all()
        assert (shown[0] != shown[1]).any()
        truth = read_pixels(tmp_path / "s" / "pictures" / f"{item.reference}.png")
        assert (truth == material.truth(name)).all()


def test_runs_of_different_datasets_need_to_be_told_whose_pictures_to_show(tmp_path):
    counts = {"train": 2, "val": 2, "test": 3}
    places = [make_dataset(tmp_path / n, counts | {"test": k}) for n, k in (("d", 3), ("e", 4))]
    runs = [make_run(tmp_path / n, data) for n, data in zip("xy", places, strict=True)]
    with pytest.raises(BadData, match=r"different datasets \(.*d, .*e\)\..*--data FOLDER"):
        of_runs(runs, device="cpu")
    said: list[str] = []
    material = of_runs(runs, data=places[1], device="cpu", note=said.append)
    assert len(material.names) == 4
    assert "is not the dataset that" in said[0]
