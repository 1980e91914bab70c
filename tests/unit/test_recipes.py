import pytest

from distill_core import recipes
from distill_core.errors import ConfigError
from distill_core.layout import BUNDLED_DATA, BUNDLED_TEACHERS


def test_the_demo_comes_first_and_all_are_complete():
    assert recipes.names()[0] == "demo"
    assert {"mt_bert", "single_teacher"} <= set(recipes.names())
    for recipe in recipes.all_recipes():
        assert recipe.about.title
        assert recipe.about.summary
        assert recipe.about.paper


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_runs_on_what_is_bundled(name):
    config = recipes.load(name).config
    assert config.data.source == "bundled"
    assert config.data.name in BUNDLED_DATA
    for teacher in config.teachers:
        assert teacher.source.removeprefix("bundled:") in BUNDLED_TEACHERS


def test_an_unknown_recipe_names_those_there_are():
    with pytest.raises(ConfigError, match="demo"):
        recipes.load("nope")
