// Shared by every page: elements without innerHTML (all text is textContent), figures with units, a patient poll.
if (!window.Stillroom) window.Stillroom = (W => {
  const svg = (tag, attributes, ...children) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes || {})) if (value !== null && value !== undefined) node.setAttribute(key, value);
    node.append(...children.flat().filter(Boolean));
    return node;
  };
  const h = (tag, attributes, ...children) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (key === "style") node.style.cssText = value;
      else node.setAttribute(key, value === true ? "" : value);
    }
    for (const child of children.flat(3)) {
      if (child === null || child === undefined || child === false) continue;
      node.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
    return node;
  };
  const fill = (node, ...children) => {
    node.replaceChildren(...children.flat(3).filter(c => c !== null && c !== undefined && c !== false));
    return node;
  };
  const known = value => typeof value === "number" && Number.isFinite(value);
  const DASH = "–";
  const percent = (value, digits = 1) => known(value) ? (100 * value).toFixed(digits) + "%" : DASH;
  const points = value => known(value) ? (100 * value).toFixed(1) : DASH;
  const count = value => {
    if (!known(value)) return DASH;
    if (value >= 1e9) return (value / 1e9).toFixed(2) + " B";
    if (value >= 1e6) return (value / 1e6).toFixed(2) + " M";
    if (value >= 1e4) return (value / 1e3).toFixed(0) + " k";
    return Math.round(value).toLocaleString("en");
  };
  const bytes = value => !known(value) ? DASH
    : value >= 1e6 ? (value / 1e6).toFixed(value >= 1e8 ? 0 : 2) + " MB" : (value / 1e3).toFixed(0) + " kB";
  const ms = value => !known(value) ? DASH : value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
  const times = value => !known(value) ? DASH : (value >= 99.95 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, "")) + "×";
  const duration = seconds => {
    if (!known(seconds)) return DASH;
    const s = Math.max(0, Math.round(seconds));
    if (s < 60) return say(W.seconds, {s});
    if (s < 3600) return say(W.minutes, {min: Math.floor(s / 60), s: s % 60});
    return say(W.hours, {h: Math.floor(s / 3600), min: Math.floor((s % 3600) / 60)});
  };
  const ago = stamp => {
    const t = typeof stamp === "number" ? stamp : Date.parse(stamp) / 1000;
    if (!known(t)) return DASH;
    const s = Date.now() / 1000 - t;
    if (s < 60) return W.just_now;
    if (s < 3600) return say(W.minutes_ago, {min: Math.floor(s / 60)});
    if (s < 86400) return say(W.hours_ago, {h: Math.floor(s / 3600)});
    return new Date(t * 1000).toLocaleDateString(undefined, {year: "numeric", month: "short", day: "numeric"});
  };
  const stamp = value => {
    const t = typeof value === "number" ? value * 1000 : Date.parse(value);
    return Number.isFinite(t) ? new Date(t).toLocaleString() : "";
  };
  // Words with {name} in them, filled in.
  const say = (template, values) => template.replace(/\{(\w+)\}/g, (_, key) => values[key]);
  const address = (key, value) => "?" + key + "=" + encodeURIComponent(value);

  // Calls `ask` every `seconds` while the page is seen and the element is on it; `ask` returns false to pause until
  // `again()`. A failed call is told through `lost(true)` and tried again by itself. `always()`: ask also while hidden.
  const poll = (element, seconds, ask, lost, always = () => false) => {
    let timer = null, busy = false, paused = false;
    const wait = () => { clearTimeout(timer); if (!paused) timer = setTimeout(tick, seconds * 1000); };
    const tick = async () => {
      if (!element.isConnected) return stop();
      if (busy || (document.hidden && !always())) return wait();
      busy = true;
      try {
        const goOn = await ask();
        lost(false);
        paused = goOn === false;
      } catch (error) {
        console.debug("poll:", error);
        lost(true);
      }
      busy = false;
      wait();
    };
    const again = () => { paused = false; clearTimeout(timer); tick(); };
    const seen = () => { if (!document.hidden && !paused) again(); };
    const stop = () => { clearTimeout(timer); document.removeEventListener("visibilitychange", seen); };
    document.addEventListener("visibilitychange", seen);
    tick();
    return {again, stop};
  };
  // A server function's answer; no answer at all (server away, connection cut) counts as a failure.
  const call = async (fn, request) => {
    const answer = await fn(request);
    if (answer === undefined || answer === null || typeof answer !== "object") throw new Error("no-answer");
    if (answer.detail !== undefined && Object.keys(answer).length === 1) throw new Error(String(answer.detail));
    return answer;
  };
  // A block of a form that asks only while it is seen, a moment after the last change: `ask(delay)` asks, `later()` after
  // a change, when the figures in sight (`shown()`) are those of before.
  const whileSeen = (element, shown, wanted, calm) => {
    let timer = 0, seen = false;
    const ask = delay => {
      clearTimeout(timer);
      timer = setTimeout(() => { if (seen && !document.hidden && element.isConnected) wanted(); }, delay);
    };
    const later = () => { if (seen) shown()?.classList.add("sr-stale"); ask(calm); };
    new IntersectionObserver(entries => {
      const now = entries[entries.length - 1].isIntersecting;
      if (now && !seen) { seen = true; ask(0); }
      seen = now;
    }, {rootMargin: "20000px"}).observe(element);
    return {ask, later};
  };
  // Watches what the server draws into the element with this id, which may be mounted after the script that asks for it.
  const watchDrawn = (element, id, seen) => {
    if (!element.isConnected) return;
    const node = document.getElementById(id);
    if (!node) return requestAnimationFrame(() => watchDrawn(element, id, seen));
    const watch = new MutationObserver(() => element.isConnected ? seen(node) : watch.disconnect());
    watch.observe(node, {childList: true, subtree: true});
    seen(node);
  };
  const css = (name, node) => getComputedStyle(node || document.body).getPropertyValue(name).trim();
  const STATUS = ["queued", "running", "stopping", "stopped", "interrupted", "failed", "done"];
  const pill = status => h("span", {class: "sr-pill sr-" + (STATUS.includes(status) ? status : "queued")}, status);
  // The trash below a list: `draw(deleted)`. nodes: functions that find `said`, `box`, `count`, `list`. asked: the key of the
  // address that names what was just deleted. restore(row) asks the server; lost() tells that it could not, again() asks anew.
  const trash = (nodes, W, {asked, restore, lost, again}) => {
    let drawn = null, told = false;
    const back = (row, label) => h("button", {type: "button", class: "sr-quiet", onclick: async event => {
      event.currentTarget.disabled = true;
      try {
        const answer = await call(restore, row);
        nodes.said().textContent = answer.error || say(W.restored, row);
      } catch { lost(); }
      again();
    }}, label);
    return deleted => {
      const key = JSON.stringify([deleted, Math.floor(Date.now() / 60000)]);
      if (key === drawn) return;
      drawn = key;
      nodes.box().hidden = !deleted.length;
      nodes.count().textContent = String(deleted.length);
      fill(nodes.list(), deleted.map(row => h("li", null, h("span", null, row.name), h("span", {class: "sr-muted"}, bytes(row.bytes)),
        back(row, W.restore), h("span", {class: "sr-muted sr-when", title: stamp(row.deleted)}, ago(row.deleted)))));
      // Come here from what was just deleted: taking it back is one press.
      const row = !told && deleted.find(entry => entry.id === new URLSearchParams(location.search).get(asked));
      if (!row) return;
      told = true;
      fill(nodes.said(), say(W.was_deleted, row) + " ", back(row, W.undo));
      nodes.said().scrollIntoView({block: "nearest"});
    };
  };
  return {h, svg, fill, known, DASH, percent, points, count, bytes, ms, times, duration, ago, stamp, say, address, poll, call, whileSeen, watchDrawn, css, pill, trash};
})(props.shared);
