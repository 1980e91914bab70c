// The points of a curve, thinned by the rule of distill_core/services/thinning.py: of 2^k points stay the first, the
// smallest and the largest, and the newest bucket stays whole. What is drawn follows from the number of points alone.
if (!window.StillroomPoints) window.StillroomPoints = (() => {
  const BUCKETS = 256;
  const known = value => typeof value === "number" && Number.isFinite(value);
  const levelOf = count => { let level = 0; while (count > BUCKETS * 2 ** level) level += 1; return level; };
  const complete = (count, level) => Math.floor(Math.max(0, count - 1) / 2 ** level);
  // Places, in `numbers` and `values`, of the points that stay. Points that an earlier look left out may be missing.
  const keep = (numbers, values, count, level) => {
    const places = [], width = 2 ** level, whole = complete(count, level) * width;
    for (let at = 0; at < numbers.length;) {
      const bucket = Math.floor(numbers[at] / width);
      if (!level || numbers[at] >= whole) { places.push(at); at += 1; continue; }
      let least = -1, most = -1;
      const begin = at;
      for (; at < numbers.length && Math.floor(numbers[at] / width) === bucket; at += 1) {
        if (!known(values[at])) continue;
        if (least < 0 || values[at] < values[least]) least = at;
        if (most < 0 || values[at] > values[most]) most = at;
      }
      for (const place of [...new Set([begin, least, most])].filter(p => p >= 0).sort((a, b) => a - b)) places.push(place);
    }
    return places;
  };
  const summed = differences => { let sum = 0; return differences.map(d => sum += d); };
  const halved = means => {
    const found = [];
    for (let i = 0; i + 1 < means.length; i += 2)
      found.push(known(means[i]) && known(means[i + 1]) ? (means[i] + means[i + 1]) / 2 : known(means[i]) ? means[i] : means[i + 1]);
    return found;
  };

  class Curve {
    // about: {id, arm, seed, name, unit}
    constructor(about) {
      Object.assign(this, about);
      this.count = 0; this.level = 0; this.numbers = []; this.steps = []; this.values = []; this.means = []; this.detail = null;
    }
    // Takes [id, count, numbers, steps, values, bucket, means] as `live` sends it; what is known already is passed over.
    take([, count, numbers, steps, values, bucket, means]) {
      if (count <= this.count) return;
      const own = summed(numbers), ownSteps = summed(steps);
      const last = this.numbers.length ? this.numbers[this.numbers.length - 1] : -1;
      this._rise(levelOf(count));
      own.forEach((number, i) => {
        if (number <= last) return;
        this.numbers.push(number); this.steps.push(ownSteps[i]); this.values.push(values[i]);
      });
      means.forEach((mean, i) => { this.means[bucket + i] = mean; });
      this.count = count;
      const places = keep(this.numbers, this.values, count, this.level);
      if (places.length < this.numbers.length)
        for (const part of ["numbers", "steps", "values"]) this[part] = places.map(p => this[part][p]);
    }
    _rise(level) {
      if (!this.level && level) this.means = this.values.slice(0, complete(this.count, 0));
      while (this.level < level) { this.means = halved(this.means.slice(0, complete(this.count, this.level))); this.level += 1; }
    }
    // Finer points of the steps that are being looked at; null: none.
    refine(packed) {
      this.detail = packed && {numbers: summed(packed[2]), steps: summed(packed[3]), values: packed[4]};
    }
    // {x, y} to be drawn: the kept points, and among them the finer ones.
    drawn() {
      if (!this.detail) return {x: this.steps.slice(), y: this.values.slice()};
      const own = new Set(this.numbers), all = this.numbers.map((number, i) => [number, this.steps[i], this.values[i]]);
      this.detail.numbers.forEach((number, i) => { if (!own.has(number)) all.push([number, this.detail.steps[i], this.detail.values[i]]); });
      all.sort((a, b) => a[0] - b[0]);
      return {x: all.map(p => p[1]), y: all.map(p => p[2])};
    }
    // Exponential moving average with a memory of about 2^power points, made from the means of whole buckets and the
    // single points after them, so that thinning does not bend it.
    smooth(power) {
      const parts = [];
      if (!this.level) this.values.forEach((value, i) => parts.push([this.steps[i], value, 1]));
      else {
        const width = 2 ** this.level, whole = complete(this.count, this.level);
        const at = new Map(this.numbers.map((number, i) => [number, i]));
        // A bucket's mean stands at its end: where the next one begins.
        for (let b = 0; b < whole; b += 1) parts.push([this.steps[at.get((b + 1) * width)], this.means[b], width]);
        this.numbers.forEach((number, i) => { if (number >= whole * width) parts.push([this.steps[i], this.values[i], 1]); });
      }
      const decay = 1 - 2 ** -power, x = [], y = [];
      let sum = 0, weight = 0;
      for (const [step, value, width] of parts) {
        if (!known(value)) continue;
        const old = decay ** width;
        sum = old * sum + (1 - old) * value; weight = old * weight + 1 - old;
        x.push(step); y.push(sum / weight);
      }
      return {x, y};
    }
    last() { return this.steps.length ? this.steps[this.steps.length - 1] : 0; }
    // The value nearest to a step, or the newest; undefined where the curve has none near.
    at(step) {
      if (!this.steps.length) return undefined;
      if (step === null) return this.values[this.values.length - 1];
      const gap = (this.last() - this.steps[0]) / 20 + 1;
      if (step < this.steps[0] - gap || step > this.last() + gap) return undefined;
      let low = 0, high = this.steps.length - 1;
      while (high - low > 1) { const middle = (low + high) >> 1; if (this.steps[middle] <= step) low = middle; else high = middle; }
      return this.values[Math.abs(this.steps[high] - step) < Math.abs(step - this.steps[low]) ? high : low];
    }
  }
  return {BUCKETS, levelOf, complete, keep, summed, Curve};
})();
