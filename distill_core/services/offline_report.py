"""The one-file report for others, put together from a run's folder; for page and command line alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from distill_core.errors import DiskError
from distill_core.events import metric_rows, read_events
from distill_core.export import formats
from distill_core.export.html_report import Evidence, to_html
from distill_core.extras.state import KINDS, finished
from distill_core.jobs.meta import read_meta
from distill_core.layout import RunFolder
from distill_core.services import results
from distill_core.services.files import slug
from distill_core.storage import read_json, write_text

#: beside report.json, once somebody has run the config again (`export.reproduction`)
REPRODUCTION = "reproduction.json"


def evidence_of(folder: RunFolder) -> Evidence:
    """Raises JobError (no report yet), DataError (a damaged file)."""
    report = results.report_of(folder)
    meta = read_meta(folder)
    return Evidence(
        report=report,
        verdict=results.verdict(folder),
        metrics=metric_rows(read_events(folder.events)),
        config_yaml=folder.config.read_text(encoding="utf-8"),
        reproduction=reproduction_of(folder),
        name=str(meta.get("name") or report["name"]),
        created=report.get("created") or meta.get("created"),
        folder=folder.path.resolve().name,
        measured={kind: found for kind in KINDS if (found := finished(folder, kind)) is not None},
        exports=formats.measured(folder),
    )


def reproduction_of(folder: RunFolder) -> dict[str, Any] | None:
    """reproduction.json, or None while nobody ran the config again."""
    found = read_json(folder.path / REPRODUCTION)
    return found if isinstance(found, dict) else None


def offline_report(folder: RunFolder) -> tuple[str, str]:
    """(file name, HTML). Raises as `evidence_of`."""
    evidence = evidence_of(folder)
    return f"{slug(evidence.name)}-report.html", to_html(evidence)


def write_offline_report(folder: RunFolder, target: Path) -> Path:
    """Writes the file, atomically. Raises as `evidence_of`, and DiskError."""
    _, text = offline_report(folder)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_text(target, text)
    except OSError as error:
        raise DiskError(
            f"{target} cannot be written: {error.strerror or error}.", hint="Choose another file."
        ) from None
    return target
