"""Arguments to commands, errors to words and exit statuses."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from distill_core import __version__
from distill_core.cli import backup, beside, compare, examine, plan, reproduce, runs, show
from distill_core.cli import export as exporting
from distill_core.cli import extra as measuring
from distill_core.cli import run as running
from distill_core.cli import sweep as sweeping
from distill_core.cli import verdict as deciding
from distill_core.cli.output import flush_stdout, silence_stdout
from distill_core.errors import ConfigError, FieldError, StillroomError
from distill_core.export.formats import ALLOWED_LOSS, FORMATS
from distill_core.jobs.exports import Order
from distill_core.jobs.meta import Words
from distill_core.services.playground import checked

DONE, FAILED, REFUSED, STOPPED = 0, 1, 2, 130

_EPILOG = """exit status:
  0 done   1 the run failed, or the verdict is not to ship   2 the config or the command was refused
  130 stopped (resume goes on)

STILLROOM_HOME is the folder that keeps teacher signals and finetuned teachers for later runs."""


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m distill_core",
        description="Distil one or several teachers into a small, fast student.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"Stillroom {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(run=run)
        return sub

    sub = command("run", "Train, measure and report: one run, from its config.", _run)
    sub.add_argument("config", type=Path, metavar="CONFIG.yaml")
    sub.add_argument("--out", type=Path, required=True, metavar="DIR", help="new or empty folder for the run")
    sub = command("resume", "Go on with a run that was stopped, interrupted or failed.", _resume)
    sub.add_argument("folder", type=Path, metavar="DIR")
    sub = command("check", "Read the config, the data and the checkpoints; train nothing.", _check)
    sub.add_argument("config", type=Path, metavar="CONFIG.yaml")
    sub.add_argument(
        "--estimate", action="store_true", help="also measure briefly what the run will take: time, memory, disk"
    )
    sub.add_argument(
        "--layers", action="store_true", help="also tell which teacher layer teaches which of the student's"
    )
    sub = command("latency", "Measure student and teachers as shapes, with random weights.", _latency)
    sub.add_argument("config", type=Path, metavar="CONFIG.yaml")
    sub.add_argument("--json", action="store_true", help="JSON instead of a table")
    _add_predict(command("predict", "Label or tag texts with a finished student.", _predict))
    sub = command("report", "Print the report of a finished run, or write it as one HTML file.", _report)
    sub.add_argument("folder", type=Path, metavar="DIR")
    sub.add_argument("--json", action="store_true", help="the whole report.json instead of tables")
    sub.add_argument("--html", type=Path, metavar="FILE", help="write it for others: one file, charts inside, offline")
    reproduce.add_arguments(
        command("reproduce", "Run a finished run's config again, and compare all figures.", reproduce.reproduce)
    )
    deciding.add_arguments(
        command("verdict", "Ship it or not, against thresholds kept with the run.", deciding.verdict)
    )
    examine.add_examine(command("examine", "Calibration, disagreements, the teachers' errors, cost.", examine.examine))
    examine.add_calibrate(
        command("calibrate", "Divide the student's logits by the temperature that validation gives.", examine.calibrate)
    )
    _add_export(command("export", "Take a finished student away: measured again in each format.", _export))
    measuring.add_curve(
        command("curve", "Measure how many labels distillation was worth: a learning curve.", measuring.curve)
    )
    measuring.add_without(
        command("without-teachers", "Train a finished run's student without each of its teachers.", measuring.without)
    )
    sub = command("push", "Put an export's folder on the Hugging Face Hub (token: HF_TOKEN).", _push)
    sub.add_argument("folder", type=Path, metavar="DIR", help="an export, as `export` wrote it")
    sub.add_argument("name", metavar="OWNER/NAME")
    sub.add_argument("--public", action="store_true", help="a new repository is public (default: private)")
    sub = command("import", "Take a run that was made elsewhere into the data folder.", _import)
    sub.add_argument("source", type=Path, metavar="DIR|ZIP")
    backup.add_backup(
        command("backup", "Copy runs and sweeps to a mounted folder, or take them back from it.", backup.backup)
    )
    sub = command("note", "Name, tag, annotate or archive a run or sweep, or show what is written beside it.", _note)
    sub.add_argument("folder", type=Path, metavar="DIR")
    sub.add_argument("--name")
    sub.add_argument("--tags", metavar="A,B", help="all its tags, separated by commas")
    sub.add_argument("--notes", metavar="TEXT")
    sub.add_argument("--archived", action=argparse.BooleanOptionalAction, default=None, help="out of the page's list")
    sub = command("diff", "Print the settings in which two runs, or two configs, differ.", _diff)
    sub.add_argument("here", type=Path, metavar="DIR|CONFIG.yaml")
    sub.add_argument("there", type=Path, metavar="DIR|CONFIG.yaml")
    compare.add_compare(
        command("compare", "Finished runs side by side, and which of them nothing else beats.", compare.compare)
    )
    compare.add_leaderboard(
        command("leaderboard", "All finished runs by the data they were made with.", compare.leaderboard)
    )
    sweeping.add_sweep(command("sweep", "Try several settings of a run, chosen on validation alone.", sweeping.sweep))
    sweeping.add_trials(command("trials", "Print what a sweep has tried, and what matters.", sweeping.trials))
    sweeping.add_promote(command("promote", "Make a trial of a sweep a whole run, with its test.", sweeping.promote))
    command("machine", "Say what this machine computes on, as JSON.", lambda _: show.machine())
    command("recipes", "List the recipes that ship with the project.", lambda _: show.recipes())
    return parser


def _add_predict(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("folder", type=Path, metavar="DIR", help="a run's folder, or a student's")
    sub.add_argument("--text", action="append", default=[], metavar="TEXT", help="a text; may be given several times")
    sub.add_argument(
        "--text-pair", action="append", default=[], metavar="TEXT", help="second text of the pair, for each --text"
    )
    sub.add_argument(
        "--file",
        type=Path,
        metavar="FILE",
        help="UTF-8 texts, one a line (for pairs: two texts with a tab between); - for standard input",
    )
    sub.add_argument("--json", action="store_true", help="a JSON list instead of a table")
    sub.add_argument(
        "--beside", action="store_true", help="also every teacher and the control, with times (DIR: a run's)"
    )
    sub.add_argument("--csv", action="store_true", help="CSV instead of a table (with --beside)")


def _add_export(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("folder", type=Path, metavar="RUN", help="a finished run's folder")
    sub.add_argument("--to", nargs="+", required=True, metavar="FORMAT", help=f"of {', '.join(FORMATS)}")
    sub.add_argument("--out", type=Path, metavar="DIR", help="where to put them (default: into the run's folder)")
    sub.add_argument(
        "--allow-loss",
        type=float,
        default=ALLOWED_LOSS,
        metavar="POINTS",
        help=f"points of validation quality an export may lose before it is refused (default {ALLOWED_LOSS})",
    )
    sub.add_argument(
        "--teacher", action="store_true", help="also measure the reference teacher on the same runtime, for speed-ups"
    )
    sub.add_argument("--cancel", action="store_true", help="end the building of these formats that is under way")
    sub.add_argument("--license", metavar="ID", help="licence of the student for its card, e.g. apache-2.0")


def main(argv: Sequence[str] | None = None) -> int:
    """The command line as a function; returns the exit status."""
    arguments = build_parser().parse_args(argv)
    try:
        status = int(arguments.run(arguments))
        flush_stdout()
        return status
    except ConfigError as error:
        return _refuse(str(error), REFUSED)
    except StillroomError as error:
        return _refuse(str(error), FAILED if arguments.command in ("run", "resume") else REFUSED)
    except KeyboardInterrupt:
        return STOPPED
    except BrokenPipeError:
        silence_stdout()
        return FAILED


def _refuse(text: str, status: int) -> int:
    print(text, file=sys.stderr)
    return status


def _run(arguments: argparse.Namespace) -> int:
    return running.run(arguments.config, arguments.out)


def _resume(arguments: argparse.Namespace) -> int:
    return running.resume(arguments.folder)


def _check(arguments: argparse.Namespace) -> int:
    return show.check(arguments.config, estimate=arguments.estimate, layers=arguments.layers)


def _latency(arguments: argparse.Namespace) -> int:
    return plan.latency(arguments.config, as_json=arguments.json)


def _predict(arguments: argparse.Namespace) -> int:
    if arguments.csv and not arguments.beside:
        raise ConfigError([FieldError("--csv", "it goes with --beside.", "Add --beside, or leave --csv out.")])
    wanted = show.PredictRequest(arguments.folder, arguments.text, arguments.text_pair, arguments.file, arguments.json)
    if arguments.beside:
        return beside.beside(arguments.folder, checked(*show.inputs(wanted)), as_json=arguments.json, csv=arguments.csv)
    return show.predict(wanted)


def _export(arguments: argparse.Namespace) -> int:
    order = Order(arguments.to, arguments.allow_loss, arguments.teacher, arguments.out, arguments.license)
    return (exporting.cancel if arguments.cancel else exporting.export)(arguments.folder, order)


def _push(arguments: argparse.Namespace) -> int:
    return exporting.push(arguments.folder, arguments.name, public=arguments.public)


def _import(arguments: argparse.Namespace) -> int:
    return exporting.take_in(arguments.source)


def _note(arguments: argparse.Namespace) -> int:
    tags = None if arguments.tags is None else arguments.tags.split(",")
    words = Words(name=arguments.name, tags=tags, notes=arguments.notes, archived=arguments.archived)
    return runs.note(arguments.folder, words)


def _diff(arguments: argparse.Namespace) -> int:
    return runs.diff(arguments.here, arguments.there)


def _report(arguments: argparse.Namespace) -> int:
    return show.report(arguments.folder, as_json=arguments.json, html=arguments.html)
