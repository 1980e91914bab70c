from hypothesis import given
from hypothesis import strategies as st

from distill_core.signals.fingerprint import fingerprint
from distill_core.signals.types import SignalSpec

SPEC = SignalSpec(layers=(1, 2), level="word", pooled=True)


def test_every_part_counts():
    base = ("teacher", ["a", "b"], SPEC, 64)
    others = [
        ("other", ["a", "b"], SPEC, 64),
        ("teacher", ["a", "c"], SPEC, 64),
        ("teacher", ["ab"], SPEC, 64),
        ("teacher", ["a"], SPEC, 64),
        ("teacher", ["a", "b"], SignalSpec((1,), "word", True), 64),
        ("teacher", ["a", "b"], SignalSpec((1, 2), "token", True), 64),
        ("teacher", ["a", "b"], SignalSpec((1, 2), "word", False), 64),
        ("teacher", ["a", "b"], SPEC, 65),
    ]
    names = [fingerprint(*arguments) for arguments in [base, *others]]
    assert len(set(names)) == len(names)


@given(st.lists(st.text("0123456789abcdef", min_size=1, max_size=4), max_size=8), st.randoms())
def test_order_and_repetition_of_ids_do_not_count(ids, random):
    shuffled = [*ids, *ids[:2]]
    random.shuffle(shuffled)
    found = fingerprint("t", ids, SPEC, 64)
    assert found == fingerprint("t", shuffled, SPEC, 64)
    assert len(found) == 64
    assert set(found) <= set("0123456789abcdef")


def test_order_of_layers_does_not_count():
    assert SignalSpec((2, 1, 2)) == SignalSpec((1, 2))
    assert fingerprint("t", ["a"], SignalSpec((2, 1)), 64) == fingerprint("t", ["a"], SignalSpec((1, 2)), 64)


def test_the_precision_counts_and_fp32_keeps_the_names_it_had():
    plain = fingerprint("t", ["a"], SPEC, 64)
    assert fingerprint("t", ["a"], SPEC, 64, precision="fp32") == plain
    assert fingerprint("t", ["a"], SPEC, 64, precision="bf16") != plain
