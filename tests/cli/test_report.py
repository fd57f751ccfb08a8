from portrayal.cli import answer
from portrayal.core.runs import write_json


def test_a_report_says_where_it_is(tmp_path, capsys):
    write_json(tmp_path / "run" / "config.json", {"format": 1})
    assert answer(["report", str(tmp_path / "run")]) == 0
    shown = capsys.readouterr().out
    assert "This run has not logged a step yet." in shown
    assert f"Wrote {tmp_path / 'run' / 'report.html'}" in shown


def test_a_report_goes_where_it_is_asked_to(tmp_path):
    write_json(tmp_path / "run" / "config.json", {"format": 1})
    place = tmp_path / "pages" / "one.html"
    assert answer(["report", str(tmp_path / "run"), "--out", str(place)]) == 0
    assert "</html>" in place.read_text()
    assert not (tmp_path / "run" / "report.html").exists()


def test_a_study_without_results_is_one_line(tmp_path, capsys):
    write_json(tmp_path / "run" / "config.json", {"format": 1})
    assert answer(["report", str(tmp_path / "run"), "--study", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "holds no votes.json" in error and error.count("\n") == 1


def test_no_run_is_one_line_and_exit_code_2(tmp_path, capsys):
    for folder in (tmp_path, tmp_path / "gone"):
        assert answer(["report", str(folder)]) == 2
        error = capsys.readouterr().err
        assert error.startswith("Error: ") and error.count("\n") == 1


def test_a_dataset_that_is_not_there_is_one_line(tmp_path, capsys):
    write_json(tmp_path / "run" / "config.json", {"format": 1})
    assert answer(["report", str(tmp_path / "run"), "--data", str(tmp_path / "gone")]) == 2
    assert capsys.readouterr().err == f"Error: No such dataset folder: {tmp_path / 'gone'}.\n"
