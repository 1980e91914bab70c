import pytest

from distill_core.layout import DataHome, is_run_id, known_name


@pytest.mark.parametrize("good", ["a", "support-demo-20261121-015900-ab12", "0"])
def test_run_ids(good, tmp_path):
    assert is_run_id(good)
    assert DataHome(tmp_path).run(good).path == tmp_path / "runs" / good


@pytest.mark.parametrize("bad", ["", "..", "../x", "a/b", "A", "-a", "a" * 81, ".hidden", "a\n", None, 3, "a\x00"])
def test_what_is_no_run_id_never_becomes_a_path(bad, tmp_path):
    assert not is_run_id(bad)
    with pytest.raises(ValueError, match="not a run id"):
        DataHome(tmp_path).run(bad)


def test_the_environment_names_the_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("STILLROOM_HOME", str(tmp_path / "home"))
    home = DataHome.from_environment().create()
    assert home.root == (tmp_path / "home").resolve()
    assert home.runs.is_dir()


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("/home/uploads/0123456789ab-my.csv", "my.csv"),
        ("C:\\home\\uploads\\0123456789ab-my.csv", "my.csv"),
        ("/home/elsewhere/0123456789ab-my.csv", "0123456789ab-my.csv"),
        ("/home/uploads/deadbeef-", "deadbeef-"),
        ("reviews.csv", "reviews.csv"),
        ("", ""),
    ],
)
def test_uploads_are_called_as_people_know_them(path, known):
    assert known_name(path) == known
