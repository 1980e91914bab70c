// The Compare page: chosen runs (kept in the address), a section for each data set, settings, the leaderboard.
(() => {
  const S = window.Stillroom, {h, fill, say} = S, W = props.words, $ = id => element.querySelector("#" + id);
  const F = window.StillroomFront, T = window.StillroomCompareTables, {load, LiveChart} = window.StillroomPlot, {PATTERNS, look} = window.StillroomRoles;
  const COLOURS = 6, LONG_SETTINGS = 20;
  const query = new URLSearchParams(location.search);
  if (query.get("view") !== "compare") return;
  const chosen = (query.get("runs") || "").split(",").filter(Boolean);
  const choice = {x: Object.keys(W.costs).includes(query.get("x")) ? query.get("x") : "latency", y: "kept", batch: Number(query.get("batch")) || null, runtime: null};
  // examples: null is as the app thinks fit, on where there is no other finished run
  const filters = {data: "", task: "", tag: "", archived: false, sort: "kept", examples: {1: true, 0: false}[query.get("examples")] ?? null};
  let found = null, board = null, asked = 0, charts = [];
  const lost = error => { console.debug("compare:", error); $("compare-said").textContent = W.lost; };
  const open = run => location.assign(new URL(S.address("run", run), document.baseURI));
  const keep = () => {
    const kept = new URLSearchParams({view: "compare"});
    if (chosen.length) kept.set("runs", chosen.join(","));
    if (choice.x !== "latency") kept.set("x", choice.x);
    if (choice.batch) kept.set("batch", choice.batch);
    if (filters.examples !== null) kept.set("examples", Number(filters.examples));
    history.replaceState(history.state, "", new URL("?" + kept.toString().replaceAll("%2C", ","), document.baseURI));
  };

  // ---- what is chosen
  const pick = (id, on) => {
    const at = chosen.indexOf(id);
    if (on && at < 0) chosen.push(id); else if (!on && at >= 0) chosen.splice(at, 1);
    keep(); ask(); drawBoard();
  };
  const chips = () => fill($("compare-chosen"), h("ul", {class: "sr-chips", "aria-label": W.chosen}, found.runs.map(r => h("li", null, h("a", {href: S.address("run", r.id)}, r.name), r.example ? h("span", {class: "sr-tag"}, W.example) : null,
    h("button", {type: "button", "aria-label": say(W.remove, r), title: say(W.remove, r), onclick: () => pick(r.id, false)}, "×"))),
    h("li", {class: "sr-chip-add"}, h("a", {href: "#compare-board", onclick: event => { event.preventDefault(); $("compare-board").scrollIntoView({behavior: "smooth"}); }}, W.add))));
  const select = (label, id, values, now, change) => h("label", null, label, h("select", {id, onchange: event => change(event.target.value)},
    values.map(([value, said]) => h("option", {value, selected: String(value) === String(now)}, said))));
  const choices = () => {
    const metric = found.groups.length === 1 ? found.groups[0].metric_words : W.quality;
    const radio = Object.entries(W.costs).map(([key, said]) => h("label", null, h("input", {type: "radio", name: "compare-x", value: key, checked: choice.x === key,
      onchange: () => { choice.x = key; keep(); draw(); }}), h("span", null, said)));
    fill($("compare-choices"), h("fieldset", {class: "sr-segments"}, h("legend", null, W.against), h("div", null, radio)),
      found.batches.length ? select(W.batch, "compare-batch", found.batches.map(b => [b, b]), found.batch, v => { choice.batch = Number(v); keep(); ask(); askBoard(); }) : null,
      found.runtimes.length ? select(W.runtime, "compare-runtime", found.runtimes.map(r => [r, r]), found.runtime, v => { choice.runtime = v; ask(); askBoard(); }) : null,
      select(W.height, "compare-height", Object.entries(W.heights).map(([key, said]) => [key, say(said, {metric})]), choice.y, v => { choice.y = v; draw(); }));
    $("compare-choices").hidden = false;
  };

  // ---- a section for each data set
  const notes = (group, points) => {
    const said = [], undrawn = points.filter(p => !F.placed(p, choice)), name = p => p.run_name + " (" + F.model(p, W) + ")";
    const missing = choice.x === "time" ? undrawn.filter(p => p.role !== "teacher") : undrawn;
    if (missing.length && missing.length < points.length) said.push(say(choice.x === "latency" ? W.untimed : W.unplaced, {names: missing.map(name).join(", ")}));
    if (choice.x === "time") said.push(W.teachers_time);
    const exported = choice.x === "latency" ? points.filter(p => p.role === "student" && p.latency && typeof p.latency.lost_points === "number") : [];
    if (exported.length) said.push(say(W.exported, {names: exported.map(p => say(W.exported_one, {name: p.run_name, points: (-p.latency.lost_points).toFixed(2).replace("-0.00", "0.00").replace("-", "−")})).join(", ")}));
    const references = [...new Set(found.runs.filter(r => group.runs.includes(r.id)).map(r => r.reference))];
    if (choice.y === "kept" && references.length > 1) said.push(say(W.references, {names: references.join(", "), metric: group.metric_words}));
    if (!group.known) said.push(W.unknown_data);
    return said.map(line => h("p", {class: "sr-small sr-muted"}, line));
  };
  const machines = (told, words, css = "sr-note") => told.machines.length < 2 ? null : h("p", {class: css, "data-note": "machines"},
    say(words, {machines: told.machines.map(one => say(W.machine, {names: one.runs.join(", "), machine: one.name})).join("; ")}));
  const legend = () => h("ul", {class: "sr-front-legend", "aria-hidden": "true"}, [["sr-mark-circle sr-s", W.roles.student], ["sr-mark-square sr-c1", W.roles.control], ["sr-mark-up sr-t1", W.roles.teacher]]
    .map(([css, said]) => h("li", null, h("span", {class: css}), said)), h("li", null, h("span", {class: "sr-mark-line"}), W.front_line), h("li", {class: "sr-muted"}, W.off_front));
  const section = group => {
    const points = found.points.filter(p => p.data === group.key), drawn = points.some(p => F.placed(p, choice)), plot = h("div", {class: "sr-plot"});
    const title = say(choice.y === "kept" ? W.heights.kept : W.heights.test, {metric: group.metric_words}) + " · " + W.costs[choice.x];
    const words = {x: say(W.axes[choice.x], {batch: found.batch}), y: choice.y === "kept" ? W.kept_axis : say(W.test_axis, {metric: group.metric_words})};
    const curve = {plot: h("div", {class: "sr-plot"}), note: h("p", {class: "sr-plot-empty"}, W.no_curves), legend: h("ul", {class: "sr-legend"})};
    const node = h("section", {class: "sr-group-of-data", "data-group": group.key}, h("h2", null, group.name || W.data, " ", h("span", {class: "sr-muted sr-small"}, group.metric_words, group.known ? " · " + group.key.slice(0, 6) : "")),
      h("div", {class: "sr-card"}, h("div", {class: "sr-card-head"}, h("h3", null, title), h("span", {class: "sr-muted sr-small"}, W.open_run)),
        h("div", {class: "sr-plot-box sr-front"}, plot, drawn ? null : h("p", {class: "sr-plot-empty"}, W.nothing_placed)), legend(), notes(group, points),
        h("p", {class: "sr-small sr-muted"}, say(W.front_how, {metric: group.metric_words}), " ", choice.x === "latency" ? W.controls_how : "")),
      h("div", {class: "sr-card"}, T.figures(group, points, choice.x, W)),
      h("div", {class: "sr-card sr-chart-of-runs"}, h("div", {class: "sr-card-head"}, h("h3", null, say(W.curves, {metric: group.metric_words}), " ", h("span", {class: "sr-muted"}, "%"))),
        h("div", {class: "sr-plot-box"}, curve.plot, curve.note), curve.legend));
    return {node, curve, group, front: () => drawn ? load(props.plotly).then(P => F.draw(P, plot, group, points, choice, words, W, open)) : null};
  };
  const draw = () => {
    for (const one of charts) { one.live?.purge(); }
    charts = found.groups.map(section);
    fill($("compare-groups"), charts.map(one => one.node));
    const own = found.runs.some(r => !r.example);
    fill($("compare-notes"), own ? null : h("p", {class: "sr-note"}, W.examples_first), machines(found, W.machines), found.groups.length > 1 ? h("p", {class: "sr-note"}, say(W.other_data, {count: found.groups.length})) : null,
      found.left_out.map(one => h("p", {class: "sr-note"}, say(W.left_out, one))));
    Promise.all(charts.map(one => one.front())).catch(lost);
    overlay();
    $("compare-settings").hidden = !found.runs.length;
    // Runs of different tasks have little in common: a long list is opened by whoever wants it.
    const long = found.settings.length > LONG_SETTINGS, head = h("h3", null, W.settings, long ? " (" + found.settings.length + ")" : "");
    fill($("compare-settings"), ...(long ? [h("details", {class: "sr-details"}, h("summary", null, head.textContent), T.settings(found, W))] : [h("div", {class: "sr-card-head"}, head), T.settings(found, W)]));
  };
  // ---- the students' validation curves
  let curves = [];
  const overlay = () => {
    for (const one of charts) {
      const live = one.live = new LiveChart(one.curve.plot, {x: W.steps});
      live.legend = one.curve.legend;
      one.group.runs.forEach((id, n) => {
        const own = curves.find(c => c.run === id), colour = "--sr-span-" + (1 + n % COLOURS);
        for (const [i, about] of (own ? own.curves : []).entries()) {
          const curve = new window.StillroomPoints.Curve(about);
          for (const packed of own.points) if (packed[0] === about.id) curve.take(packed);
          one.curve.note.hidden = true;
          const name = i ? say(W.seed, {name: own.name, seed: about.seed}) : own.name;
          live.show(id + "/" + about.id, curve, c => ({name, colour: c(colour), dash: PATTERNS[n % 8], width: 2, faint: i > 0, legend: i === 0, points: true, scale: 100}));
        }
      });
      const flush = () => load(props.plotly).then(P => live.flush(P)).catch(lost);
      live.on.seen = flush;
      live.on.hover = x => live.point(x);
      if (live.lines.size) flush();
    }
  };
  const empty = () => {
    fill($("compare-chosen"), h("div", {class: "sr-empty"}, h("p", null, W.none_title), h("p", {class: "sr-muted"}, W.none)));
    $("compare-choices").hidden = $("compare-settings").hidden = true;
    fill($("compare-notes")); fill($("compare-groups"));
  };
  const ask = async () => {
    const number = ++asked;
    $("compare-said").textContent = chosen.length > props.most ? W.too_many : "";
    if (!chosen.length) { found = null; if (board) empty(); return; }
    if (chosen.length > props.most) return;
    try {
      const [answer, more] = await Promise.all([S.call(server.compare, {runs: chosen, batch: choice.batch, runtime: choice.runtime}), S.call(server.overlaid, {runs: chosen})]);
      if (number !== asked) return;
      if (answer.error) { empty(); $("compare-said").textContent = answer.error; return; }
      found = answer; curves = more.runs || [];
      chips(); choices(); draw();
    } catch (error) { lost(error); }
  };

  // ---- the leaderboard
  const drawBoard = () => {
    if (!board) return;
    const named = board.data.map(d => [d.key, (d.name || W.data) + " " + (d.known ? d.key.slice(0, 6) : S.DASH)]);
    const change = (key, value) => { filters[key] = value; askBoard(); };
    const filter = (key, values) => select(W[key], "board-" + key, [["", W.all], ...values], filters[key], v => change(key, v));
    const examples = h("input", {type: "checkbox", id: "board-examples", onchange: event => withExamples(event.target.checked)});
    examples.checked = board.examples;
    const too = board.shipped.length ? h("label", {class: "sr-check"}, examples, " " + W.examples_too) : null;
    const archived = h("input", {type: "checkbox", id: "board-archived", onchange: event => change("archived", event.target.checked)});
    archived.checked = filters.archived;
    const body = board.groups.map(g => h("div", {class: "sr-board-group", "data-group": g.key}, h("h4", null, g.name || W.data, " ", h("span", {class: "sr-muted"}, g.metric_words, g.known ? " · " + g.key.slice(0, 6) : "")),
      T.board(g, chosen, W, pick)));
    fill($("compare-board"), h("h2", null, W.board),
      !board.data.length ? [h("p", {class: "sr-muted sr-empty"}, W.no_runs), too && h("div", {class: "sr-form sr-filters"}, too)] : [h("p", {class: "sr-muted sr-small"}, W.board_about),
        h("div", {class: "sr-form sr-filters"}, filter("data", named), filter("task", board.tasks.map(t => [t, t.replaceAll("_", " ")])), board.tags.length ? filter("tag", board.tags.map(t => [t, t])) : null,
          select(W.sort, "board-sort", Object.entries(W.orders), filters.sort, v => change("sort", v)), h("label", {class: "sr-check"}, archived, " " + W.archived_too), too),
        body.length ? body : h("p", {class: "sr-muted sr-empty"}, W.no_match),
        h("p", {class: "sr-muted sr-small"}, board.runtime ? say(W.timing, board) : W.no_timing), machines(board, W.machines_board, "sr-muted sr-small")]);
  };
  const withExamples = on => {
    filters.examples = on;
    const left = on ? chosen.length : chosen.filter(id => !board.shipped.includes(id)).length;
    if (left < chosen.length) { const kept = chosen.filter(id => !board.shipped.includes(id)); chosen.splice(0, chosen.length, ...kept); ask(); }
    keep(); askBoard();
  };
  let askedBoard = 0;
  const askBoard = async () => {
    const number = ++askedBoard;
    try {
      const answer = await S.call(server.board, {...filters, batch: choice.batch, runtime: choice.runtime});
      if (number !== askedBoard) return;
      const first = !board;
      board = answer;
      // Nothing was chosen, and there is nothing of one's own to choose: the examples show what this page is for.
      const all = board.groups.flatMap(g => g.rows);
      const fresh = first && !query.has("runs") && filters.examples === null && all.length && all.every(row => row.example);
      if (fresh) chosen.push(...all.map(row => row.id).slice(0, props.most));
      if (first && (fresh || !chosen.length)) ask();
      drawBoard();
    } catch (error) { lost(error); }
  };
  new MutationObserver(() => { if (found) draw(); }).observe(document.body, {attributes: true, attributeFilter: ["class"]});
  ask(); askBoard();
})();
