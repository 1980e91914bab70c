"""Tables for the tests of data."""

import pytest


@pytest.fixture
def write(tmp_path):
    def _write(name, rows, header="text,label"):
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n", encoding="utf-8")
        return str(path)

    return _write
