from __future__ import annotations

import numpy as np
import pytest

from distill_core.planner.store import Cost, Curve, ProbeStore, digest, padded_tokens

CURVE = Curve(tokens=(10.0, 20.0, 40.0), cpu=(1.0, 2.0, 3.0), wall=(2.0, 4.0, 6.0), saved=5.0)


def test_between_points_a_straight_line_and_on_beyond_the_last() -> None:
    for tokens, cpu in ((10, 1.0), (15, 1.5), (30, 2.5), (40, 3.0), (70, 3.0 + 30 * 2 / 30), (2, 1.0)):
        assert CURVE.of(np.array([tokens])).cpu == pytest.approx(cpu)
    assert CURVE.of(np.array([10, 20, 20])) == Cost(5.0, 10.0)


def test_a_curve_never_falls() -> None:
    noisy = Curve((1.0, 2.0, 3.0), (1.0, 5.0, 4.0), (1.0, 5.0, 4.0))
    assert noisy.of(np.array([3])).cpu == 5.0 and noisy.of(np.array([4])).cpu == pytest.approx(7.0)


def test_one_point_is_scaled_by_tokens() -> None:
    assert Curve((10.0,), (1.0,), (1.0,)).of(np.array([30])).cpu == pytest.approx(3.0)


def test_a_curve_without_points_is_refused() -> None:
    with pytest.raises(ValueError, match="points"):
        Curve((), (), ())


def test_how_far_a_curve_reaches() -> None:
    assert CURVE.reaches(60) and not CURVE.reaches(100)
    assert Curve((1.0,), (1.0,), (1.0,), cut=True).reaches(100)


def test_padded_tokens() -> None:
    lengths = np.array([3, 5, 2, 9])
    assert padded_tokens([np.array([0, 1]), np.array([2]), np.array([3, 2])], lengths).tolist() == [10, 2, 18]


def test_the_store_keeps_curves_and_survives_damage(tmp_path) -> None:
    store, key = ProbeStore(tmp_path), digest(["a", 1])
    assert store.curve(key) is None
    store.put_curve(key, CURVE)
    assert store.curve(key) == CURVE
    (store.folder / f"{key}.json").write_text('{"tokens": [1]}')
    assert store.curve(key) is None
    (store.folder / f"{key}.json").write_text("[1")
    assert store.get(key) is None


def test_equal_parts_have_equal_names() -> None:
    assert digest([{"a": 1, "b": 2}]) == digest([{"b": 2, "a": 1}]) != digest([{"a": 1, "b": 3}])
