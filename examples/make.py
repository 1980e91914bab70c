"""Makes the finished runs of this folder: each recipe through the command line, at full length, from nothing.

`python examples/make.py --work SCRATCH [--data DATA --checkpoint CHECKPOINT] [NAME …]`: SCRATCH keeps whole runs (a run
that is done is not repeated, one that stopped goes on); what people need to look at a result is copied from there.
`--reproduce` also runs each config a second time (`python -m distill_core reproduce`) and keeps what that said.

Left out: weights, checkpoints, logs and process files. Logits are left out of predictions above `MOST_BYTES`: a
temperature can then not be fitted, everything else is there. Events are whole. No figure is made here.

The example on real data (REAL) needs DATA (`agnews/`) and CHECKPOINT, an encoder's folder. Neither comes along, no text
of theirs is in what is kept, and their folders are called DATA and CHECKPOINT there.
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

import yaml  # noqa: E402

from benchmarks import transfer  # noqa: E402
from distill_core.analysis.kept import open_split, split_path, write_split  # noqa: E402
from distill_core.layout import RECIPES, RunFolder  # noqa: E402

#: folder here → recipe
EXAMPLES = {"support-demo": "demo", "multilingual-ner": "xtremedistil_ner"}
#: folder here → what makes its config out of DATA and CHECKPOINT
REAL = {"agnews-bilstm": lambda data, checkpoint: transfer.config(data, checkpoint, [1, 2, 3], "small", "soft")}
FILES = ("config.yaml", "meta.json", "events.jsonl", "report.json", "reproduction.json")
MOST_BYTES = 1_000_000


def command(*words: str, home: Path, may_fail: bool = False) -> None:
    environment = {**os.environ, "STILLROOM_HOME": str(home)}
    done = subprocess.run([sys.executable, "-m", "distill_core", *words], cwd=ROOT, env=environment, check=False)
    if done.returncode and not may_fail:
        raise SystemExit(done.returncode)


def make(name: str, work: Path, places: dict[str, str], *, reproduce: bool) -> None:
    """Run (where it was not), copy, and say how large it became. places: a folder of this machine → what it is called
    in what is kept."""
    run = RunFolder(work / name)
    config = RECIPES / f"{EXAMPLES[name]}.yaml" if name in EXAMPLES else work / f"{name}.yaml"
    command("run", str(config), "--out", str(run.path), home=work / "home")
    if reproduce and not (run.path / "reproduction.json").is_file():
        # Its status tells whether the figures matched; what it said is kept either way.
        command("reproduce", str(run.path), home=work / "home", may_fail=True)
    target = RunFolder(HERE / name)
    shutil.rmtree(target.path, ignore_errors=True)
    target.path.mkdir(parents=True)
    for file in FILES:
        if (run.path / file).is_file():
            text = (run.path / file).read_text(encoding="utf-8")
            for place, called in places.items():
                text = text.replace(place, called)
            (target.path / file).write_text(text, encoding="utf-8")
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
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join([*EXAMPLES, *REAL])} (all)")
    parser.add_argument("--work", type=Path, required=True, metavar="SCRATCH", help="folder of the whole runs")
    parser.add_argument("--reproduce", action="store_true", help="run each config a second time, and compare")
    parser.add_argument("--data", type=Path, help="folder of the real data sets")
    parser.add_argument("--checkpoint", type=Path, help="folder of an encoder")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(EXAMPLES) - set(REAL)
    if unknown:
        parser.error(f"there is no example {', '.join(sorted(unknown))}")
    work, places = arguments.work.resolve(), {}
    if arguments.data and arguments.checkpoint:
        data, checkpoint = arguments.data.resolve(), arguments.checkpoint.resolve()
        places = {str(data): "DATA", str(checkpoint): "CHECKPOINT"}
        work.mkdir(parents=True, exist_ok=True)
        for name, config in REAL.items():
            (work / f"{name}.yaml").write_text(yaml.safe_dump({**config(data, checkpoint), "name": name}))
    elif set(arguments.names) & set(REAL):
        parser.error("this example needs --data and --checkpoint")
    for name in arguments.names or [*EXAMPLES, *(REAL if places else ())]:
        make(name, work, places, reproduce=arguments.reproduce)


if __name__ == "__main__":
    main()
