// Measured on request: a learning curve without teachers, and the student without each teacher. The job is a process of
// its own; this asks how far it is while it works.
if (!window.StillroomWorth) window.StillroomWorth = (() => {
  const S = window.Stillroom, P = window.StillroomParts, {h, svg, fill, known, say} = S;
  // As exact as such a forecast is; and a share of the run's labels as people say it.
  const about = (seconds, W) => seconds < 55 ? say(W.about_seconds, {s: Math.max(5, 5 * Math.round(seconds / 5))}) : seconds < 5400 ? say(W.about_minutes, {min: Math.max(1, Math.round(seconds / 60))}) : say(W.about_hours, {h: (seconds / 3600).toFixed(1)});
  const share = times => times < 0.95 && Math.abs(1 / times - Math.round(1 / times)) < 0.05 / times ? "1/" + Math.round(1 / times) : +times.toFixed(2) + "×";
  const group = number => number.toLocaleString("en");

  // Round marks of a scale between two shares, in percent.
  const marks = (low, high) => {
    const span = Math.max(100 * (high - low), 0.5), size = 10 ** Math.floor(Math.log10(span / 4));
    const step = [1, 2, 5, 10].map(f => f * size).find(s => span / s <= 5), first = Math.floor(100 * low / step + 1e-9);
    const found = [];
    for (let n = first; n * step < 100 * high + step - 1e-9; n++) found.push(n * step / 100);
    return found;
  };
  const chart = (report, row, W) => {
    const narrow = window.innerWidth < 640, width = narrow ? 340 : 620, height = narrow ? 240 : 280, left = 46, right = width - 14, bottom = height - 44;
    const points = row.figures.points || [], sets = row.figures.sets || [], list = P.models(report);
    const student = list.find(m => m.arm === "main"), teacher = list.find(m => m.teacher && m.reference) || list[0];
    if (!points.length || !student) return null;
    const values = [...points.map(p => p.test), student.test, teacher.test].filter(known), ticks = marks(Math.min(...values), Math.max(...values));
    const low = ticks[0], high = ticks[ticks.length - 1], first = Math.log(sets[0]), last = Math.log(sets[sets.length - 1]);
    const x = labels => left + 18 + (last > first ? (Math.log(labels) - first) / (last - first) : 0.5) * (right - left - 36);
    const y = value => bottom - (value - low) / Math.max(high - low, 1e-9) * (bottom - 12);
    const digits = ticks.length > 1 && ticks[1] - ticks[0] < 0.0099 ? 1 : 0, parts = [];
    for (const t of ticks) parts.push(svg("line", {x1: left, x2: right, y1: y(t), y2: y(t), class: "sr-grid"}), svg("text", {x: left - 6, y: y(t) + 4, "text-anchor": "end"}, S.percent(t, digits)));
    for (const labels of sets) parts.push(svg("text", {x: x(labels), y: bottom + 17, "text-anchor": "middle"}, group(labels)));
    const worth = row.figures.worth;
    if (worth) {
      const from = worth.low ?? (worth.low_where === "before" ? worth.smallest : null), to = worth.high ?? (worth.high_where === "beyond" ? worth.largest : null);
      if (known(from) && known(to) && to > from) parts.push(svg("rect", {x: x(from), y: 12, width: x(to) - x(from), height: bottom - 12, class: "sr-worth-band"}));
    }
    const level = (value, css) => known(value) ? svg("line", {x1: left, x2: right, y1: y(value), y2: y(value), class: css}) : null;
    parts.push(level(teacher.test, "sr-worth-teacher"), level(student.test, "sr-worth-student"));
    const means = sets.map(labels => [labels, P.mean(points.filter(p => p.labels === labels).map(p => p.test))]).filter(([, v]) => known(v));
    parts.push(svg("polyline", {points: means.map(([labels, v]) => x(labels).toFixed(1) + "," + y(v).toFixed(1)).join(" "), class: "sr-worth-curve"}));
    for (const p of points) parts.push(svg("circle", {cx: x(p.labels), cy: y(p.test), r: 4, class: "sr-worth-point"},
      svg("title", {}, say(W.point, {labels: group(p.labels), times: share(p.times), seed: p.seed, test: S.percent(p.test)}))));
    if (worth && known(worth.labels)) {
      const at = x(worth.labels), side = at > width / 2 ? "end" : "start";
      parts.push(svg("line", {x1: at, x2: at, y1: y(student.test), y2: bottom, class: "sr-worth-at"}), svg("circle", {cx: at, cy: y(student.test), r: 5, class: "sr-worth-mark"}),
        svg("text", {x: at + (side === "end" ? -7 : 7), y: bottom - 7, "text-anchor": side, class: "sr-worth-said"}, say(W.crossing, {labels: group(Number(worth.labels.toPrecision(2)))})));
    }
    parts.push(svg("text", {x: (left + right) / 2, y: height - 6, "text-anchor": "middle"}, say(W.axes[0], {rows: P.rowsOf(report)})));
    const key = (css, words) => h("li", null, h("span", {class: css, "aria-hidden": "true"}), words);
    return h("figure", {class: "sr-worth-chart"}, h("ul", {class: "sr-worth-key"}, key("sr-key-curve", W.lines.curve), key("sr-key-student", W.lines.student + " " + S.percent(student.test)),
      key("sr-key-teacher", say(W.lines.teacher, {name: teacher.label}) + " " + S.percent(teacher.test))),
      svg("svg", {viewBox: "0 0 " + width + " " + height, role: "img", "aria-label": say(W.chart, {metric: row.metric, student: S.percent(student.test)})}, parts));
  };
  const span = ([low, high]) => P.signed(low) + " … " + P.signed(high);
  const curveTable = (row, W) => {
    const worth = row.figures.worth;
    if (!worth) return null;
    return P.table(W.title.curve, W.head.map(t => say(t, row)), worth.points.map(p => {
      const own = row.figures.points.filter(one => one.labels === p.labels);
      return h("tr", null, h("th", {scope: "row"}, group(p.labels)), P.num(share(own[0].times)), P.num(S.points(P.mean(own.map(one => one.test)))), P.num(P.signed(p.difference)), P.num(span(p.interval)));
    }));
  };
  const withoutTable = (report, row, W) => {
    const rows = row.figures.rows || [], css = name => "sr-t" + (1 + Math.max(0, report.teachers.findIndex(t => t.name === name)) % 8);
    return rows.length ? P.table(W.title.without, W.without_head.map(t => say(t, row)), rows.map(r => h("tr", null, h("th", {scope: "row"}, P.swatch(css(r.teacher)), r.teacher),
      P.num(S.points(r.test)), P.num(P.signed(r.difference)), P.num(span(r.interval)), P.num(P.chance(r.p_adjusted))))) : null;
  };

  // ask(fn): calls a server function for this run; server: {extras, start_extra, stop_extra}.
  const draw = (ask, server, report) => {
    const W = P.W.worth, node = h("section", {class: "sr-worth", id: "result-worth"}), said = h("p", {class: "sr-note sr-lost", role: "alert"}), box = h("div", {class: "sr-worth-cards"});
    let poll = null, drawn = "", chosen = W.usual;
    const stopping = new Set();
    fill(node, box, said);

    const send = async (fn, request) => {
      said.textContent = "";
      try {
        const answer = await ask(fn)(request);
        if (answer.error) said.textContent = answer.error;
        if (answer.measured) take(answer);
        poll?.again();
      } catch { said.textContent = W.failed; }
    };
    const button = (label, main, request, fn, attributes) => h("button", {type: "button", class: "sr-button" + (main ? " sr-button-main" : ""), ...attributes, onclick: event => {
      event.target.disabled = true;
      send(fn, request()).finally(() => { event.target.disabled = false; });
    }}, label);
    const most = (kind, row) => kind === "curve" && row.further ? h("label", {class: "sr-worth-most"}, W.most, " ",
      h("select", {id: "worth-most", onchange: event => { chosen = Number(event.target.value); }}, W.sizes.map(n => h("option", {value: n, selected: n === chosen}, say(W.times, {times: n}))))) : null;
    const start = (kind, label, main, size) => button(label, main, () => ({kind, most: size ?? chosen}), server.start_extra, {id: kind + "-start"});
    const working = (kind, row) => [h("div", {class: "sr-progress", role: "progressbar", "aria-label": W.title[kind], "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(100 * row.share)},
        h("div", {style: "width:" + (100 * row.share).toFixed(1) + "%"})),
      h("p", {class: "sr-note", role: "status"}, stopping.has(kind) ? W.stopping : [row.note + " …", known(row.eta_s) ? say(W.left, {time: S.duration(row.eta_s)}) : null].filter(Boolean).join(" · ")),
      h("p", {class: "sr-muted sr-small"}, W.meanwhile), h("div", {class: "sr-buttons"}, button(W.stop, false, () => { stopping.add(kind); return {kind}; }, server.stop_extra, {id: kind + "-stop"}))];
    const card = (kind, row, kept) => {
      if (row.state !== "running") stopping.delete(kind);
      if (row.missing && row.state !== "done") return W.missing[row.missing] ? P.group(W.title[kind], h("p", {class: "sr-muted"}, W.missing[row.missing])) : null;
      if (!kept && row.state !== "done") return null;
      const body = [], error = row.error;
      if (row.state !== "done") body.push(h("p", {class: "sr-muted sr-small"}, W.about[kind]));
      if (row.state === "stopped") body.push(h("p", null, W.stopped));
      if (row.state === "failed" && error) body.push(h("div", {class: "sr-take-refusal"}, h("p", null, error.message), error.hint ? h("p", {class: "sr-muted"}, error.hint) : null));
      if (row.state === "done") body.push(h("div", {class: "sr-worth-said-list", id: kind + "-words"}, row.words.map((line, i) => h("p", {class: kind === "curve" && i ? "sr-muted" : null}, line))));
      if (kind === "curve") body.push(h("div", {class: "sr-worth-pair"}, chart(report, row, W), row.state === "done" ? curveTable(row, W) : null));
      if (row.state === "done") body.push(kind === "curve" ? null : withoutTable(report, row, W),
        P.how(W.how[kind].map(line => say(line, {rows: P.rowsOf(report)})), known(row.seconds) ? say(W.took, {time: S.duration(row.seconds)}) : null));
      if (row.state === "running") body.push(working(kind, row));
      else if (kept) body.push(h("div", {class: "sr-buttons"}, row.state === "none" ? [start(kind, known(row.about_s) ? say(W.measure, {time: about(row.about_s, W)}) : W.measure_plain, false), most(kind, row)]
        : row.state === "done" ? kind === "curve" && row.further ? [start(kind, W.again, false), most(kind, row)] : null : [start(kind, W.go_on, true, row.most)]));
      const found = P.group(W.title[kind], body);
      found.dataset.kind = kind;
      found.dataset.state = row.state;
      return found;
    };
    const take = answer => {
      const key = JSON.stringify([answer, [...stopping]]);
      if (key === drawn) return;
      drawn = key;
      const open = new Set([...box.querySelectorAll(".sr-how[open]")].map(d => d.closest("[data-kind]").dataset.kind)), focused = document.activeElement?.closest?.("#result-worth") ? document.activeElement.id : "";
      fill(box, Object.entries(answer.measured).map(([kind, row]) => card(kind, row, answer.kept)));
      for (const part of box.querySelectorAll(".sr-how")) part.open = open.has(part.closest("[data-kind]").dataset.kind);
      if (focused) document.getElementById(focused)?.focus({preventScroll: true});
      node.hidden = !box.children.length;
    };
    // Asked once the element is on the page.
    queueMicrotask(() => {
      poll = S.poll(node, 1, async () => {
        const answer = await ask(server.extras)({});
        if (!answer.measured) { said.textContent = answer.error || ""; return false; }
        take(answer);
        return Object.values(answer.measured).some(row => row.state === "running");
      }, lost => { said.textContent = lost ? W.failed : said.textContent === W.failed ? "" : said.textContent; });
    });
    return node;
  };
  return {draw};
})();
