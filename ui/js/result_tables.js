// The four tables of a result (quality, size, latency, controls) and those of each class and language, from report.json.
if (!window.StillroomTables) window.StillroomTables = (() => {
  const S = window.Stillroom, P = window.StillroomParts, {h, known, say} = S;
  const {num, swatch, how, table, bar, group, fold, label, rowsOf} = P;
  const own = list => list.filter(m => m.teacher || m.arm === "main");
  const between = m => m.interval ? S.points(m.interval[0]) + "–" + S.points(m.interval[1])
    : m.spread ? say(P.W.over_seeds, {low: S.points(m.spread[0]), high: S.points(m.spread[1])}) : S.DASH;

  const quality = (report, list, metric) => {
    const W = P.W, sizes = (report.data || {}).sizes || {}, rows = rowsOf(report), seeds = (report.seeds || []).join(", ");
    const tested = known(sizes.test) ? say(W.test_rows, {count: sizes.test.toLocaleString("en"), rows}) : say(W.the_test_rows, {rows});
    const method = report.protocol?.interval_method === "linearised" ? say(W.linearised, {rows}) : W.wilson;
    return group(W.quality, table(W.quality, [W.model, say(W.test_quality, {metric}), W.interval, W.agreement, ""], own(list).map(m =>
      h("tr", null, label(m), num(h("b", null, S.points(m.test))), num(between(m)), num(m.teacher ? S.DASH : S.percent(m.agreement)), h("td", {class: "sr-bar-cell"}, bar(m.test, 1, m.css))))),
      how(say(W.measured_once, {rows: tested}), say(W.intervals, {method, units: W.agreed[report.unit] || W.agreed.example, teacher: report.reference_teacher}),
        say(report.seeds?.length > 1 ? W.mean_over_seeds : W.one_seed, {seeds})));
  };
  // exported: rows of exports that are ready.
  const size = (report, list, exported) => {
    const W = P.W, shown = own(list), most = Math.max(...shown.map(m => m.parameters)), main = shown.find(m => m.arm === "main");
    const files = exported.map(r => h("tr", null, h("th", {scope: "row"}, swatch("sr-s"), say(W.exported, r)), num(S.count(main?.parameters)), num(S.bytes(r.figures.bytes.export)),
      h("td", {class: "sr-bar-cell"})));
    return group(W.size, table(W.size, [W.model, W.parameters, W.on_disk, ""], [...shown.map(m => h("tr", null, label(m),
      num(S.count(m.parameters)), num(S.bytes(m.bytes)), h("td", {class: "sr-bar-cell"}, bar(m.parameters, most, m.css)))), ...files]),
      h("p", {class: "sr-key"}, h("b", null, S.times(report.compression?.parameters)), W.fewer_parameters,
        h("b", null, S.times(report.compression?.bytes)), W.fewer_bytes, report.reference_teacher, "."),
      how(W.size_how, files.length ? W.exports_size_how : null));
  };
  // Groups of a latency table: a heading with its speed-up, then a row for each model.
  const timed = (title, speedup, rows, css) => {
    const W = P.W, most = Math.max(...rows.map(r => r.p50));
    return [h("tr", {class: "sr-row-head"}, h("th", {scope: "rowgroup", colspan: 4}, title,
      known(speedup) ? h("span", {class: "sr-tag"}, say(speedup >= 1 ? W.speed_up : W.slower, {times: S.times(speedup)})) : null)),
      ...rows.map(r => h("tr", null, h("th", {scope: "row"}, swatch(css(r)), r.role === "student" ? W.student : r.name),
        num(S.ms(r.p50)), num(S.ms(r.p95)), h("td", {class: "sr-bar-cell"}, bar(r.p50, most, css(r)))))];
  };
  const latency = (report, list) => {
    const W = P.W, rows = report.latency_models || [], body = [];
    const css = r => r.role === "student" ? "sr-s" : (list.find(m => m.label === r.name) || {css: "sr-t1"}).css;
    for (const batch of [...new Set(rows.map(r => r.batch))].sort((a, b) => a - b))
      body.push(...timed(say(W.batch, {batch}), (report.latency || []).find(r => r.batch === batch)?.speedup, rows.filter(r => r.batch === batch), css));
    const one = (report.latency || [])[0] || rows[0] || {}, p = report.protocol?.latency || {};
    return group(W.latency, table(W.latency, [W.model, W.p50, W.p95, ""], body),
      how(say(W.latency_how, {tokens: one.tokens ?? "?", threads: one.threads ?? "?", runtime: one.runtime || "torch", device: p.device ? say(W.on_device, p) : ""}),
        known(p.warmup) ? say(W.calls_how, {warmup: p.warmup, repeats: p.repeats ?? "?"}) : null, W.speed_how));
  };
  // Exports on runtimes of their own: a line for each batch size, student and best teacher on the same one.
  const exports = (report, list, exported) => {
    const W = P.W, here = (report.latency_models || [])[0]?.runtime, elsewhere = exported.filter(r => r.runtime !== here && r.figures.latency?.length), first = elsewhere[0]?.figures;
    if (!first) return h("div", {hidden: true});
    const times = t => t ? S.ms(t.p50) + " / " + S.ms(t.p95) : S.DASH, teacher = list.find(m => m.label === (elsewhere.find(r => r.figures.teacher) || elsewhere[0]).figures.teacher);
    const heads = [W.export, W.batch_head, [teacher ? swatch(teacher.css) : null, say(W.times, {model: teacher?.label || W.teacher})], [swatch("sr-s"), say(W.times, {model: W.student})], W.speed];
    const found = group(W.exports, table(W.exports, heads, elsewhere.flatMap(r => r.figures.latency.map(row => h("tr", null, h("th", {scope: "row"}, r.title),
      num(row.batch), num(times(row.teacher_ms)), num(times(row.student_ms)), num(h("b", null, S.times(row.speedup))))))),
      how(say(W.exports_how, {tokens: first.latency[0].tokens, threads: first.latency[0].threads, device: first.device?.device_name || "CPU", repeats: first.protocol?.repeats ?? "?"}),
        elsewhere.some(r => !r.figures.teacher) ? W.exports_alone : null));
    found.classList.add("sr-whole-row");
    return found;
  };
  const controls = (report, list) => {
    const W = P.W, shown = list.filter(m => !m.teacher);
    const against = name => (report.comparisons || []).find(c => c.against === name);
    const missing = Object.entries(report.missing_controls || {}).map(([name, why]) => (W.arms[name] || name) + ": " + (W.missing[why] || why));
    return group(W.controls, table(W.controls, [W.arm, W.test, W.gain, W.p, ""], shown.map(m => {
      const c = against(m.arm);
      return h("tr", null, label(m), num(S.points(m.test)), num(P.signed(c?.difference)), num(P.chance(c?.p_adjusted)), h("td", {class: "sr-bar-cell"}, bar(m.test, 1, m.css)));
    })), missing.map(m => h("p", {class: "sr-muted sr-small"}, m)),
      how(W.controls_how, say(W.p_how, {test: report.protocol?.interval_method === "linearised" ? say(W.p_paired, {rows: rowsOf(report)}) : W.p_mcnemar})));
  };
  const perClass = (report, list) => {
    const W = P.W, shown = list.filter(m => (m.teacher && m.reference || m.arm === "main") && m.per_class?.length);
    if (!shown.length) return null;
    const main = shown.find(m => m.arm === "main") || shown[0];
    const [kind, counted] = W.kinds[report.unit === "word" && report.metric === "f1" ? "f1" : report.unit] || W.kinds.example;
    const title = say(W.per, {kind: kind.toLowerCase()});
    return fold(title, table(title, [kind, counted, ...shown.map(m => say(W.f1, {model: m.label})), W.precision, W.recall],
      main.per_class.map((row, i) => h("tr", null, h("th", {scope: "row"}, row.label), num(row.support),
        shown.map(m => num(S.points(m.per_class[i]?.f1))), num(S.points(row.precision)), num(S.points(row.recall))))));
  };
  const perLanguage = (report, list, metric) => {
    const W = P.W, shown = list.filter(m => (m.teacher && m.reference || m.arm === "main") && m.per_language);
    if (!shown.length) return null;
    const languages = [...new Set(shown.flatMap(m => Object.keys(m.per_language)))].sort();
    const average = m => (m.macro_language_f1 ?? m.macro_language_accuracy)?.test;
    return fold(W.per_language, table(W.per_language, [W.language, ...shown.map(m => say(W.of, {model: m.label, metric}))],
      [...languages.map(name => h("tr", null, h("th", {scope: "row"}, name), shown.map(m => num(S.points(m.per_language[name]?.f1 ?? m.per_language[name]?.accuracy))))),
        h("tr", null, h("th", {scope: "row"}, W.mean_of_languages), shown.map(m => num(h("b", null, S.points(average(m))))))]));
  };
  return {quality, size, latency, exports, controls, perClass, perLanguage};
})();
