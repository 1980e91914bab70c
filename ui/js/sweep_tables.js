// A sweep's table of trials, which is sorted by a press on a heading, and its bars of what matters.
if (!window.StillroomSweepTables) window.StillroomSweepTables = (() => {
  const S = window.Stillroom, {h, known, say} = S, C = window.StillroomSweepChart;
  const why = (t, W) => t.state === "pruned" ? say(W.pruned_why, {count: t.curve.length}) : t.error ? [t.error.message, t.error.hint].filter(Boolean).join(" ") : "";

  // sorted: {key, down}; on.sort(key), on.promote(number)
  const trials = (view, list, sorted, W, on) => {
    const chosen = new Set(Object.values(view.fronts).flat()), costs = Object.keys(view.fronts), metric = view.sweep.metric_words;
    const columns = [{key: "number", name: W.number, of: t => t.number},
      ...view.fields.map(f => ({key: f.path, name: f.label, title: f.path, of: t => t.params[f.path], shown: t => C.figure(t.params[f.path], W.none)})),
      {key: "quality", name: say(W.quality, {metric}), of: t => t.values.quality, shown: t => S.percent(t.values.quality)},
      ...costs.map(c => ({key: c, name: W.costs[c], of: t => t.values[c], shown: t => known(t.values[c]) ? C.costs[c](t.values[c]) : S.DASH})),
      {key: "seconds", name: W.work_head, of: t => t.seconds, shown: t => known(t.seconds) ? t.seconds < 60 ? t.seconds.toFixed(1) + " s" : S.duration(t.seconds) : S.DASH},
      {key: "state", name: W.outcome, of: t => W.states[t.state], text: true}];
    const by = columns.find(c => c.key === sorted.key) || columns[0];
    const less = (a, b) => {
      const [x, y] = [by.of(a), by.of(b)], none = v => v === null || v === undefined;
      if (none(x) || none(y)) return none(x) - none(y) || a.number - b.number;
      return (x < y ? -1 : x > y ? 1 : 0) * (sorted.down ? -1 : 1) || a.number - b.number;
    };
    const head = c => h("th", {scope: "col", class: c.text ? null : "sr-num", title: c.title, "aria-sort": c === by ? (sorted.down ? "descending" : "ascending") : null},
      h("button", {type: "button", class: "sr-sort", "aria-label": say(W.sort, c), onclick: () => on.sort(c.key)}, c.name, c === by ? h("span", {"aria-hidden": "true"}, sorted.down ? " ↓" : " ↑") : null));
    const seeds = view.sweep.seeds === 1 ? W.seeds_one : say(W.seeds, {count: view.sweep.seeds});
    const action = t => t.run ? h("a", {href: S.address("run", t.run)}, W.open_run) : t.state === "done"
      ? h("button", {type: "button", class: "sr-quiet", "data-promote": t.number, title: say(W.promote_how, {number: t.number, seeds}), onclick: event => on.promote(t.number, event.currentTarget)}, W.promote) : null;
    const row = t => h("tr", {"data-trial": t.number, class: chosen.has(t.number) ? "sr-on-front" : null},
      h("th", {scope: "row", class: "sr-num"}, t.number), columns.slice(1, -1).map(c => h("td", {class: "sr-num", "data-name": c.name}, c.shown(t))),
      h("td", {class: "sr-outcome"}, W.states[t.state], chosen.has(t.number) ? h("span", {class: "sr-tag"}, W.on_front_tag) : !costs.length && t.number === view.best ? h("span", {class: "sr-tag"}, W.best_tag) : null,
        why(t, W) ? h("span", {class: "sr-muted sr-small"}, " " + why(t, W)) : null), h("td", {class: "sr-action"}, action(t)));
    return h("div", {class: "sr-scroll"}, h("table", {class: "sr-table sr-trials"}, h("thead", null, h("tr", null, columns.map(head), h("td", null, ""))), h("tbody", null, [...list].sort(less).map(row))));
  };

  const importance = (view, fewest, W) => {
    if (view.finished < fewest) return h("p", {class: "sr-muted sr-empty"}, say(W.importance_few, {fewest, finished: view.finished}));
    const label = path => (view.fields.find(f => f.path === path) || {label: path}).label;
    const bars = shares => h("div", {class: "sr-mini"}, Object.entries(shares).sort((a, b) => b[1] - a[1]).map(([path, share]) => h("div", {class: "sr-bar-row", "data-path": path},
      h("span", {class: "sr-bar-name", title: path}, label(path)), h("span", {class: "sr-bar-track"}, h("span", {class: "sr-bar sr-s", style: "width:" + (100 * share).toFixed(1) + "%"})), h("span", {class: "sr-bar-value"}, S.percent(share, 0)))));
    const name = key => key === "quality" ? say(W.quality, {metric: view.sweep.metric_words}) : W.costs[key];
    const one = key => h("div", {class: "sr-matters"}, view.sweep.objectives.length > 1 ? h("h3", null, name(key)) : null,
      view.importance[key] ? bars(view.importance[key]) : h("p", {class: "sr-muted sr-small"}, W.importance_equal));
    return [...view.sweep.objectives.map(one), h("p", {class: "sr-small sr-muted"}, W.importance_how)];
  };
  return {trials, importance};
})();
