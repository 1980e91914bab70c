// The verdict first: ship, don't, or not enough evidence, its checks, the thresholds a person sets, and what was lost.
if (!window.StillroomVerdict) window.StillroomVerdict = (() => {
  const S = window.Stillroom, P = window.StillroomParts, {h, fill, say} = S;
  const MARKS = {met: "✓", missed: "✗", unsure: "?", open: "–"};

  // node: where it stands; ask(request): the server's answer for this run.
  const draw = (node, report, ask) => {
    const W = P.W.verdict, said = report.conclusion || {}, first = typeof said === "string" ? said : said.headline || P.W.done;
    const head = h("h2", {class: "sr-headline", id: "verdict"}, first), checks = h("ul", {class: "sr-checks", id: "verdict-checks"});
    const lost = h("div", {class: "sr-lost-slices", id: "verdict-lost"}), note = h("p", {class: "sr-muted sr-small", role: "status"}, W.looking);
    const form = h("form", {class: "sr-form sr-thresholds"}), summary = h("span", {class: "sr-tag"});
    const thresholds = h("details", {class: "sr-details", id: "verdict-thresholds"}, h("summary", null, W.thresholds, " ", summary),
      h("p", {class: "sr-muted sr-small"}, W.about), form, h("p", {class: "sr-muted sr-small"}, W.command));
    const more = h("ul", {class: "sr-sentences"});
    fill(node, head, note, checks, lost, thresholds, more);
    let timer = 0, turn = 0;

    const show = found => {
      note.textContent = "";
      fill(head, h("span", {class: "sr-verdict sr-verdict-" + found.verdict}, found.words), " ", found.headline);
      fill(checks, found.checks.map(c => h("li", {class: "sr-check-" + c.status, "data-check": c.name}, h("span", {class: "sr-check-mark", "aria-hidden": "true"}, MARKS[c.status]),
        h("span", {class: "sr-visually-hidden"}, W.status[c.status] + ": "), c.said)));
      const told = new Set(found.checks.map(c => c.said));
      fill(more, found.sentences.filter(s => !told.has(s)).map(s => h("li", null, s)));
      summary.textContent = found.own ? W.own : W.default;
      fill(lost, losses(found, report));
      if (!form.children.length) fields(found);
      node.dataset.verdict = found.verdict;
    };
    const put = values => {
      for (const field of form.querySelectorAll("[name]")) {
        if (field.type === "checkbox") field.checked = Boolean(values[field.name]);
        else field.value = values[field.name] ?? "";
      }
    };
    const fields = found => {
      const state = h("span", {role: "status", class: "sr-muted sr-small", id: "thresholds-said"});
      const number = ([name, title, unit]) => h("label", null, title, h("span", {class: "sr-unit"},
        h("input", {name, type: "number", min: 0, step: "any", inputmode: "decimal"}), h("span", null, unit)));
      const batches = h("label", null, W.batch, h("select", {name: "batch"}, found.batches.map(b => h("option", {value: b}, b))));
      fill(form, W.fields.map(number), found.batches.length ? batches : null,
        h("label", {class: "sr-check sr-wide"}, h("input", {name: "gain", type: "checkbox"}), W.gain),
        h("div", null, h("button", {type: "button", class: "sr-button", id: "thresholds-back", onclick: () => send({forget: true}, true)}, W.back), state));
      put({...found.thresholds, batch: found.thresholds.batch ?? found.batches[0]});
      form.addEventListener("submit", event => event.preventDefault());
      form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => send({thresholds: read()}, false), 250); });
    };
    const read = () => Object.fromEntries([...form.querySelectorAll("[name]")].map(f =>
      [f.name, f.type === "checkbox" ? f.checked : f.value === "" ? null : Number(f.value)]));
    const send = async (request, back) => {
      const mine = ++turn, state = form.querySelector("#thresholds-said");
      try {
        const found = await ask(request);
        if (mine !== turn) return;
        form.querySelectorAll("[aria-invalid]").forEach(f => f.removeAttribute("aria-invalid"));
        if (found.error) {
          (state || note).textContent = found.error;
          form.querySelector('[name="' + String(found.field || "").replace("thresholds.", "") + '"]')?.setAttribute("aria-invalid", "true");
          return;
        }
        show(found);
        if (back) put({...found.thresholds, batch: found.thresholds.batch ?? found.batches[0]});
        if (state && request.thresholds) state.textContent = found.kept === false ? W.not_kept : W.saved;
        else if (state) state.textContent = "";
      } catch {
        if (mine !== turn) return;
        if (state) state.textContent = W.failed;
        else fill(note, W.failed, " ", h("button", {type: "button", class: "sr-quiet", onclick: () => send({}, false)}, W.again));
      }
    };
    send({}, false);
  };

  const losses = (found, report) => {
    const W = window.StillroomPieces.words("verdict", report.unit);
    if (!found.lost) return h("p", {class: "sr-muted sr-small"}, W[found.missing] || "");
    const {losses: rows, small, slices, tests} = found.lost, rowWord = P.rowsOf(report);
    const method = report.protocol?.interval_method === "linearised" ? say(W.lost_method.ratio, {rows: rowWord}) : W.lost_method.accuracy;
    const about = P.how(W.lost_how.map(line => say(line, {tests, method})), small.length ? say(W.small, {names: small.map(s => s.name + " (" + s.rows + ")").join(", ")}) : null);
    const head = W.lost_head.map(t => say(t, {rows: rowWord[0].toUpperCase() + rowWord.slice(1)}));
    if (!rows.length) return P.fold(W.lost, h("p", null, say(W.lost_none, {slices})), about);
    return h("section", {class: "sr-card"}, h("div", {class: "sr-card-head"}, h("h3", null, W.lost)),
      P.table(W.lost, head, rows.map(r => h("tr", null, h("th", {scope: "row"}, r.title), P.num(r.rows), P.num(r.against_title),
        P.num(S.percent(r.student)), P.num(S.percent(r.other)), P.num(P.signed(r.difference)), P.num(P.chance(r.p_adjusted))))), about);
  };
  return {draw};
})();
