// Test rows on which the student and a teacher say different things: filters, pages, CSV.
if (!window.StillroomExamples) window.StillroomExamples = (() => {
  const S = window.Stillroom, P = window.StillroomParts, {h, fill, known, say} = S;

  // A sentence's tags are told as the entities they make; tags that stand for themselves where they differ from gold.
  const label = (value, row) => {
    if (!Array.isArray(value)) return value;
    const words = row.text?.split(" ") || [], at = i => words[i] ?? "#" + (i + 1), found = [];
    if (![...row.gold, ...row.said.flatMap(s => s.label)].some(tag => tag.startsWith("B-")))
      return value.flatMap((tag, i) => row.said.some(s => s.label[i] !== row.gold[i]) ? [at(i) + ": " + (tag || "?")] : []).join(", ");
    value.forEach((tag, i) => {
      if (!/^[BI]-/.test(tag)) return;
      const before = i ? value[i - 1] : "O";
      if (tag[0] === "I" && found.length && before.slice(2) === tag.slice(2)) found[found.length - 1].push(at(i));
      else found.push([tag.slice(2) + ":", at(i)]);
    });
    return found.map(words => words.join(" ")).join(", ") || S.DASH;
  };
  const answer = row => said => h("td", {class: said.right ? "sr-says-right" : "sr-says-wrong"}, h("span", {class: "sr-visually-hidden"}, (said.right ? P.W.examples.right : P.W.examples.wrong) + ": "),
    label(said.label, row), known(said.confidence) ? h("span", {class: "sr-muted"}, " " + S.percent(said.confidence, 0)) : null);
  const table = found => {
    const W = P.W.examples, named = found.titles, keys = found.rows[0].said.map(s => s.key);
    return h("div", {class: "sr-scroll"}, h("table", {class: "sr-table sr-examples-table"}, h("caption", {class: "sr-visually-hidden"}, W.title),
      h("thead", null, h("tr", null, [W.row, W.text, W.gold, ...keys.map(key => named[key])].map(t => h("th", {scope: "col"}, t)))),
      h("tbody", null, found.rows.map(row => h("tr", null, h("th", {scope: "row", title: row.id}, row.row), h("td", {class: "sr-example-text"}, row.text ?? h("span", {class: "sr-muted"}, found.texts_missing ? S.DASH : W.no_text)),
        h("td", null, label(row.gold, row)), row.said.map(answer(row)))))));
  };

  // asks: {details(), rows(wanted), csv(wanted)}; name: of the file that is saved
  const draw = (asks, name) => window.StillroomDetail.lazy("result-examples", P.W.examples.title, asks.details, details => {
    const byPiece = details.unit === "piece", W = window.StillroomPieces.words("examples", details.unit), wanted = {against: details.reference, who: "any", gold: "", sure: 0, order: "row", page: 0};
    const box = h("div"), said = h("span", {class: "sr-muted sr-small", role: "status", id: "examples-found"});
    let turn = 0, timer = 0;
    const choose = (key, title, options) => h("label", null, title, h("select", {name: key, onchange: event => change({[key]: event.target.value})},
      options.map(([value, words]) => h("option", {value, selected: wanted[key] === value}, words))));
    const change = more => { Object.assign(wanted, {page: 0}, more); load(); };
    const load = async () => {
      const mine = ++turn;
      try {
        const found = await asks.rows(wanted);
        if (mine !== turn) return;
        if (found.error) { said.textContent = found.error; return fill(box); }
        show(found);
      } catch { if (mine === turn) said.textContent = W.failed; }
    };
    const show = found => {
      said.textContent = found.total ? say(W.found, {total: found.total.toLocaleString("en"), pieces: found.pieces?.toLocaleString("en"), page: found.page + 1, pages: found.pages}) : W.none;
      const turnTo = (words, page, on) => h("button", {type: "button", class: "sr-button", disabled: !on, onclick: () => { wanted.page = page; load(); }}, words);
      fill(box, found.total && found.texts_missing ? h("p", {class: "sr-muted sr-small"}, W.missing[found.texts_missing]) : null, found.total ? byPiece ? window.StillroomPieces.texts(found) : table(found) : null,
        found.pages > 1 ? h("div", {class: "sr-buttons"}, turnTo(W.before, found.page - 1, found.page > 0), turnTo(W.next, found.page + 1, found.page + 1 < found.pages)) : null);
    };
    const save = async () => {
      try {
        const found = await asks.csv(wanted);
        if (typeof found.csv !== "string") { said.textContent = found.error || W.failed; return; }
        window.StillroomTools.saveText(found.csv, window.StillroomTools.slug(name) + "-disagreements.csv");
      } catch { said.textContent = W.failed; }
    };
    const sure = h("input", {name: "sure", type: "number", min: 0, max: 100, step: 5, value: 0, oninput: event => {
      clearTimeout(timer);
      timer = setTimeout(() => change({sure: Math.min(100, Math.max(0, Number(event.target.value) || 0)) / 100}), 300);
    }});
    load();
    return [h("div", {class: "sr-form sr-filters"},
      choose("against", W.against, Object.entries(details.against)), choose("who", W.who, Object.entries(W.whose)),
      choose("gold", W.class, [["", W.all], ...details.classes.map(c => [c, c])]), h("label", null, W.sure, sure), choose("order", W.order, Object.entries(W.orders)),
      h("div", null, said, h("button", {type: "button", class: "sr-quiet", id: "examples-csv", onclick: save}, W.csv))), box];
  });
  return {draw};
})();
