// A slider beside a number field. The field alone counts: the slider writes into it, follows it, and stands at its end
// where the field holds more or less than is usual.
(() => {
  const all = window.StillroomSliders ||= (() => {
    const known = new Map(), told = {};
    // After every change of one of these fields, by hand or by a preset.
    const follow = (ids, values) => {
      ids.forEach((id, number) => { told[id] = values[number]; });
      known.forEach((slider, id) => slider.node.isConnected ? slider.follow() : known.delete(id));
    };
    const value = id => {
      const typed = document.querySelector(`#${id} input, #${id} textarea`)?.value ?? told[id];
      const number = typed === "" || typed === null || typed === undefined ? NaN : Number(typed);
      return Number.isFinite(number) ? number : null;
    };
    return {known, follow, value};
  })();
  const node = element.querySelector("input[type=range]");
  if (!node) return;
  const id = node.dataset.for, low = +node.min, high = +node.max, step = +node.step;
  const {multipleOf, divisorOf} = node.dataset;
  const clamp = (number, from, to) => Math.min(to, Math.max(from, number));
  let choices = null;
  const bounds = (from, to, by) => {
    if (+node.min !== from || +node.max !== to || +node.step !== by) Object.assign(node, {min: from, max: to, step: by});
  };
  const follow = () => {
    const now = all.value(id), other = multipleOf || divisorOf ? all.value(multipleOf || divisorOf) : null;
    const whole = Number.isInteger(other) && other > 0;
    choices = null;
    if (divisorOf && whole) {
      choices = [...Array(high - low + 1).keys()].map(n => n + low).filter(n => other % n === 0);
      bounds(0, choices.length - 1, 1);
      const past = choices.findIndex(n => now !== null && n >= now);
      node.value = now === null ? 0 : past < 0 ? choices.length - 1 : past;
    } else if (multipleOf && whole && other <= high) {
      bounds(Math.ceil(low / other) * other, Math.floor(high / other) * other, other);
      node.value = now === null ? node.min : clamp(now, +node.min, +node.max);
    } else {
      bounds(low, high, step);
      node.value = now === null ? low : clamp(now, low, high);
    }
    node.classList.toggle("sr-unset", now === null);
    node.setAttribute("aria-valuetext", now === null ? "" : String(now));
  };
  node.addEventListener("input", () => {
    const field = document.querySelector(`#${id} input, #${id} textarea`);
    if (!field) return;
    field.value = choices ? choices[+node.value] : node.value;
    field.dispatchEvent(new Event("input", {bubbles: true}));
    node.classList.remove("sr-unset");
    node.setAttribute("aria-valuetext", field.value);
  });
  all.known.set(id, {node, follow});
  requestAnimationFrame(follow);
})();
