import json
import subprocess
import sys

import pytest
import torch
from safetensors import safe_open

from distill_core.config import BiLSTMStudent, TeacherSection, TransformerStudent
from distill_core.errors import CheckpointError
from distill_core.models.base import count_parameters, seeded
from distill_core.models.encoders import new_encoder
from distill_core.models.factorised import FactorisedEmbedding, install_factorised
from distill_core.models.saving import load_student, save_student
from distill_core.models.students import build_student
from distill_core.models.teachers import load_teacher_states, load_teachers, save_teachers
from distill_core.students.bilstm.model import BiLSTMClassifier, BiLSTMShape
from distill_core.students.transformer.model import TransformerClassifier
from tests.unit.models.conftest import IDS, KINDS, LABELS, batch_of, make_config
from tests.unit.models.tagging import CLASSES, TAGS, tagged

SECTIONS = {
    "own sizes": TransformerStudent(layers=2, hidden=8, heads=2),
    "layers": TransformerStudent(layers=2, initialise="teacher_layers", layer_choice="last"),
    "bilstm": BiLSTMStudent(embedding=6, lstm_hidden=5, lstm_layers=2, projection=7, pooling="mean"),
}


def build(name, teacher):
    return build_student(SECTIONS[name], teachers=[teacher], classes=3, max_tokens=32, seed=1)


@pytest.fixture
def saved(teachers, tmp_path):
    save_student(build("bilstm", teachers["bert"]), tmp_path / "student", labels=LABELS, max_tokens=32)
    return tmp_path / "student"


CASES = [("own sizes", "bert"), ("own sizes", "xlm-roberta"), ("bilstm", "bert"), *(("layers", k) for k in KINDS)]


@pytest.mark.parametrize(("name", "kind"), CASES)
@torch.no_grad()
def test_round_trip_is_exact(teachers, tmp_path, name, kind):
    student = build(name, teachers[kind])
    folder = tmp_path / "artifacts" / "student"
    save_student(student, folder, labels=LABELS, max_tokens=32)
    state = torch.get_rng_state()
    loaded, labels, max_tokens = load_student(folder)
    assert torch.equal(torch.get_rng_state(), state)
    assert (labels, max_tokens) == (LABELS, 32)
    assert not loaded.training
    assert loaded.architecture == student.architecture
    for key, tensor in student.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], tensor), key
    first, second = student(batch_of(IDS), layers=[1, 2]), loaded(batch_of(IDS), layers=[1, 2])
    assert torch.equal(first.logits, second.logits)
    assert torch.equal(first.hidden[2], second.hidden[2])
    text = "where is my parcel today"
    assert loaded.tokenizer(text)["input_ids"] == student.tokenizer(text)["input_ids"]
    assert loaded.tokenizer.pad_token_id == 0


def test_the_folder_says_what_it_is_and_names_no_place(teachers, tmp_path):
    folder = tmp_path / "student"
    save_student(build("layers", teachers["distilbert"]), folder, labels=LABELS, max_tokens=32)
    description = json.loads((folder / "stillroom.json").read_text())
    assert description["schema_version"] == 2
    assert description["kind"] == "transformer"
    assert description["architecture"]["encoder"]["model_type"] == "distilbert"
    assert description["labels"] == LABELS
    assert set(description["tokenizer_files"]) | {"model.safetensors", "stillroom.json"} == {
        path.name for path in folder.iterdir()
    }
    for path in folder.iterdir():
        assert str(tmp_path.parent.parent) not in path.read_bytes().decode("latin-1")


def test_loading_needs_no_teacher(teachers, tmp_path):
    """In a fresh process that never sees the checkpoints."""
    student = build("layers", teachers["electra"])
    save_student(student, tmp_path / "student", labels=LABELS, max_tokens=32)
    code = (
        "import sys, json; from pathlib import Path; import torch; torch.set_num_threads(1)\n"
        "from distill_core.models.saving import load_student; from distill_core.models.types import Batch\n"
        "student, labels, _ = load_student(Path(sys.argv[1]))\n"
        "ids = torch.tensor([student.tokenizer('where is my parcel')['input_ids']])\n"
        "batch = Batch(ids, torch.ones_like(ids, dtype=torch.bool), torch.zeros_like(ids), ids)\n"
        "print(json.dumps([labels, student(batch).logits.detach().tolist()]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "student")], capture_output=True, text=True, check=True, timeout=300
    )
    labels, logits = json.loads(done.stdout.strip().splitlines()[-1])
    ids = student.tokenizer("where is my parcel")["input_ids"]
    batch = batch_of([ids])
    batch.type_ids = torch.zeros_like(batch.type_ids)
    assert labels == LABELS
    assert torch.allclose(torch.tensor(logits), student(batch).logits, atol=1e-6)


def test_saving_again_replaces_the_folder_and_leaves_nothing_behind(teachers, saved):
    (saved / "left-over").write_text("old")
    save_student(build("own sizes", teachers["bert"]), saved, labels=LABELS, max_tokens=16)
    assert not (saved / "left-over").exists()
    assert load_student(saved)[2] == 16
    assert [path.name for path in saved.parent.iterdir()] == ["student"]


def test_labels_must_fit(teachers, tmp_path):
    with pytest.raises(ValueError, match="2 labels"):
        save_student(build("bilstm", teachers["bert"]), tmp_path / "student", labels=["a", "b"], max_tokens=32)
    assert list(tmp_path.iterdir()) == []


def damage(folder, **changes):
    path = folder / "stillroom.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def cut_weights(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda folder: (folder / "stillroom.json").unlink(), "holds no student"),
        (lambda folder: (folder / "stillroom.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "stillroom.json").write_text("[]"), "describes no student"),
        (lambda folder: damage(folder, schema_version=3), "newer version"),
        (lambda folder: damage(folder, architecture={"kind": "mystery"}), "damaged"),
        (lambda folder: damage(folder, architecture={}), "damaged"),
        (lambda folder: damage(folder, labels=["one"]), "damaged"),
        (lambda folder: (folder / "model.safetensors").unlink(), "damaged"),
        (cut_weights, "damaged"),
        (lambda folder: (folder / "tokenizer.json").write_text("{"), "tokenizer"),
        (lambda folder: [path.unlink() for path in folder.glob("tokenizer*")], "tokenizer"),
    ],
)
def test_damaged_folders_are_refused_in_words(saved, harm, message):
    harm(saved)
    with pytest.raises(CheckpointError, match=message):
        load_student(saved)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(CheckpointError, match="holds no student"):
        load_student(tmp_path / "nowhere")


def test_weights_of_another_shape_are_refused(saved):
    architecture = json.loads((saved / "stillroom.json").read_text())["architecture"]
    damage(saved, architecture={**architecture, "lstm_hidden": 6})
    with pytest.raises(CheckpointError, match="damaged"):
        load_student(saved)


# ---- tasks, and descriptions of earlier versions


def bare(kind, teacher, task):
    """A student made by its constructor, with the teacher's tokenizer."""
    vocabulary = teacher.info.vocab_size
    with seeded(4):
        if kind == "bilstm":
            sizes = {"embedding": 6, "lstm_hidden": 5, "lstm_layers": 1, "projection": 7, "embedding_dropout": 0.3}
            shape = BiLSTMShape(
                vocabulary, pooling="max", classes=CLASSES, padding_id=0, dropout=0.1, **sizes, task=task
            )
            return BiLSTMClassifier(shape, teacher.tokenizer).eval()
        encoder = new_encoder(make_config("bert", vocabulary, layers=2))
        return TransformerClassifier(encoder, teacher.tokenizer, classes=CLASSES, dropout=0.1, task=task).eval()


@pytest.mark.parametrize("task", ["classification", "tagging"])
@pytest.mark.parametrize("kind", ["bilstm", "transformer"])
@torch.no_grad()
def test_both_tasks_come_back(teachers, tmp_path, kind, task):
    student = bare(kind, teachers["bert"], task)
    save_student(student, tmp_path / "student", labels=TAGS, max_tokens=32)
    loaded, labels, _ = load_student(tmp_path / "student")
    assert (labels, loaded.task, loaded.architecture) == (TAGS, task, student.architecture)
    assert loaded.architecture["task"] == task
    assert torch.equal(loaded(tagged()).logits, student(tagged()).logits)
    assert loaded(tagged()).logits.shape == ((3, 6, CLASSES) if task == "tagging" else (3, CLASSES))


@pytest.mark.parametrize("kind", ["bilstm", "transformer"])
@torch.no_grad()
def test_what_the_first_version_wrote_is_read_as_a_classifier(teachers, tmp_path, kind):
    student = bare(kind, teachers["bert"], "classification")
    folder = tmp_path / "student"
    save_student(student, folder, labels=TAGS, max_tokens=32)
    old = {name: value for name, value in student.architecture.items() if name not in ("task", "embedding_dropout")}
    damage(folder, schema_version=1, architecture=old)
    loaded, _, _ = load_student(folder)
    assert loaded.task == "classification"
    assert torch.equal(loaded(tagged()).logits, student(tagged()).logits)


@pytest.mark.parametrize("kind", ["bert", "electra"])
@torch.no_grad()
def test_a_factorised_embedding_comes_back(teachers, tmp_path, kind):
    teacher = teachers[kind]
    with seeded(4):
        encoder = new_encoder(make_config(kind, teacher.info.vocab_size, layers=2))
        install_factorised(encoder, 3)
        student = TransformerClassifier(encoder, teacher.tokenizer, classes=3, dropout=0.1).eval()
    assert student.architecture["factorised"] == 3
    assert "factorised" not in bare("transformer", teacher, "tagging").architecture
    save_student(student, tmp_path / "student", labels=LABELS, max_tokens=32)
    loaded, _, _ = load_student(tmp_path / "student")
    assert loaded.architecture == student.architecture
    assert type(loaded.encoder.get_input_embeddings()) is FactorisedEmbedding
    assert count_parameters(loaded) == count_parameters(student)
    assert torch.equal(loaded(batch_of(IDS)).logits, student(batch_of(IDS)).logits)
    assert dict(loaded.parts())["embeddings"][0].shape == (teacher.info.vocab_size, 3)


def test_unknown_tasks_are_refused(teachers, tmp_path):
    student = bare("transformer", teachers["bert"], "tagging")
    save_student(student, tmp_path / "student", labels=TAGS, max_tokens=32)
    damage(tmp_path / "student", architecture={**student.architecture, "task": "parsing"})
    with pytest.raises(CheckpointError, match=r"damaged.*parsing"):
        load_student(tmp_path / "student")


# ---- teachers


def two(checkpoints, mode, seed):
    sections = [TeacherSection(source=str(checkpoints[name])) for name in ("albert", "wide")]
    return load_teachers(sections, mode, LABELS, dropout=None, seed=seed)


@pytest.mark.parametrize("mode", ["separate", "cofinetune"])
def test_teachers_come_back_bit_for_bit(checkpoints, tmp_path, mode):
    trained = two(checkpoints, mode, seed=1)
    with torch.no_grad():
        for teacher in trained:
            for parameter in teacher.parameters():
                parameter.add_(torch.randn(parameter.shape) * 0.01)
    save_teachers(trained, tmp_path / "teachers")
    fresh = two(checkpoints, mode, seed=2)
    load_teacher_states(fresh, tmp_path / "teachers")
    for before, after in zip(trained, fresh, strict=True):
        for name, tensor in before.state_dict().items():
            assert torch.equal(after.state_dict()[name], tensor), name
    assert (fresh[0].head is fresh[1].head) == (mode == "cofinetune")
    assert [path.name for path in (tmp_path / "teachers").iterdir()] == ["teachers.safetensors"]


def test_the_shared_head_is_stored_once(checkpoints, tmp_path):
    save_teachers(two(checkpoints, "cofinetune", seed=1), tmp_path)
    with safe_open(tmp_path / "teachers.safetensors", "pt") as file:
        assert len([name for name in file.keys() if name.endswith("head.query")]) == 1  # noqa: SIM118


def test_states_of_other_teachers_are_refused(checkpoints, tmp_path):
    save_teachers(two(checkpoints, "separate", seed=1), tmp_path)
    with pytest.raises(CheckpointError, match="finetuned teachers"):
        load_teacher_states(two(checkpoints, "separate", seed=1)[::-1], tmp_path)
    with pytest.raises(CheckpointError, match="finetuned teachers"):
        load_teacher_states(two(checkpoints, "separate", seed=1), tmp_path / "nowhere")
    (tmp_path / "teachers.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="finetuned teachers"):
        load_teacher_states(two(checkpoints, "separate", seed=1), tmp_path)
