"""The command line: what is refused and how, exit statuses, and what is shown. The work itself is a stand-in."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import yaml

from distill_core.cli import progress
from distill_core.cli.main import main
from distill_core.config import load
from distill_core.errors import ConfigError, DataError, FieldError, Stopped
from distill_core.events import EventLog, metric, read_events
from distill_core.export.report import write_report
from distill_core.layout import PROJECT, RunFolder
from tests.samples import sample_report
from tests.unit.test_predict import save_tiny_student, save_tiny_tagger

CONFIG = {
    "name": "tiny",
    "data": {"source": "bundled"},
    "teachers": [{"source": "bundled:support-bert"}],
    "student": {"kind": "bilstm", "embedding": 8, "lstm_hidden": 8},
}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """CONFIG.yaml in the current folder; the data folder lies beside it, the network is off."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STILLROOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    return path


class Work:
    """Stands in for the pipeline: writes what a run writes, or raises."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, RunFolder]] = []
        self.error: BaseException | None = None

    def run(self, config: Any, folder: RunFolder, home: Any, sink: Any, stop: Any) -> dict[str, Any]:
        self.calls.append((config, folder))
        self.home = home
        sink.emit("stage", stage="prepare", state="started")
        sink.emit("progress", share=0.25, eta_s=72.0, note="finetuning")
        sink.emit("stage", stage="prepare", state="finished", seconds=2.0)
        sink.emit("metric", rows=[metric("main", 13, "validation_quality", 10, 0.914)])
        if self.error is not None:
            raise self.error
        report = sample_report()
        write_report(folder.report, report)
        return report


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    stand_in, module = Work(), types.ModuleType("distill_core.pipeline")
    module.run = stand_in.run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "distill_core.pipeline", module)
    return stand_in


# ---------------------------------------------------------------- run and resume


def test_a_run_writes_its_folder_and_says_the_conclusion(config: Path, work: Work, capsys: Any) -> None:
    assert main(["run", str(config), "--out", "Out Here"]) == 0
    folder = RunFolder(config.parent / "Out Here")
    assert load(folder.config).name == "tiny" and json.loads(folder.meta.read_text())["name"] == "tiny"
    assert [e["kind"] for e in read_events(folder.events)][-1] == "done"
    out = capsys.readouterr().out
    assert sample_report()["conclusion"]["headline"] in out and "prepare …" in out and "prepare: 2 s" in out
    assert "25%, 1 min 12 s left: finetuning" in out
    assert work.home.root == (config.parent / "home").resolve()


def test_paths_hold_from_any_folder(config: Path, work: Work, monkeypatch: Any, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,label\na,b\n")
    config.write_text(yaml.safe_dump({**CONFIG, "data": {"source": "files", "train": "rows.csv"}}))
    work.error = Stopped()
    assert main(["run", str(config), "--out", "out"]) == 130
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    work.error = None
    assert main(["resume", str(tmp_path / "out")]) == 0
    assert [call[0].data.train for call in work.calls] == [str(tmp_path / "rows.csv")] * 2


def test_stopped_is_130_and_names_the_way_on(config: Path, work: Work, capsys: Any) -> None:
    work.error = Stopped()
    assert main(["run", str(config), "--out", "out"]) == 130
    assert f"python -m distill_core resume {config.parent / 'out'}" in capsys.readouterr().out


def test_failed_is_1_without_a_traceback_for_known_errors(config: Path, work: Work, capsys: Any) -> None:
    work.error = DataError("There is only one class.", hint="Add another.", field="data.train")
    assert main(["run", str(config), "--out", "out"]) == 1
    said = capsys.readouterr().err
    assert said.count("There is only one class.") == 1 and "Traceback" not in said


def test_a_config_refused_during_the_run_is_2(config: Path, work: Work) -> None:
    work.error = ConfigError([FieldError("device", "no such device.")])
    assert main(["run", str(config), "--out", "out"]) == 2


def test_the_same_command_goes_on_where_it_was_stopped(config: Path, work: Work) -> None:
    work.error = Stopped()
    main(["run", str(config), "--out", "out"])
    work.error = None
    assert main(["run", str(config), "--out", "out"]) == 0 and len(work.calls) == 2


def test_a_finished_run_is_not_run_again(config: Path, work: Work, capsys: Any) -> None:
    main(["run", str(config), "--out", "out"])
    capsys.readouterr()
    for command in (["run", str(config), "--out", "out"], ["resume", "out"]):
        assert main(command) == 0
        out = capsys.readouterr().out
        assert "done" in out and "smaller" in out
    assert len(work.calls) == 1


def test_the_app_starts_a_run_from_its_own_folder(config: Path, work: Work) -> None:
    folder = RunFolder(config.parent / "run-1").create()
    folder.config.write_text(config.read_text())
    folder.log.write_text("")
    assert main(["run", str(folder.config), "--out", str(folder.path)]) == 0


def test_a_folder_with_another_run_is_refused(config: Path, work: Work, capsys: Any) -> None:
    work.error = Stopped()
    main(["run", str(config), "--out", "out"])
    config.write_text(yaml.safe_dump({**CONFIG, "seeds": [5]}))
    assert main(["run", str(config), "--out", "out"]) == 2
    said = capsys.readouterr().err
    assert "--out: out already holds another run. Use `resume out`" in said and len(work.calls) == 1


def test_a_folder_with_other_files_is_refused_and_left_alone(config: Path, work: Work, capsys: Any) -> None:
    (config.parent / "photos").mkdir()
    (config.parent / "photos" / "cat.jpg").write_text("")
    assert main(["run", str(config), "--out", "photos"]) == 2
    assert "not empty and holds no run" in capsys.readouterr().err
    assert [p.name for p in (config.parent / "photos").iterdir()] == ["cat.jpg"] and not work.calls


def test_a_file_is_no_folder(config: Path, work: Work, capsys: Any) -> None:
    assert main(["run", str(config), "--out", str(config)]) == 2
    assert "is a file, not a folder" in capsys.readouterr().err


def test_every_field_at_fault_has_its_line(config: Path, work: Work, capsys: Any) -> None:
    config.write_text(yaml.safe_dump({**CONFIG, "sedes": [1], "student": {"kind": "bilstm", "dropout": 3}}))
    assert main(["run", str(config), "--out", "out"]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert {line.partition(":")[0] for line in lines} == {"sedes", "student.dropout"}
    assert not (config.parent / "out").exists()


@pytest.mark.parametrize("text", [None, "a: [", "just words", b"\xff\xfe"])
def test_a_config_that_cannot_be_read_is_2(config: Path, work: Work, capsys: Any, text: Any) -> None:
    if text is None:
        config.unlink()
    else:
        config.write_bytes(text if isinstance(text, bytes) else text.encode())
    for command in (["run", str(config), "--out", "out"], ["check", str(config)]):
        assert main(command) == 2
        assert capsys.readouterr().err.startswith("config: ")


def test_resume_of_nothing_is_refused(config: Path, work: Work, capsys: Any) -> None:
    assert main(["resume", "nowhere"]) == 2
    assert "there is no folder nowhere" in capsys.readouterr().err
    (config.parent / "bare").mkdir()
    assert main(["resume", "bare"]) == 2
    assert "holds no run" in capsys.readouterr().err


def test_a_closed_standard_output_does_not_stop_a_run(config: Path, work: Work, monkeypatch: Any) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    assert main(["run", str(config), "--out", "out"]) == 0
    assert RunFolder(config.parent / "out").report.is_file()


# ---------------------------------------------------------------- check, predict, report, machine, recipes


def test_check_tells_rows_and_sizes(config: Path, capsys: Any) -> None:
    assert main(["check", str(config)]) == 0
    out = capsys.readouterr().out
    assert "rows: train 1,350" in out and "teacher support-bert:" in out and "compression" in out
    assert out.endswith("Ready to run.\n")


def test_check_tells_the_line_of_the_config_that_mends(tmp_path: Path, config: Path, capsys: Any) -> None:
    rows = [(f"text {i % 50}", "neg" if i % 5 else "Neg") for i in range(60)] + [
        (f"more {i}", "pos") for i in range(60)
    ]
    (tmp_path / "a.csv").write_text("text,label\n" + "\n".join(map(",".join, rows)), encoding="utf-8")
    raw = yaml.safe_load(config.read_text(encoding="utf-8"))
    raw["data"] = {"source": "files", "train": str(tmp_path / "a.csv")}
    config.write_text(yaml.safe_dump(raw), encoding="utf-8")
    main(["check", str(config)])
    printed = "".join(capsys.readouterr())
    lines = [line.split(":  ")[1] for line in printed.splitlines() if line.startswith("  a remedy")]
    assert lines == ["remedies: {merge_label_spellings: true}", "remedies: {drop_duplicates: true}"]
    raw["data"]["remedies"] = {**yaml.safe_load(lines[0])["remedies"], **yaml.safe_load(lines[1])["remedies"]}
    config.write_text(yaml.safe_dump(raw), encoding="utf-8")
    main(["check", str(config)])
    printed = "".join(capsys.readouterr())
    assert "a remedy" not in printed and "Spellings merged: “Neg” as “neg”" in printed


def test_check_names_every_fault_and_is_2(config: Path, capsys: Any) -> None:
    data = {"source": "files", "train": "nowhere.csv"}
    config.write_text(yaml.safe_dump({**CONFIG, "data": data, "training": {"epochs": 0}}))
    assert main(["check", str(config)]) == 2
    captured = capsys.readouterr()
    assert "training.epochs" in captured.err and "data.train" in captured.err + captured.out
    assert "cannot run yet" in captured.out


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_student(tmp_path_factory.mktemp("cli") / "student")


def test_predict_prints_json(student: Path, capsys: Any) -> None:
    assert main(["predict", str(student), "--text", "cancel", "--text", "login", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["text"] for row in found] == ["cancel", "login"]
    assert all(sum(row["probabilities"].values()) == pytest.approx(1) for row in found)


def test_predict_prints_a_table(student: Path, capsys: Any) -> None:
    assert main(["predict", str(student), "--text", "x" * 80, "--text-pair", "y"]) == 0
    out = capsys.readouterr().out
    assert "probability" in out and "x" * 59 + "…" in out


def test_predict_reads_a_file(student: Path, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "texts.txt"
    path.write_bytes("\ufeffcancel\tplease\r\nlogin\tnow\r\n".encode())
    assert main(["predict", str(student), "--file", str(path), "--json"]) == 0
    assert [(r["text"], r["text_pair"]) for r in json.loads(capsys.readouterr().out)] == [
        ("cancel", "please"),
        ("login", "now"),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [("a\n\nb\n", "Line 2 of"), ("a\tb\nc\n", "some have none"), (b"\xff\xfe\xff", "not UTF-8"), (None, "no file")],
)
def test_predict_refuses_bad_files(student: Path, tmp_path: Path, capsys: Any, content: Any, words: str) -> None:
    path = tmp_path / "texts.txt"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main(["predict", str(student), "--file", str(path)]) == 2
    assert words in capsys.readouterr().err


def test_predict_refuses_what_it_cannot_answer(student: Path, config: Path, capsys: Any) -> None:
    assert main(["predict", str(student)]) == 2
    assert "nothing to classify" in capsys.readouterr().err
    assert main(["predict", str(student), "--text", "a", "--text", "b", "--text-pair", "c"]) == 2
    assert "2 × --text but 1 × --text-pair" in capsys.readouterr().err
    assert main(["predict", "nowhere", "--text", "a"]) == 2
    assert "There is no folder nowhere" in capsys.readouterr().err


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_tagger(tmp_path_factory.mktemp("cli-tagger") / "student")


def test_predict_prints_entities_one_a_line(tagger: Path, capsys: Any) -> None:
    texts = [option for text in ("hello a b ab", "b hello bc, a a", "b b hello") for option in ("--text", text)]
    assert main(["predict", str(tagger), *texts, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["text"] for row in found] == texts[1::2]
    assert sum(len(row["entities"]) for row in found) > 0, "a tagger that finds nothing tests nothing"
    assert main(["predict", str(tagger), *texts]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    expected = []
    for row in found:
        entities = [f"{e['type']} | {e['text']} | {100 * e['score']:.1f}%" for e in row["entities"]]
        expected += [f"| {row['text']} | {shown} |" for shown in entities or ["– | |"]]
    assert lines[0] == "| text | type | entity | confidence |"
    assert [line.replace("| | |", "| |") for line in lines[2:]] == [line.replace("| | |", "| |") for line in expected]


def test_a_tagger_takes_no_second_text(tagger: Path, capsys: Any) -> None:
    assert main(["predict", str(tagger), "--text", "a", "--text-pair", "b"]) == 2
    assert "no second text" in capsys.readouterr().err


def test_predict_on_an_unfinished_run_says_so(config: Path, work: Work, capsys: Any) -> None:
    work.error = Stopped()
    main(["run", str(config), "--out", "out"])
    assert main(["predict", "out", "--text", "a"]) == 2
    assert "no student yet: it was stopped. Resume it" in capsys.readouterr().err


def test_report_prints_tables_or_json(config: Path, work: Work, capsys: Any) -> None:
    main(["run", str(config), "--out", "out"])
    capsys.readouterr()
    assert main(["report", "out"]) == 0
    assert "| teacher: support-bert (reference)" in capsys.readouterr().out
    assert main(["report", "out", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == sample_report()


def test_report_of_nothing_says_so(config: Path, work: Work, capsys: Any) -> None:
    work.error = Stopped()
    main(["run", str(config), "--out", "out"])
    (config.parent / "bare").mkdir()
    for folder, words in (("nowhere", "no folder"), ("bare", "holds no run"), ("out", "has no report yet")):
        assert main(["report", folder]) == 2
        assert words in capsys.readouterr().err


def test_machine_is_json(capsys: Any) -> None:
    assert main(["machine"]) == 0
    assert {"device", "device_name", "torch", "cores", "memory_gb"} <= set(json.loads(capsys.readouterr().out))


def test_recipes_are_listed(capsys: Any) -> None:
    assert main(["recipes"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("demo: ") and "mt_bert: " in out


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run", "x.yaml"], ["report"]])
def test_wrong_commands_are_2(arguments: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2 and "usage" in capsys.readouterr().err


def test_the_module_runs_and_loads_no_torch_for_small_commands(tmp_path: Path) -> None:
    code = (
        "import sys; from distill_core.cli.main import main; status = main(['report', 'nowhere']);"
        "assert status == 2; assert not {'torch', 'transformers', 'gradio'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120, cwd=PROJECT).returncode == 0
    command = [sys.executable, "-m", "distill_core", "resume", str(tmp_path / "no")]
    done = subprocess.run(command, capture_output=True, timeout=120, cwd=PROJECT)
    assert done.returncode == 2 and b"Traceback" not in done.stderr


def test_a_reader_that_leaves_gets_no_traceback(config: Path, work: Work) -> None:
    main(["run", str(config), "--out", "out"])
    code = "import sys; from distill_core.cli.main import main; sys.exit(main(['report', sys.argv[1], '--json']))"
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(config.parent / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=PROJECT,
    )
    assert child.stdout is not None and child.stderr is not None
    child.stdout.close()
    assert child.stderr.read() == b""
    child.stderr.close()
    assert child.wait(120) in (0, 1)


# ---------------------------------------------------------------- progress


def test_durations() -> None:
    said = [progress.duration(s) for s in (-1, 0.4, 59.4, 59.6, 72, 7500)]
    assert said == ["0 s", "0 s", "59 s", "1 min 0 s", "1 min 12 s", "2 h 5 min"]


def test_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress.time, "monotonic", iter([0.0, 5.0, 11.0]).__next__)
    out = io.StringIO()
    shown = progress.display(out)
    shown.emit("metric", rows=[metric("main", 1, "validation_quality", 5, 0.5), metric("main", 1, "loss", 5, 1.0)])
    for share in (0.1, 0.2, 0.3):
        shown.emit("progress", share=share, eta_s=None, note="distilling")
    shown.emit("finding", severity="warning", field="data.test", message="Overlap.", code="x", rows=[], count=1)
    shown.emit("teacher", name="raw", validation=None)
    shown.emit("teacher", name="a", validation=0.9, level="reference")
    shown.emit("arm", arm="main", seed=1, quality={"validation": 0.91, "test": 0.9})
    shown.emit("resumed", arm="main", seed=1, from_step=40, attempt=2)
    shown.emit("log", level="info", message="Hello.")
    assert out.getvalue().splitlines() == [
        "10%: distilling (validation: main 50.0%)",
        "30%: distilling (validation: main 50.0%)",
        "warning: data.test: Overlap.",
        "teacher raw: stays as pre-trained, no quality of its own",
        "teacher a (reference): validation 90.0%",
        "main, seed 1: validation 91.0%, test 90.0%",
        "resumed: main, seed 1, from step 40",
        "Hello.",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    out = Terminal()
    shown = progress.display(out)
    assert isinstance(shown, progress.BarDisplay)
    shown.emit("stage", stage="distil", state="started")
    shown.emit("progress", share=0.41, eta_s=72, note="training [main]")
    shown.emit("metric", rows=[metric("main", 1, "validation_quality", 5, 0.912)])
    shown.emit("log", level="info", message="a [line] above")
    shown.emit("done", seconds=3.0)
    shown.emit("stopped")
    text = out.getvalue()
    assert "distil" in text and "41%" in text and "1 min 12 s left" in text and "main 91.2%" in text
    assert "training [main]" in text and "a [line] above" in text, "square brackets are text, not markup"


def test_a_broken_display_is_dropped_after_its_first_fault() -> None:
    class Broken:
        calls = 0

        def emit(self, kind: str, **payload: Any) -> None:
            self.calls += 1
            raise BrokenPipeError

    broken = Broken()
    watcher = progress.Watcher(broken)
    for _ in range(3):
        watcher.emit("log", message="x")
    assert broken.calls == 1


def test_a_broken_pipe_does_not_stop_a_run(config: Path, work: Work, monkeypatch: Any) -> None:
    class Pipe(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Pipe())
    assert main(["run", str(config), "--out", "out"]) == 0
    log = EventLog(RunFolder(config.parent / "out").events)
    log.close()
    assert log.had_events


def test_note_writes_beside_a_run_and_shows_what_stands_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = RunFolder(tmp_path / "run").create()
    folder.config.write_text(yaml.safe_dump(CONFIG))
    assert main(["note", str(folder.path)]) == 0
    assert capsys.readouterr().out == "name: run\ntags: –\narchived: no\nnotes: –\n"
    assert not folder.meta.exists()  # looking changes nothing
    wanted = ["--name", "mine", "--tags", "a, b,A", "--notes", "better", "--archived"]
    assert main(["note", str(folder.path), *wanted]) == 0
    assert capsys.readouterr().out == "name: mine\ntags: a, b\narchived: yes\nnotes: better\n"
    assert main(["note", str(folder.path), "--no-archived", "--tags", ""]) == 0
    assert json.loads(folder.meta.read_text()) == {"name": "mine", "tags": [], "notes": "better", "archived": False}
    assert main(["note", str(folder.path), "--name", " "]) == 2
    assert main(["note", str(tmp_path), "--name", "x"]) == 2
    assert "holds no run" in capsys.readouterr().err


def test_diff_of_a_run_and_a_config(tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder(tmp_path / "run").create()
    folder.config.write_text(yaml.safe_dump({**CONFIG, "training": {"epochs": 7}, "seeds": [1, 2]}))
    assert main(["diff", str(folder.path), str(config)]) == 0
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()]
    default = load(config).training.epochs
    assert ["training.epochs", "7", str(default)] in lines and ["seeds", "1, 2", "13"] in lines
    assert main(["diff", str(config), str(config)]) == 0
    assert capsys.readouterr().out == "Both have the same settings.\n"
