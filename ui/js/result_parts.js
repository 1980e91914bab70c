// What all parts of a result share: a line for each model, tables, bars. Words come from ui/text_result.py by `setWords`.
if (!window.StillroomParts) window.StillroomParts = (() => {
  const S = window.Stillroom, {h, known} = S;
  const parts = {W: {}};
  // With one teacher nobody is "the best" of them.
  const alone = (value, pairs) => typeof value === "string" ? pairs.reduce((said, [many, one]) => said.replaceAll(many, one), value)
    : Array.isArray(value) ? value.map(inner => alone(inner, pairs)) : value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, alone(inner, pairs)])) : value;
  parts.setWords = (words, report) => { parts.W = report.teachers.filter(t => known(t.quality.test)).length > 1 ? words : alone(words, words.with_one_teacher); };
  const mean = values => { const v = values.filter(known); return v.length ? v.reduce((a, b) => a + b, 0) / v.length : null; };
  const num = (...children) => h("td", {class: "sr-num"}, ...children);
  const swatch = css => h("span", {class: "sr-swatch " + css, "aria-hidden": "true"});
  const how = (...lines) => h("details", {class: "sr-how"}, h("summary", null, parts.W.how), lines.flat().filter(Boolean).map(l => h("p", null, l)));
  const table = (caption, head, rows) => h("div", {class: "sr-scroll"}, h("table", {class: "sr-table"},
    h("caption", {class: "sr-visually-hidden"}, caption),
    h("thead", null, h("tr", null, head.map((t, i) => h("th", {scope: "col", class: i ? "sr-num" : null}, t)))), h("tbody", null, rows)));
  const bar = (value, most, css) => h("span", {class: "sr-bar-track sr-bar-thin", "aria-hidden": "true"},
    h("span", {class: "sr-bar " + css, style: "width:" + (known(value) && most > 0 ? Math.max(0.6, 100 * value / most) : 0) + "%"}));
  const group = (title, ...children) => h("section", {class: "sr-card"}, h("div", {class: "sr-card-head"}, h("h3", null, title)), ...children);
  const fold = (title, ...children) => h("details", {class: "sr-details"}, h("summary", null, title), ...children);

  const CSS = {main: "sr-s", no_teacher: "sr-c1", uniform: "sr-c2"};
  // One line a model: teachers in their order, then the arms, mean over seeds.
  const models = report => {
    const list = report.teachers.map((t, i) => ({...t, label: t.name, css: "sr-t" + (1 + i % 8), teacher: true, only: report.teachers.length === 1,
      validation: t.quality.validation, test: t.quality.test, seeds: 1}));
    for (const name of Object.keys(CSS)) {
      const arms = report.arms.filter(a => a.name === name);
      if (!arms.length) continue;
      const test = arms.map(a => a.quality.test);
      list.push({...arms[0], label: parts.W.arms[name], arm: name, css: CSS[name],
        seeds: arms.length, validation: mean(arms.map(a => a.quality.validation)), test: mean(test),
        agreement: mean(arms.map(a => a.agreement)), interval: arms.length === 1 ? arms[0].interval : null,
        spread: arms.length > 1 ? [Math.min(...test), Math.max(...test)] : null});
    }
    return list;
  };
  const label = m => h("th", {scope: "row"}, swatch(m.css), m.label, m.reference && !m.only ? h("span", {class: "sr-tag"}, parts.W.best) : null);
  const rowsOf = report => parts.W.rows[report.unit] || parts.W.rows.example;
  const signed = value => !known(value) ? S.DASH : (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(100 * value).toFixed(1);
  const chance = v => !known(v) ? S.DASH : v < 0.001 ? "< 0.001" : v.toFixed(3);
  return Object.assign(parts, {mean, num, swatch, how, table, bar, group, fold, models, label, rowsOf, signed, chance, CSS});
})();
