// The result of a finished run, from report.json: a sentence, then what it stands on. Teachers beside the student.
if (!window.StillroomResult) window.StillroomResult = (() => {
  const S = window.Stillroom, {h, fill, known} = S;
  const ARMS = {main: "Student", no_teacher: "Student, no teachers", uniform: "Student, uniform weights"};
  const mean = values => { const v = values.filter(known); return v.length ? v.reduce((a, b) => a + b, 0) / v.length : null; };
  const num = (...children) => h("td", {class: "sr-num"}, ...children);
  const swatch = css => h("span", {class: "sr-swatch " + css, "aria-hidden": "true"});
  const how = (...lines) => h("details", {class: "sr-how"}, h("summary", null, "How measured?"), lines.filter(Boolean).map(l => h("p", null, l)));
  const table = (caption, head, rows) => h("div", {class: "sr-scroll"}, h("table", {class: "sr-table"},
    h("caption", {class: "sr-visually-hidden"}, caption),
    h("thead", null, h("tr", null, head.map((t, i) => h("th", {scope: "col", class: i ? "sr-num" : null}, t)))), h("tbody", null, rows)));
  const bar = (value, most, css) => h("span", {class: "sr-bar-track sr-bar-thin", "aria-hidden": "true"},
    h("span", {class: "sr-bar " + css, style: "width:" + (known(value) && most > 0 ? Math.max(0.6, 100 * value / most) : 0) + "%"}));
  const group = (title, ...children) => h("section", {class: "sr-card"}, h("div", {class: "sr-card-head"}, h("h3", null, title)), ...children);

  // One line a model: teachers in their order, then the arms, mean over seeds.
  const models = report => {
    const list = report.teachers.map((t, i) => ({...t, label: t.name, css: "sr-t" + (1 + i % 8), teacher: true, only: report.teachers.length === 1,
      validation: t.quality.validation, test: t.quality.test, seeds: 1}));
    for (const name of ["main", "no_teacher", "uniform"]) {
      const arms = report.arms.filter(a => a.name === name);
      if (!arms.length) continue;
      list.push({...arms[0], label: ARMS[name], arm: name, css: {main: "sr-s", no_teacher: "sr-c1", uniform: "sr-c2"}[name],
        seeds: arms.length, validation: mean(arms.map(a => a.quality.validation)), test: mean(arms.map(a => a.quality.test)),
        agreement: mean(arms.map(a => a.agreement)), interval: arms.length === 1 ? arms[0].interval : null,
        spread: arms.length > 1 ? [Math.min(...arms.map(a => a.quality.test)), Math.max(...arms.map(a => a.quality.test))] : null});
    }
    return list;
  };
  const label = m => h("th", {scope: "row"}, swatch(m.css), m.label, m.reference && !m.only ? h("span", {class: "sr-tag"}, "best") : null);
  const rowsOf = report => report.unit === "word" ? "sentences" : "rows";
  const between = m => m.interval ? S.points(m.interval[0]) + "–" + S.points(m.interval[1])
    : m.spread ? S.points(m.spread[0]) + "–" + S.points(m.spread[1]) + " over seeds" : S.DASH;
  const quality = (report, list, words) => {
    const sizes = (report.data || {}).sizes || {};
    return group("Quality", table("Quality", ["Model", "Test " + words + ", %", "95% interval", "Agreement", ""], list.filter(m => m.teacher || m.arm === "main").map(m =>
      h("tr", null, label(m), num(h("b", null, S.points(m.test))), num(between(m)), num(m.teacher ? S.DASH : S.percent(m.agreement)), h("td", {class: "sr-bar-cell"}, bar(m.test, 1, m.css))))),
      how("Measured once on " + (known(sizes.test) ? sizes.test.toLocaleString("en") + " test " + rowsOf(report) : "the test " + rowsOf(report)) + " after training ended; checkpoints were chosen on validation.",
        "Intervals: " + (report.protocol?.interval_method === "linearised" ? "normal, over test " + rowsOf(report) + ", 95%" : "Wilson score, 95%")
          + ". Agreement: share of test " + (report.unit === "word" ? "words" : "rows") + " on which the student says what the best teacher says (" + report.reference_teacher + ").",
        report.seeds?.length > 1 ? "Mean over seeds " + report.seeds.join(", ") + "; the range is the lowest and highest seed." : "One seed: " + (report.seeds || []).join("") + "."));
  };
  const size = (report, list) => {
    const shown = list.filter(m => m.teacher || m.arm === "main"), most = Math.max(...shown.map(m => m.parameters));
    return group("Size", table("Size", ["Model", "Parameters", "On disk", ""], shown.map(m => h("tr", null, label(m),
      num(S.count(m.parameters)), num(S.bytes(m.bytes)), h("td", {class: "sr-bar-cell"}, bar(m.parameters, most, m.css))))),
      h("p", {class: "sr-key"}, h("b", null, S.times(report.compression?.parameters)), " fewer parameters, ",
        h("b", null, S.times(report.compression?.bytes)), " fewer bytes than ", report.reference_teacher, "."),
      how("Everything on the inference path is counted: embeddings, encoder, in-path projections, pooling and classifier.", "Bytes: weights as fp32 safetensors, for teacher and student alike."));
  };
  const latency = (report, list) => {
    const rows = report.latency_models?.length ? report.latency_models : [];
    const css = r => r.role === "student" ? "sr-s" : (list.find(m => m.label === r.name) || {css: "sr-t1"}).css;
    const body = [];
    for (const batch of [...new Set(rows.map(r => r.batch))].sort((a, b) => a - b)) {
      const here = rows.filter(r => r.batch === batch), most = Math.max(...here.map(r => r.p50));
      const pair = (report.latency || []).find(r => r.batch === batch);
      body.push(h("tr", {class: "sr-row-head"}, h("th", {scope: "rowgroup", colspan: 4}, "Batch " + batch,
        pair && known(pair.speedup) ? h("span", {class: "sr-tag"}, S.times(pair.speedup) + (pair.speedup >= 1 ? " speed-up" : " (slower)")) : null)));
      for (const r of here) body.push(h("tr", null, h("th", {scope: "row"}, swatch(css(r)), r.role === "student" ? "Student" : r.name),
        num(S.ms(r.p50)), num(S.ms(r.p95)), h("td", {class: "sr-bar-cell"}, bar(r.p50, most, css(r)))));
    }
    const one = (report.latency || [])[0] || rows[0] || {}, p = report.protocol?.latency || {};
    return group("Latency", table("Latency", ["Model", "p50, ms", "p95, ms", ""], body),
      how("Time of one call for a whole batch of " + (one.tokens ?? "?") + " tokens each, " + (one.threads ?? "?") + " thread(s), " + (one.runtime || "torch") + (p.device ? " on " + p.device : "") + ".",
        known(p.warmup) ? p.warmup + " warm-up calls, then " + (p.repeats ?? "?") + " timed ones; p50 and p95 are their percentiles." : null,
        "Speed-up: the best teacher's p50 divided by the student's, at equal batch, length, threads and runtime."));
  };
  const controls = (report, list) => {
    const shown = list.filter(m => !m.teacher);
    const against = name => (report.comparisons || []).find(c => c.against === name);
    const p = v => !known(v) ? S.DASH : v < 0.001 ? "< 0.001" : v.toFixed(3);
    const missing = Object.entries(report.missing_controls || {}).map(([name, why]) => (ARMS[name] || name) + ": " + ({
      already_uniform: "not needed, the teachers' weights are constant already.", constant_unused: "not needed, soft labels are off.", single_teacher: "not needed with one teacher.",
      not_requested: "not run."}[why] || why));
    return group("Controls", table("Controls", ["Arm", "Test, %", "Student's gain, points", "p", ""], shown.map(m => {
      const c = against(m.arm);
      return h("tr", null, label(m), num(S.points(m.test)), num(c && known(c.difference) ? (c.difference > 0 ? "+" : c.difference < 0 ? "−" : "") + Math.abs(100 * c.difference).toFixed(1) : S.DASH),
        num(c ? p(c.p_adjusted) : S.DASH), h("td", {class: "sr-bar-cell"}, bar(m.test, 1, m.css)));
    })), missing.map(m => h("p", {class: "sr-muted sr-small"}, m)),
      how("No teachers: the same student, data order and steps, hard labels alone on the labelled rows.",
        "Uniform: as the student, with constant teacher weights equal to the mean weight, so that only the weighting differs.",
        "p: " + (report.unit === "word" ? "paired over test sentences" : "McNemar's test") + " with one seed, paired over seeds otherwise; corrected after Holm over the controls."));
  };
  const perClass = (list, report) => {
    const shown = list.filter(m => (m.teacher && m.reference || m.arm === "main") && m.per_class?.length);
    if (!shown.length) return null;
    const main = shown.find(m => m.arm === "main") || shown[0];
    const [kind, counted] = report.unit !== "word" ? ["Class", "Rows"] : report.metric === "f1" ? ["Type", "Entities"] : ["Tag", "Words"];
    const title = "Per " + kind.toLowerCase();
    return h("details", {class: "sr-details"}, h("summary", null, title), table(title, [kind, counted, ...shown.flatMap(m => [m.label + " F1, %"]), "Precision", "Recall"],
      main.per_class.map((row, i) => h("tr", null, h("th", {scope: "row"}, row.label), num(row.support),
        shown.map(m => num(S.points(m.per_class[i]?.f1))), num(S.points(row.precision)), num(S.points(row.recall))))));
  };
  const perLanguage = (list, words) => {
    const shown = list.filter(m => (m.teacher && m.reference || m.arm === "main") && m.per_language);
    if (!shown.length) return null;
    const languages = [...new Set(shown.flatMap(m => Object.keys(m.per_language)))].sort();
    const mean = m => (m.macro_language_f1 ?? m.macro_language_accuracy)?.test;
    return h("details", {class: "sr-details"}, h("summary", null, "Per language"), table("Per language", ["Language", ...shown.map(m => m.label + ", " + words + ", %")],
      [...languages.map(name => h("tr", null, h("th", {scope: "row"}, name), shown.map(m => num(S.points(m.per_language[name]?.f1 ?? m.per_language[name]?.accuracy))))),
        h("tr", null, h("th", {scope: "row"}, "Mean of languages"), shown.map(m => num(h("b", null, S.points(mean(m))))))]));
  };
  const draw = (node, report, metricWords) => {
    const words = metricWords || String(report.metric).replaceAll("_", " ");
    const list = models(report), said = report.conclusion || {};
    const headline = typeof said === "string" ? said : said.headline || "Done.";
    fill(node, h("h2", {class: "sr-headline"}, headline),
      h("ul", {class: "sr-sentences"}, (said.sentences || []).map(s => h("li", null, s))),
      h("div", {class: "sr-result-grid"}, quality(report, list, words), size(report, list), latency(report, list), controls(report, list)),
      perLanguage(list, words), perClass(list, report));
  };
  return {draw, models};
})();
