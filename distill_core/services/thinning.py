"""Which points of a long curve are drawn: fewer than come in, and always the same ones.

A curve's points are numbered from 0 as they come. At level k they fall into buckets of 2^k; of a bucket stay its first,
its smallest and its largest point (of equal ones the earliest). The bucket with the newest point is kept whole. The
level follows from the number of points alone. Hence, for a curve that only grows:

- what is drawn depends on how many points there are, not on when one looks;
- a point that was left out never comes back, and one that is drawn leaves only when 2^k points become a bucket;
- of complete buckets a level keeps all that every higher level keeps, so whoever has the points of an earlier look
  needs only newer ones (`ui/js/points.js` does this by the same rule).
"""

from __future__ import annotations

import numpy as np

#: even, so that a level begins when a bucket does
BUCKETS = 256


def level_of(count: int, buckets: int = BUCKETS) -> int:
    """The smallest level whose buckets hold `count` points in at most `buckets`."""
    level = 0
    while count > buckets << level:
        level += 1
    return level


def complete(count: int, level: int) -> int:
    """How many buckets of a level are thinned: all but the one with the newest point."""
    return max(0, count - 1) >> level


def kept(values: np.ndarray, level: int, first: int = 0) -> np.ndarray:
    """Numbers, ascending, of the points that stay; at most 3 a bucket, and the newest bucket whole.

    Args:
        values: [n] all values so far; NaN where a value is not known (never the smallest or largest).
        level: see `level_of`.
        first: only points from this number on are wanted.
    """
    count = len(values)
    if not level:
        return np.arange(min(first, count), count)
    width, done = 1 << level, complete(count, level)
    begin = min(first >> level, done)
    block = values[begin * width : done * width].reshape(-1, width)
    starts = np.arange(begin, done) * width
    least = starts + np.where(np.isnan(block), np.inf, block).argmin(axis=1)
    most = starts + np.where(np.isnan(block), -np.inf, block).argmax(axis=1)
    found = np.unique(np.concatenate([starts, least, most, np.arange(done * width, count)]))
    return found[found >= first]


def means(values: np.ndarray, level: int, first: int = 0) -> np.ndarray:
    """Mean of every complete bucket from number `first` on; NaN where no value of a bucket is known."""
    width, done = 1 << level, complete(len(values), level)
    block = values[min(first, done) * width : done * width].reshape(-1, width)
    known = ~np.isnan(block)
    total = np.where(known, block, 0.0).sum(axis=1)
    return np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)
