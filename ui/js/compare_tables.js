// Compare's tables: figures of every point, settings that differ, the leaderboard.
if (!window.StillroomCompareTables) window.StillroomCompareTables = (() => {
  const S = window.Stillroom, {h, known, say} = S, {model} = window.StillroomFront;
  const num = (name, ...children) => h("td", {class: "sr-num", "data-name": name}, ...children);
  const span = (value, digits = 1) => value ? h("span", {class: "sr-muted sr-span-of"}, " " + (100 * value[0]).toFixed(digits) + "–" + (100 * value[1]).toFixed(digits)) : null;
  const timed = latency => latency ? [S.ms(latency.p50), latency.interval ? h("span", {class: "sr-muted sr-span-of"}, " " + S.ms(latency.interval[0]) + "–" + S.ms(latency.interval[1])) : null] : S.DASH;
  const seconds = value => known(value) ? value < 60 ? value.toFixed(1) + " s" : S.duration(value) : S.DASH;
  const heads = (names, text = 1) => h("thead", null, h("tr", null, names.map((t, i) => h("th", {scope: "col", class: i < text ? null : "sr-num"}, t))));
  const table = (caption, kind, ...children) => h("div", {class: "sr-scroll"}, h("table", {class: "sr-table " + kind}, h("caption", {class: "sr-visually-hidden"}, caption), ...children));
  const cells = (names, row, interval) => [num(names[0], S.percent(row.kept), span(row.kept_interval)), num(names[1], S.percent(row.validation)),
    num(names[2], S.percent(row.test), interval ? span(row.interval) : null), num(names[3], timed(row.latency)), num(names[4], S.bytes(row.bytes)),
    num(names[5], S.count(row.parameters)), num(names[6], seconds(row.seconds))];
  const SWATCH = {no_teacher: "sr-c1", uniform: "sr-c2", main: "sr-s"};

  const figures = (group, points, x, W) => {
    const on = new Set(group.fronts[x]), teachers = [...new Set(points.filter(p => p.role === "teacher").map(p => p.name))];
    const swatch = p => h("span", {class: "sr-swatch " + (SWATCH[p.key] || "sr-t" + (1 + teachers.indexOf(p.name) % 8)), "aria-hidden": "true"});
    return table(W.table, "sr-compare-figures", heads(W.head), [...new Set(points.map(p => p.run))].map(run => points.filter(p => p.run === run)).map(own => h("tbody", null,
      h("tr", {class: "sr-row-head"}, h("th", {scope: "rowgroup", colspan: W.head.length}, h("a", {href: S.address("run", own[0].run)}, own[0].run_name), own[0].example ? h("span", {class: "sr-tag"}, W.example) : null)),
      own.map(p => h("tr", {"data-point": p.id, class: on.has(p.id) ? "sr-on-front" : null},
        h("th", {scope: "row"}, swatch(p), model(p, W), on.has(p.id) ? h("span", {class: "sr-tag"}, W.front) : null), cells(W.head.slice(1), p, true))))));
  };

  const value = (v, W) => v === null || v === undefined ? W.unset : Array.isArray(v) ? v.join(", ") : typeof v === "object" ? JSON.stringify(v) : String(v);
  const settings = (found, W) => {
    if (found.unread.length) return h("p", {class: "sr-muted"}, say(W.unread, {names: found.unread.join(", ")}));
    if (found.runs.length < 2) return h("p", {class: "sr-muted"}, W.one_run);
    if (!found.settings.length) return h("p", {class: "sr-muted"}, W.same_settings);
    return table(W.settings, "sr-compare-settings", heads([W.setting, ...found.runs.map(r => r.name)], 99), h("tbody", null, found.settings.map(row => h("tr", null,
      h("th", {scope: "row"}, h("code", null, row.field)), row.values.map(v => h("td", null, value(v, W)))))));
  };

  // pick(id, on): a run was ticked
  const board = (group, chosen, W, pick) => table(group.name, "sr-board", heads(W.board_head), h("tbody", null, group.rows.map(row => h("tr", {"data-run": row.id},
    h("th", {scope: "row"}, h("label", {class: "sr-pick"}, h("input", {type: "checkbox", checked: chosen.includes(row.id), "aria-label": say(W.pick, row),
      onchange: event => pick(row.id, event.target.checked)})), h("a", {href: S.address("run", row.id)}, row.name),
    [...(row.example ? [W.example] : []), ...row.tags, ...(row.archived ? [W.archived] : [])].map(tag => h("span", {class: "sr-tag"}, tag))), cells(W.board_head.slice(1), row, false)))));
  return {figures, settings, board};
})();
