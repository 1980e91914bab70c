"""What a checkpoint is said to be equals what transformers makes of it; what cannot be used is refused in words."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from distill_core import checkpoints, hub
from distill_core.errors import CheckpointError, NetworkError
from distill_core.families import FAMILIES
from distill_core.layout import PROJECT
from tests.unit import tiny_checkpoints as tiny

MAIN = ["bert", "roberta", "distilbert", "electra", "albert", "deberta-v2", "xlm-roberta", "modernbert"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save(tmp_path_factory.mktemp("checkpoints") / "tiny-bert")


@pytest.fixture
def copy(bert: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bert, tmp_path / "copy"))


def rewrite(folder: Path, **settings: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **settings}))


@pytest.mark.parametrize("head", ["base", "masked", "classifier"])
@pytest.mark.parametrize("model_type", MAIN)
def test_parameters_equal_transformers(tmp_path: Path, model_type: str, head: str) -> None:
    settings = {"id2label": {0: "no", 1: "yes", 2: "maybe"}} if head == "classifier" else {}
    folder = tiny.save(tmp_path, model_type, head, **settings)
    info = checkpoints.inspect(str(folder))
    assert info.parameters == tiny.reference_parameters(folder)
    assert info.total_parameters == sum(p.numel() for p in tiny.HEADS[head].from_pretrained(folder).parameters())
    assert info.is_classifier == (head == "classifier")
    assert info.labels == (["no", "yes", "maybe"] if head == "classifier" else None)


@pytest.mark.parametrize("model_type", sorted(FAMILIES))
def test_every_family_in_the_table(tmp_path: Path, model_type: str) -> None:
    folder = tiny.save(tmp_path, model_type)
    for layers in (None, 1, 2):
        info = checkpoints.inspect(str(folder), keep_layers=layers)
        assert info.parameters == tiny.reference_parameters(folder, layers)
        assert (info.layers, info.heads, info.intermediate, info.vocab_size) == (layers or 3, 2, 24, tiny.VOCAB)
        assert info.hidden == (128 if model_type == "mobilebert" else 16)
        assert info.max_positions == (38 if FAMILIES[model_type].offset else 40)
        assert info.model_type == model_type
        shared = FAMILIES[model_type].shared_layers
        assert len(info.per_layer) == (0 if shared else layers or 3)


def test_every_family_gives_hidden_states() -> None:
    ids = tiny.torch.tensor([[2, 5, 6, 7, 3]])
    for model_type in FAMILIES:
        outputs = tiny.build(model_type).eval()(input_ids=ids, output_hidden_states=True)
        assert len(outputs.hidden_states) == 4
        assert outputs.hidden_states[-1].shape == outputs.last_hidden_state.shape


def test_shards_count_like_one_file(bert: Path, tmp_path: Path) -> None:
    model = tiny.AutoModel.from_pretrained(bert)
    model.save_pretrained(tmp_path, max_shard_size="10KB")
    tiny.save_tokenizer(tmp_path)
    assert not (tmp_path / "model.safetensors").exists()
    whole, sharded = checkpoints.inspect(str(bert)), checkpoints.inspect(str(tmp_path))
    assert sharded.parameters == whole.parameters
    assert sharded.total_parameters == whole.total_parameters
    next(tmp_path.glob("model-00002*")).unlink()
    with pytest.raises(CheckpointError, match=r"incomplete: model-00002.*is missing"):
        checkpoints.inspect(str(tmp_path))


def test_an_index_cannot_lead_out_of_its_folder(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy.parent / "model.safetensors")
    index = {"weight_map": {"x": "../model.safetensors"}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="no file of its folder"):
        checkpoints.inspect(str(copy))


def test_buffers_and_stored_ties_are_no_parameters(copy: Path) -> None:
    from safetensors.torch import load_file, save_file

    before = checkpoints.inspect(str(copy))
    tensors = load_file(copy / "model.safetensors")
    tensors = {f"bert.{name}": tensor for name, tensor in tensors.items()}
    tensors["bert.embeddings.position_ids"] = tiny.torch.arange(40).unsqueeze(0)
    tensors["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"].clone()
    save_file(tensors, copy / "model.safetensors")
    after = checkpoints.inspect(str(copy))
    assert after.parameters == before.parameters == tiny.reference_parameters(copy)
    assert after.fingerprint != before.fingerprint


@pytest.mark.parametrize("model_type", ["bert", "albert", "modernbert"])
def test_a_classifier_cut_to_its_first_layers(tmp_path: Path, model_type: str) -> None:
    folder = tiny.save(tmp_path, model_type, "classifier")
    config = tiny.configuration(folder, 2)
    whole = tiny.HEADS["classifier"].from_pretrained(folder, config=config)
    info = checkpoints.inspect(str(folder), keep_layers=2)
    assert info.total_parameters == sum(p.numel() for p in whole.parameters())


def test_default_label_names_are_spelt_out(tmp_path: Path) -> None:
    folder = tiny.save(tmp_path, "bert", "classifier")
    assert "id2label" not in json.loads((folder / "config.json").read_text())
    assert checkpoints.inspect(str(folder)).labels == ["LABEL_0", "LABEL_1"]
    rewrite(folder, problem_type="multi_label_classification")
    assert not checkpoints.inspect(str(folder)).is_classifier


@pytest.mark.parametrize("model_type", MAIN)
def test_taggers_are_told_from_classifiers(tmp_path: Path, model_type: str) -> None:
    names = ["O", "B-PER", "I-PER"]
    folder = tiny.save(tmp_path, model_type, "tagger", id2label=dict(enumerate(names)))
    info = checkpoints.inspect(str(folder))
    assert (info.is_tagger, info.is_classifier, info.labels) == (True, False, names)
    assert info.parameters == tiny.reference_parameters(folder)
    assert info.total_parameters == sum(p.numel() for p in tiny.HEADS["tagger"].from_pretrained(folder).parameters())


def test_what_is_no_tagger(bert: Path, tmp_path: Path) -> None:
    assert not checkpoints.inspect(str(bert)).is_tagger
    folder = tiny.save(tmp_path / "classifier", "bert", "classifier")
    assert not checkpoints.inspect(str(folder)).is_tagger
    unnamed = tiny.save(tmp_path / "tagger", "bert", "tagger")
    assert checkpoints.inspect(str(unnamed)).labels == ["LABEL_0", "LABEL_1"]
    one = tiny.save(tmp_path / "one", "bert", "tagger", id2label={0: "O"})
    assert (checkpoints.inspect(str(one)).is_tagger, checkpoints.inspect(str(one)).labels) == (False, None)


def test_fingerprints(bert: Path, copy: Path) -> None:
    original = checkpoints.inspect(str(bert))
    assert checkpoints.inspect(str(copy)).fingerprint == original.fingerprint
    cut = checkpoints.inspect(str(copy), keep_layers=2)
    assert cut.fingerprint != original.fingerprint
    assert cut.tokenizer_fingerprint == original.tokenizer_fingerprint
    assert checkpoints.inspect(str(copy), keep_layers=3).fingerprint == original.fingerprint
    rewrite(copy, hidden_act="relu")
    assert checkpoints.inspect(str(copy)).fingerprint != original.fingerprint


def test_tokenizer_fingerprint_follows_the_vocabulary(bert: Path, copy: Path) -> None:
    original = checkpoints.inspect(str(bert))
    assert original.tokenizer_kind == "WordPiece"
    (copy / "tokenizer.json").unlink()
    (copy / "vocab.txt").write_text("\n".join(tiny.PIECES) + "\n")
    assert checkpoints.inspect(str(copy)).tokenizer_fingerprint == original.tokenizer_fingerprint
    tiny.save_tokenizer(copy, [*tiny.PIECES, "new"])
    assert checkpoints.inspect(str(copy)).tokenizer_fingerprint != original.tokenizer_fingerprint
    tiny.save_tokenizer(copy, lowercase=False)
    assert checkpoints.inspect(str(copy)).tokenizer_fingerprint != original.tokenizer_fingerprint


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"vocab.json": '{"a": 0}', "merges.txt": "#version: 0.2\na b\n"}, "BPE"),
        ({"spiece.model": "x"}, "Unigram"),
        ({"sentencepiece.bpe.model": "x"}, "Unigram"),
    ],
)
def test_tokenizers_without_tokenizer_json(copy: Path, files: dict[str, str], kind: str) -> None:
    (copy / "tokenizer.json").unlink()
    for name, content in files.items():
        (copy / name).write_text(content)
    info = checkpoints.inspect(str(copy))
    assert info.tokenizer_kind == kind
    with pytest.raises(CheckpointError, match=r"without a tokenizer\.json"):
        checkpoints.count_pieces(info)


def test_count_pieces(bert: Path) -> None:
    counter = checkpoints.count_pieces(bert)
    assert counter(["hello", "a b ac", "", "a " * 600]) == [3, 6, 2, 602]
    assert checkpoints.count_pieces(checkpoints.inspect(str(bert)))(["hello"]) == [3]


def test_inspect_light_equals_inspect_on_a_folder(bert: Path) -> None:
    assert checkpoints.inspect_light(str(bert)) == checkpoints.inspect(str(bert))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}, "is a decoder"),
        ({"model_type": "llama"}, "is a decoder"),
        ({"is_decoder": True}, "is a decoder"),
        ({"model_type": "newgpt", "architectures": ["NewForCausalLM"]}, "is a decoder"),
        ({"model_type": "t5", "is_encoder_decoder": True}, "encoder-decoder"),
        ({"model_type": "vit"}, "model type 'vit'"),
        ({"model_type": None}, "names no model type"),
        ({"auto_map": {"AutoModel": "modeling.Own"}}, "code of its own"),
        ({"num_hidden_layers": 5}, "says 5 layers, but layer 4 has no weights"),
        ({"num_hidden_layers": 0}, "no usable num_hidden_layers"),
        ({"hidden_size": "16"}, "no usable hidden_size"),
        ({"vocab_size": 59}, "embed 60 pieces"),
        ({"model_type": "modernbert"}, "not those of a modernbert encoder"),
    ],
)
def test_what_cannot_be_a_teacher(copy: Path, settings: dict[str, object], words: str) -> None:
    rewrite(copy, **settings)
    with pytest.raises(CheckpointError, match=words):
        checkpoints.inspect(str(copy))


def test_decoder_is_refused_whatever_its_files(copy: Path) -> None:
    rewrite(copy, model_type="gpt2")
    (copy / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="decoder"):
        checkpoints.inspect(str(copy))


@pytest.mark.parametrize("kept", [4, 100, -1])
def test_cut_short_weights(copy: Path, kept: int) -> None:
    content = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(content[:kept])
    with pytest.raises(CheckpointError, match="damaged or was cut short"):
        checkpoints.inspect(str(copy))


def test_a_header_that_claims_too_much(copy: Path) -> None:
    (copy / "model.safetensors").write_bytes((2**60).to_bytes(8, "little") + b"{}")
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoints.inspect(str(copy))


def test_missing_parts(copy: Path, tmp_path: Path) -> None:
    (copy / "tokenizer.json").unlink()
    with pytest.raises(CheckpointError, match="no tokeniser"):
        checkpoints.inspect(str(copy))
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"only as pytorch_model\.bin") as caught:
        checkpoints.inspect(str(copy))
    assert "safe_serialization=True" in caught.value.hint
    (copy / "pytorch_model.bin").unlink()
    with pytest.raises(CheckpointError, match="no weights"):
        checkpoints.inspect(str(copy))
    (copy / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoints.inspect(str(copy))
    (copy / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"no config\.json"):
        checkpoints.inspect(str(copy))


@pytest.mark.parametrize("layers", [0, 4])
def test_too_many_layers_to_keep(bert: Path, layers: int) -> None:
    with pytest.raises(CheckpointError, match=f"has 3 layers, so its first {layers}"):
        checkpoints.inspect(str(bert), keep_layers=layers)


def test_damaged_tokenizer(copy: Path) -> None:
    for content in ("{", "[]", '{"model": {}}'):
        (copy / "tokenizer.json").write_text(content)
        with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
            checkpoints.inspect(str(copy))


@pytest.mark.parametrize("source", ["/no/such/folder", "./nope", "../nope", "~/no-such-folder", "a/b/c", "a\\b", "a/"])
def test_no_such_folder(source: str) -> None:
    with pytest.raises(CheckpointError, match="no such folder"):
        checkpoints.resolve(source)


def test_sources(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "BUNDLED_TEACHERS", {"demo": bert, "lost": bert / "lost"})
    assert checkpoints.resolve("bundled:demo") == bert
    assert checkpoints.inspect("bundled:demo").name == "demo"
    with pytest.raises(CheckpointError, match="no bundled teacher 'x'") as caught:
        checkpoints.resolve("bundled:x")
    assert "demo, lost" in caught.value.hint
    with pytest.raises(CheckpointError, match="missing from this copy"):
        checkpoints.resolve("bundled:lost")
    with pytest.raises(CheckpointError, match="is a file"):
        checkpoints.resolve(str(bert / "config.json"))
    with pytest.raises(CheckpointError, match="neither a folder here nor a possible name"):
        checkpoints.resolve("two words")
    monkeypatch.chdir(bert.parent)
    assert checkpoints.inspect(bert.name) == replace(checkpoints.inspect(str(bert)), source=bert.name)


def test_a_hub_name_without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "online", lambda: False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for ask in (checkpoints.resolve, checkpoints.inspect, checkpoints.inspect_light):
        with pytest.raises(NetworkError, match="has to come from the Hub") as caught:
            ask("owner/name")
        assert "folder" in caught.value.hint


def test_no_torch_is_loaded(bert: Path) -> None:
    code = (
        "import sys; from distill_core import checkpoints, shapes; i = checkpoints.inspect(sys.argv[1]); "
        "checkpoints.count_pieces(i)(['a']); print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(bert)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT)
    assert done.stdout.strip() == "[]"
