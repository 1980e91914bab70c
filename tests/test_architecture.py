"""The house rules, held by machine: who may import whom, how large a module may be; the page loads no torch."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_core.catalogue import STUDENTS, TASKS

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "transformers", "datasets", "onnx", "onnxruntime", "optuna")
#: what only some answers need: loaded when they are asked for, not while the page starts
LATER = ("scipy", "sklearn", "plotly", "matplotlib", "codecarbon")

#: package or module → prefixes of project modules it may import (besides itself)
ALLOWED = {
    "distill_core.errors": (),
    "distill_core.layout": (),
    "distill_core.events": (),
    "distill_core.losses": (),
    "distill_core.sections": ("distill_core.catalogue", "distill_core.students"),
    "distill_core.students": (
        "distill_core.arithmetic",
        "distill_core.catalogue",
        "distill_core.checkpoints",
        "distill_core.errors",
        "distill_core.families",
        "distill_core.models",
        "distill_core.saved_students",
        "distill_core.sections.base",
    ),
    "distill_core.tasks": (
        "distill_core.catalogue",
        "distill_core.checkpoints",
        "distill_core.config",
        "distill_core.data",
        "distill_core.errors",
        "distill_core.models.types",
        "distill_core.seeds",
    ),
    "distill_core.config": (
        "distill_core.errors",
        "distill_core.sections",
        "distill_core.catalogue",
        "distill_core.tasks.base",
        "distill_core.tasks.units",
    ),
    "distill_core.weighting": ("distill_core.losses", "distill_core.errors", "distill_core.catalogue"),
    "distill_core.terms": (
        "distill_core.catalogue",
        "distill_core.config",
        "distill_core.losses",
        "distill_core.models",
        "distill_core.signals",
        "distill_core.weighting",
    ),
    "distill_core.analysis": (
        "distill_core.errors",
        "distill_core.measure.scores",
        "distill_core.measure.uncertainty",
        "distill_core.tasks.hidden_pieces",
        "distill_core.tasks.tagging_quality",
    ),
    "distill_core.signals": (
        "distill_core.analysis.kept",
        "distill_core.data",
        "distill_core.errors",
        "distill_core.losses",
        "distill_core.models",
        "distill_core.tasks",
    ),
    "distill_core.train": (
        "distill_core.config",
        "distill_core.data",
        "distill_core.errors",
        "distill_core.events",
        "distill_core.losses",
        "distill_core.models",
        "distill_core.signals",
        "distill_core.storage",
        "distill_core.sections",
        "distill_core.tasks",
        "distill_core.terms",
        "distill_core.weighting",
    ),
    "distill_core.planner": (
        "distill_core.checkpoints",
        "distill_core.config",
        "distill_core.data",
        "distill_core.jobs.warm",
        "distill_core.layout",
        "distill_core.measure",
        "distill_core.models",
        "distill_core.pipeline",
        "distill_core.progress",
        "distill_core.sections",
        "distill_core.signals",
        "distill_core.stages",
        "distill_core.storage",
        "distill_core.tasks",
        "distill_core.train",
    ),
    "distill_core.sweeps": (
        "distill_core.catalogue",
        "distill_core.compatibility",
        "distill_core.config",
        "distill_core.config_paths",
        "distill_core.errors",
        "distill_core.events",
        "distill_core.jobs.child",
        "distill_core.jobs.process",
        "distill_core.layout",
        "distill_core.measure",
        "distill_core.models",
        "distill_core.pipeline",
        "distill_core.progress",
        "distill_core.seeds",
        "distill_core.signals",
        "distill_core.stages",
        "distill_core.train",
    ),
    "distill_core.jobs.warm": ("distill_core.errors", "distill_core.jobs.child", "distill_core.train.stop"),
    "distill_core.services.warm": ("distill_core.errors", "distill_core.jobs.process", "distill_core.layout"),
    "ui": ("ui", "distill_core.catalogue", "distill_core.shapes", "distill_core.config", "distill_core.data",
           "distill_core.errors", "distill_core.events",
           "distill_core.export.formats", "distill_core.export.report", "distill_core.extras.state",
           "distill_core.layout",
           "distill_core.recipes", "distill_core.services",
           "distill_core.settings", "distill_core.tasks.base"),
    "app": ("ui", "distill_core.services", "distill_core.settings", "distill_core.errors"),
}  # fmt: skip

#: modules that page and services use: they must not load torch, not even inside a function
TORCH_FREE = (
    "app",
    "ui",
    "distill_core.services",
    "distill_core.settings",
    "distill_core.config",
    "distill_core.sections",
    "distill_core.catalogue",
    "distill_core.errors",
    "distill_core.events",
    "distill_core.layout",
    "distill_core.recipes",
    "distill_core.arithmetic",
    "distill_core.seeds",
    "distill_core.shapes",
    "distill_core.students.base",
    "distill_core.models.layers",
    "distill_core.tasks.units",
    "distill_core.checkpoints",
    "distill_core.saved_students",
    "distill_core.compatibility",
    "distill_core.hub",
    "distill_core.jobs.store",
    "distill_core.jobs.queue",
    "distill_core.jobs.supervisor",
    "distill_core.jobs.process",
    "distill_core.planner.store",
    "distill_core.sweeps.fields",
    "distill_core.sweeps.ledger",
    "distill_core.sweeps.spec",
    "distill_core.sweeps.typed",
    "distill_core.jobs.backup",
    "distill_core.jobs.sweep_imports",
    "distill_core.jobs.sweep_shelf",
    "distill_core.jobs.sweeps",
    "distill_core.jobs.exports",
    "distill_core.jobs.imports",
    "distill_core.jobs.extras",
    "distill_core.extras.left_out",
    "distill_core.extras.state",
    "distill_core.extras.subsets",
    "distill_core.extras.words",
    "distill_core.extras.worth",
    "distill_core.export.push",
    "distill_core.export.bundle",
    "distill_core.export.card",
    "distill_core.export.formats",
    "distill_core.export.report",
    "distill_core.export.use_lines",
    "distill_core.export.verdict",
    "distill_core.export.decision",
    "distill_core.export.html_charts",
    "distill_core.export.html_extras",
    "distill_core.export.html_limits",
    "distill_core.export.html_report",
    "distill_core.export.html_template",
    "distill_core.export.markdown",
    "distill_core.export.reproduction",
    "distill_core.analysis",
)


def modules() -> dict[str, Path]:
    found = {}
    for path in [ROOT / "app.py", *(ROOT / "ui").rglob("*.py"), *(ROOT / "distill_core").rglob("*.py")]:
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


MODULES = modules()


@pytest.mark.parametrize("owner", ALLOWED)
def test_imports_follow_the_arrows(owner):
    wrong = []
    for name, path in MODULES.items():
        if not within(name, owner):
            continue
        for target in imports(path):
            ours = target.split(".")[0] in {"distill_core", "ui", "app"} and target != "distill_core"
            if ours and not any(within(target, ok) for ok in (owner, *ALLOWED[owner])):
                wrong.append(f"{name} → {target}")
    assert not wrong


def test_the_engine_knows_no_gradio():
    assert not [n for n, p in MODULES.items() if within(n, "distill_core") and "gradio" in imports(p)]


def test_losses_import_torch_only():
    for name, path in MODULES.items():
        if within(name, "distill_core.losses"):
            foreign = {t.split(".")[0] for t in imports(path)} - {"__future__", "torch", "distill_core", "collections"}
            assert not foreign, f"{name} imports {foreign}"


@pytest.mark.parametrize("owner", TORCH_FREE)
def test_page_modules_never_name_torch(owner):
    wrong = [
        f"{name} → {target}"
        for name, path in MODULES.items()
        if within(name, owner)
        for target in imports(path)
        if target.split(".")[0] in HEAVY
    ]
    assert not wrong


def test_loading_the_page_loads_no_torch():
    code = (
        "import sys; import ui.build, distill_core.services, distill_core.settings;"
        f"print([m for m in {HEAVY + LATER!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_loading_students_and_tasks_loads_no_torch():
    """Page and config know every one of them; what needs torch is loaded when it is used."""
    code = (
        "import sys; from distill_core.catalogue import STUDENTS, TASKS\n"
        "for entry in (*STUDENTS.values(), *TASKS.values()): entry.load()\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "[]"


#: a choice of the catalogue → its own modules, which alone may act on its name
OWN = {
    **{name: entry.target.rpartition(".")[0] for name, entry in STUDENTS.items()},
    **{name: entry.target.partition(":")[0] for name, entry in TASKS.items()},
}
#: where such a name stands for something else: (module, name) → for what
OTHER_MEANINGS = {
    ("distill_core.compatibility", "transformer"): "a need of a term: attention",
    ("ui.text", "transformer"): "the same need in words",
}


def acted_on(tree: ast.AST) -> Iterator[str]:
    """Strings that a module decides by: compared, looked up, or keys of what is looked up; and classes asked for."""
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Dict):
            parts = [*node.keys]
        elif isinstance(node, ast.Subscript):
            parts = [node.slice]
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop"):
            parts = [*node.args]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "type"):
            yield from (inner.id for part in node.args[1:] for inner in ast.walk(part) if isinstance(inner, ast.Name))
        for part in parts:
            inside = part.elts if isinstance(part, ast.Tuple | ast.List | ast.Set) else [part]
            yield from (item.value for item in inside if isinstance(item, ast.Constant) and isinstance(item.value, str))


def names_decided_by(name: str, path: Path) -> list[str]:
    """Names of students and tasks, and classes of theirs, that a module acts on though they are not its own."""
    classes = {entry.target.partition(":")[2]: choice for choice, entry in {**STUDENTS, **TASKS}.items()}
    found = []
    for word in acted_on(ast.parse(path.read_text(encoding="utf-8"))):
        choice = classes.get(word, word)
        if choice in OWN and not within(name, OWN[choice]) and (name, choice) not in OTHER_MEANINGS:
            found.append(f"{name}: {word}")
    return found


def test_only_students_and_tasks_know_their_names():
    """A new one is its module and its line in the catalogue: nothing else may have to be told."""
    assert not [
        found
        for name, path in MODULES.items()
        if name != "distill_core.catalogue"
        for found in names_decided_by(name, path)
    ]


@pytest.mark.parametrize("path", sorted((ROOT / "ui" / "js").glob("*.js")), ids=lambda path: path.name)
def test_scripts_know_no_student_and_no_task_by_name(path):
    quoted = re.findall(r"""["'`](\w+)["'`]""", path.read_text(encoding="utf-8"))
    assert not set(quoted) & set(OWN)


@pytest.mark.parametrize(
    "line",
    [
        'if student.kind == "bilstm": pass',
        'if config.data.task in ("tagging", "masked_lm"): pass',
        'METRICS = {"tagging": "f1"}',
        'words["tagging"]',
        'drafts.get("masked_lm")',
        'data.get("task", "classification")',
        "isinstance(section, BiLSTMStudent)",
        "isinstance(section, (A, TransformerStudent))",
        'match task:\n    case "tagging": pass',
    ],
)
def test_a_branch_on_a_name_is_found(tmp_path, line):
    module = tmp_path / "module.py"
    module.write_text(line)
    assert names_decided_by("distill_core.somewhere", module)


def test_modules_stay_small():
    too_long = {n: len(p.read_text().splitlines()) for n, p in MODULES.items() if len(p.read_text().splitlines()) > 400}
    assert not too_long


def test_nothing_unsafe_is_written():
    forbidden = ("torch.load(", "pickle.load", "shell=True", "trust_remote_code=True")
    wrong = [f"{n}: {word}" for n, p in MODULES.items() for word in forbidden if word in p.read_text()]
    assert not wrong
