"""New run and the Hub, played against a small Hub of our own: search, a slow and a broken answer, cards, a data set."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest

from distill_core.layout import BUNDLED_TEACHERS
from tests.e2e.conftest import App, Watched
from tests.hub_server import HubServer

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    root = tmp_path_factory.mktemp("hub")
    for name in ("acme/support-bert", "acme/support-roberta"):
        shutil.copytree(BUNDLED_TEACHERS[name.partition("/")[2]], root / "models" / name)
    pickled = root / "models" / "acme" / "old-bert"
    shutil.copytree(BUNDLED_TEACHERS["support-bert"], pickled)
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    data = root / "datasets" / "acme" / "reviews"
    data.mkdir(parents=True)
    for split in ("train", "test"):
        texts = [f"it is {word} {split} {n}" for n in range(30) for word in ("good", "bad")]
        pd.DataFrame({"review": texts, "mood": ["up", "down"] * 30}).to_parquet(data / f"{split}.parquet")
    features = [{"name": "review", "dtype": "string"}, {"name": "mood", "dtype": {"class_label": {"names": {}}}}]
    configs = [
        {"config_name": "default", "data_files": [{"split": s, "path": f"{s}.parquet"} for s in ("train", "test")]}
    ]
    splits = [{"name": split, "num_examples": 60} for split in ("train", "test")]
    info = {"config_name": "default", "features": features, "splits": splits}
    facts: dict[str, dict[str, Any]] = {
        "acme/support-bert": {"downloads": 12_480, "tags": ["license:mit"], "pipeline_tag": "fill-mask"},
        "acme/support-roberta": {"downloads": 70, "tags": []},
        "acme/reviews": {"downloads": 9, "tags": ["license:cc0-1.0"],
                         "cardData": {"configs": configs, "dataset_info": [info]}},
    }  # fmt: skip
    with HubServer(root, facts=facts) as server:
        yield server


@pytest.fixture(scope="module")
def hub_app(hub: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("hub-app")
    app = App(folder / "home", environment=hub.environment(folder / "hf")).start()
    yield app
    app.close()


def opened(app: App, watched: Watched, step: str) -> Any:
    page = watched.page
    page.goto(f"{app.address}/?view=new")
    page.wait_for_selector("#continue-data")
    if step != "data":
        page.click(f"#step-{step} > button")
    return page


def search(page: Any, kind: str, text: str) -> None:
    if not page.is_visible(f"#hub-{kind}-text"):
        page.click(f"#hub-{kind} summary")
    page.fill(f"#hub-{kind}-text", text)
    page.press(f"#hub-{kind}-text", "Enter")


def test_teachers_are_found_used_and_told_by_cards(hub_app: App, hub: HubServer, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = opened(hub_app, watched, "teachers")
    page.wait_for_selector("#teacher-cards .sr-teacher-card")
    page.click("#teacher-1 button:has-text('More settings')")
    page.click("#remove-teacher-1")
    search(page, "model", "support")
    page.wait_for_selector("#hub-model li")
    rows = page.locator("#hub-model li").all_inner_texts()
    assert [row.split("\n")[0] for row in rows] == ["acme/support-bert", "acme/support-roberta"]
    assert "12 k downloads" in rows[0] and "licence mit" in rows[0] and "licence not told" in rows[1]
    page.click("#hub-model li:has-text('acme/support-roberta') button")
    card = "#teacher-cards .sr-teacher-card:has-text('Another tokeniser')"
    page.wait_for_selector(card)
    said = page.inner_text(card)
    assert "to download" in said and "not told" in said and "matched word by word" in said
    assert page.input_value("#field-teachers-1-source input") == "acme/support-roberta"
    assert not any("model.safetensors" in asked and "resolve" in asked and "HEAD" not in asked and "GET" in asked
                   and "Range" in asked for asked in hub.requests)  # fmt: skip

    page.fill("#field-teachers-1-source input", "acme/old-bert")
    page.press("#field-teachers-1-source input", "Enter")
    page.wait_for_selector("#teacher-cards .sr-light-bad")
    assert "pytorch_model.bin" in page.inner_text("#teacher-cards .sr-teacher-card:has(.sr-light-bad)")
    watched.assert_clean()


def test_a_slow_a_broken_and_an_empty_answer_are_told_in_words(
    hub_app: App, hub: HubServer, watch: Callable[..., Watched]
) -> None:
    watched = watch()
    page = opened(hub_app, watched, "teachers")
    hub.slow["search"] = 1.5
    search(page, "model", "support")
    page.wait_for_selector("#hub-model [data-said]:has-text('Asking the Hub')")
    page.wait_for_selector("#hub-model li")
    hub.slow.clear()
    hub.broken["search"] = 503
    search(page, "model", "support")
    page.wait_for_selector("#hub-model [data-said]:has-text('error 503')")
    hub.broken.clear()
    search(page, "model", "nobody called it so")
    page.wait_for_selector("#hub-model [data-said]:has-text('Nothing on the Hub is called like this.')")
    watched.assert_clean()


def test_a_data_set_brings_its_splits_and_columns(hub_app: App, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = opened(hub_app, watched, "data")
    page.click("#field-data-source label:has-text('Hub')")
    search(page, "dataset", "review")
    page.wait_for_selector("#hub-dataset li:has-text('licence cc0-1.0')")
    page.click("#hub-dataset li button")
    field = "#field-data-test_split textarea, #field-data-test_split input"
    page.wait_for_function(f"() => document.querySelector('{field}').value === 'test'")
    assert page.input_value("#field-data-columns-text input") == "review"
    assert page.input_value("#field-data-columns-label input") == "mood"
    page.wait_for_selector("#data-preview th:has-text('review')", timeout=60_000)
    said = page.inner_text("#data-preview")
    assert "60 training rows" in said and "it is good train 0" in said
    page.click("#continue-data")
    page.wait_for_selector("#step-data:has-text('2 classes')", timeout=120_000)
    watched.assert_clean()


def test_without_a_network_the_search_says_so_at_once(app: App, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = opened(app, watched, "teachers")
    search(page, "model", "bert")
    page.wait_for_selector("#hub-model [data-said]:has-text('cannot be reached')", timeout=5_000)
    watched.assert_clean()
