"""Makes the finished runs of this folder: each recipe through the command line, at full length, from nothing.

`python examples/make.py --work SCRATCH [NAME …]`: SCRATCH keeps whole runs (a run that is done there is not repeated,
one that stopped goes on); what people need to look at a result is copied from there. `--reproduce` also runs each
config a second time (`python -m distill_core reproduce`) and keeps what that said.

Left out: weights, checkpoints, logs and process files. Logits are left out of predictions above `MOST_BYTES`: a
temperature can then not be fitted, everything else is there. Events are whole. No figure is made here.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from distill_core.analysis.kept import open_split, split_path, write_split  # noqa: E402
from distill_core.layout import RECIPES, RunFolder  # noqa: E402

#: folder here → recipe
EXAMPLES = {"support-demo": "demo", "multilingual-ner": "xtremedistil_ner"}
FILES = ("config.yaml", "meta.json", "events.jsonl", "report.json", "reproduction.json")
MOST_BYTES = 1_000_000


def command(*words: str, home: Path, may_fail: bool = False) -> None:
    environment = {**os.environ, "STILLROOM_HOME": str(home)}
    done = subprocess.run([sys.executable, "-m", "distill_core", *words], cwd=ROOT, env=environment, check=False)
    if done.returncode and not may_fail:
        raise SystemExit(done.returncode)


def make(name: str, work: Path, *, reproduce: bool) -> None:
    """Run (where it was not), copy, and say how large it became."""
    run = RunFolder(work / name)
    command("run", str(RECIPES / f"{EXAMPLES[name]}.yaml"), "--out", str(run.path), home=work / "home")
    if reproduce and not (run.path / "reproduction.json").is_file():
        # Its status tells whether the figures matched; what it said is kept either way.
        command("reproduce", str(run.path), home=work / "home", may_fail=True)
    target = RunFolder(HERE / name)
    shutil.rmtree(target.path, ignore_errors=True)
    target.path.mkdir(parents=True)
    for file in FILES:
        if (run.path / file).is_file():
            shutil.copyfile(run.path / file, target.path / file)
    for split in ("validation", "test"):
        copy_split(run, target, split)
    size = sum(path.stat().st_size for path in target.path.rglob("*") if path.is_file())
    print(f"{name}: {size / 1e6:.2f} MB")


def copy_split(run: RunFolder, target: RunFolder, name: str) -> None:
    """One split's answers; without logits where the file would be large."""
    path = split_path(run.artifacts, name)
    split = open_split(run.artifacts, name)
    if split is None:
        return
    target_path = split_path(target.artifacts, name)
    if path.stat().st_size <= MOST_BYTES:
        target_path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target_path)
        return
    from safetensors.numpy import load_file

    tensors = {key: values for key, values in load_file(path).items() if not key.endswith("/logits")}
    write_split(target_path, split.about, tensors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(EXAMPLES)} (all)")
    parser.add_argument("--work", type=Path, required=True, metavar="SCRATCH", help="folder of the whole runs")
    parser.add_argument("--reproduce", action="store_true", help="run each config a second time, and compare")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(EXAMPLES)
    if unknown:
        parser.error(f"there is no example {', '.join(sorted(unknown))}")
    for name in arguments.names or EXAMPLES:
        make(name, arguments.work.resolve(), reproduce=arguments.reproduce)


if __name__ == "__main__":
    main()
