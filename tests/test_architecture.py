"""The house rules, held by machine: who may import whom, how large a module may be; the page loads no torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "transformers", "datasets")

#: package or module → prefixes of project modules it may import (besides itself)
ALLOWED = {
    "distill_core.errors": (),
    "distill_core.layout": (),
    "distill_core.events": (),
    "distill_core.losses": (),
    "distill_core.sections": ("distill_core.catalogue",),
    "distill_core.config": ("distill_core.errors", "distill_core.sections", "distill_core.catalogue"),
    "distill_core.weighting": ("distill_core.losses", "distill_core.errors", "distill_core.catalogue"),
    "distill_core.terms": (
        "distill_core.catalogue",
        "distill_core.config",
        "distill_core.losses",
        "distill_core.models",
        "distill_core.signals",
        "distill_core.weighting",
    ),
    "distill_core.signals": (
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
    "distill_core.jobs.warm": ("distill_core.errors", "distill_core.jobs.child", "distill_core.train.stop"),
    "distill_core.services.warm": ("distill_core.errors", "distill_core.jobs.process", "distill_core.layout"),
    "ui": ("ui", "distill_core.catalogue", "distill_core.shapes", "distill_core.config", "distill_core.data",
           "distill_core.errors", "distill_core.events",
           "distill_core.export.report", "distill_core.layout", "distill_core.recipes", "distill_core.services",
           "distill_core.settings"),
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
    "distill_core.shapes",
    "distill_core.checkpoints",
    "distill_core.saved_students",
    "distill_core.compatibility",
    "distill_core.hub",
    "distill_core.jobs.store",
    "distill_core.jobs.queue",
    "distill_core.jobs.supervisor",
    "distill_core.jobs.process",
    "distill_core.planner.store",
    "distill_core.export.report",
    "distill_core.export.verdict",
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
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_modules_stay_small():
    too_long = {n: len(p.read_text().splitlines()) for n, p in MODULES.items() if len(p.read_text().splitlines()) > 400}
    assert not too_long


def test_nothing_unsafe_is_written():
    forbidden = ("torch.load(", "pickle.load", "shell=True", "trust_remote_code=True")
    wrong = [f"{n}: {word}" for n, p in MODULES.items() for word in forbidden if word in p.read_text()]
    assert not wrong
