// Try it: texts, or a list, answered side by side by every teacher, the student and the control, with times.
if (!window.StillroomTry) window.StillroomTry = (() => {
  const S = window.Stillroom, P = window.StillroomParts, {h, fill, known, say} = S;
  const LARGEST = 1_000_000;
  const css = (model, number) => model.role === "teacher" ? "sr-t" + (1 + number % 8) : model.role === "student" ? "sr-s" : "sr-c1";
  const title = model => model.role === "teacher" ? model.name : P.W.try.roles[model.role];

  // Entities stand in their text, coloured by type; the span classes are those of the data step.
  const marked = (text, answer, types) => {
    const parts = [];
    let at = 0;
    for (const e of answer.entities) {
      parts.push(text.slice(at, e.start), h("mark", {class: "sr-span sr-span-" + (1 + types.indexOf(e.type) % 6), title: e.type + " " + S.percent(e.score)}, text.slice(e.start, e.end), " ", h("small", null, e.type)));
      at = e.end;
    }
    parts.push(text.slice(at));
    return h("span", {class: "sr-marked"}, parts);
  };
  const tagged = answer => h("span", {class: "sr-marked"}, answer.words.map((word, i) => [word, h("small", {title: S.percent(answer.scores[i])}, answer.tags[i] || "?"), " "]));
  const bar = (share, css) => h("span", {class: "sr-bar-track sr-bar-thin", "aria-hidden": "true"}, h("span", {class: "sr-bar " + css, style: "width:" + (100 * share).toFixed(1) + "%"}));
  const filled = answer => h("ol", {class: "sr-gaps"}, answer.gaps.map(gap => h("li", null, gap.length ? gap.map(g => h("span", {class: "sr-guess"}, g.piece, h("small", null, S.percent(g.probability)))) : P.W.try.beyond)));
  const cell = (found, model, number, at, types) => {
    const answer = model.answers[number], text = found.texts[number];
    if ("label" in answer) return [h("b", null, answer.label), " ", h("span", {class: "sr-muted"}, S.percent(answer.confidence)), bar(answer.confidence, css(model, at)),
      h("span", {class: "sr-muted sr-small"}, answer.next.slice(0, 2).map(([name, share]) => name + " " + S.percent(share)).join(" · "))];
    if ("gaps" in answer) return filled(answer);
    if (found.plain) return tagged(answer);
    return [marked(text, answer, types), answer.entities.length ? null : h("span", {class: "sr-muted sr-small"}, P.W.try.no_entity)];
  };

  const table = found => {
    const W = P.W.try, models = found.models, answered = models.filter(m => m.answers);
    const types = [...new Set(answered.flatMap(m => m.answers.flatMap(a => (a.entities || []).map(e => e.type))))].sort();
    const time = model => known(model.seconds) ? h("span", {class: "sr-muted sr-small"}, say(W.time, {time: S.ms(1000 * model.seconds), each: S.ms(1000 * model.seconds / found.texts.length)})) : null;
    const head = models.map((m, i) => h("th", {scope: "col"}, P.swatch(css(m, i)), title(m), h("br"), m.answers ? time(m) : h("span", {class: "sr-muted sr-small"}, W.absent)));
    const one = found.texts.length === 1;
    const say_text = number => [found.texts[number], found.pairs ? [h("br"), found.pairs[number]] : null];
    const absent = models.filter(m => m.why).map(m => h("p", {class: "sr-muted sr-small"}, title(m) + ": " + m.why));
    const body = one ? models.map((m, i) => m.answers ? h("tr", null, h("th", {scope: "row"}, P.swatch(css(m, i)), title(m), h("br"), time(m)), h("td", null, cell(found, m, 0, i, types))) : null)
      : found.texts.map((_, number) => h("tr", null, h("td", {class: "sr-example-text"}, say_text(number)), models.map((m, i) => h("td", null, m.answers ? cell(found, m, number, i, types) : S.DASH))));
    return [h("div", {class: "sr-scroll"}, h("table", {class: "sr-table sr-try-table"}, h("caption", {class: "sr-visually-hidden"}, W.title),
      one ? null : h("thead", null, h("tr", null, h("th", {scope: "col"}, W.text), head)), h("tbody", null, body))), absent,
      found.left_out ? h("p", {class: "sr-muted sr-small"}, say(W.left_out, {left: found.left_out, most: found.texts.length})) : null,
      P.how(say(W.how, {device: found.device, threads: found.threads}))];
  };

  // asks: {warm(), list({raw, name}), csv({raw, name})}; kept: report.kept; unit: what gets one prediction
  const draw = (asks, {kept, unit, name}) => {
    const W = P.W.try, node = h("details", {class: "sr-details", id: "result-try"}, h("summary", null, W.title));
    const said = h("span", {class: "sr-muted sr-small", role: "status", id: "try-said"}), box = h("div", {id: "try-answers"});
    const area = h("textarea", {id: "try-text", rows: 3, maxlength: LARGEST, placeholder: W.placeholder[unit] || W.placeholder.example});
    const save = h("button", {type: "button", class: "sr-quiet", id: "try-csv", hidden: true}, W.csv);
    let file = "", turn = 0, last = null;
    const ask = async (more = {}) => {
      const mine = ++turn, request = {raw: area.value, name: file, ...more}, began = Date.now();
      save.hidden = true;
      for (;;) {
        let found;
        try { found = await asks.list(request); } catch { if (mine === turn) said.textContent = W.failed; return; }
        if (mine !== turn || !node.isConnected) return;
        if (found.error) { said.textContent = (found.error + " " + (found.hint || "")).trim(); return; }
        if (found.state === "ready") {
          said.textContent = "";
          fill(box, table(found));
          last = request; save.hidden = false;
          return;
        }
        said.textContent = say(W[found.state] || W.measuring, {seconds: Math.round((Date.now() - began) / 1000)});
        await new Promise(done => setTimeout(done, 700));
      }
    };
    save.addEventListener("click", async () => {
      try {
        const found = await asks.csv(last);
        if (typeof found.csv !== "string") { said.textContent = found.error || W.failed; return; }
        window.StillroomTools.saveText(found.csv, window.StillroomTools.slug(name) + "-tried.csv");
      } catch { said.textContent = W.failed; }
    });
    const upload = h("input", {type: "file", id: "try-file", accept: ".txt,.csv,.tsv,.jsonl,.ndjson,text/plain,text/csv", onchange: async event => {
      const chosen = event.target.files[0];
      if (!chosen) return;
      if (chosen.size > LARGEST) { said.textContent = W.large; return; }
      area.value = await chosen.text(); file = chosen.name;
      ask();
    }});
    area.addEventListener("input", () => { file = ""; });
    node.append(h("div", {class: "sr-lazy"}, h("div", {class: "sr-form"}, h("label", {class: "sr-wide"}, W.label[unit] || W.label.example, area),
      h("div", null, h("button", {type: "button", class: "sr-button sr-button-main", id: "try-go", onclick: () => ask()}, W.go),
        h("label", {class: "sr-upload"}, h("span", {class: "sr-button"}, W.upload), upload), said, save)),
      kept?.control_missing ? h("p", {class: "sr-muted sr-small"}, W.control[kept.control_missing]) : null, box));
    node.addEventListener("toggle", () => { if (node.open) asks.warm().catch(() => {}); });
    return node;
  };
  return {draw};
})();
