// A sweep's charts: quality against a cost with its Pareto front, the best so far, and parallel coordinates.
if (!window.StillroomSweepChart) window.StillroomSweepChart = (() => {
  const S = window.Stillroom, {known, say} = S, {plain, look, DOT, DASH, SOLID} = window.StillroomRoles, {axis} = window.StillroomFront;
  const number = value => typeof value === "number" ? Number(value.toPrecision(3)).toLocaleString("en", {maximumSignificantDigits: 3}) : value;
  const figure = (value, none) => value === null || value === undefined ? none : typeof value === "number"
    ? (value && Math.abs(value) < 0.001 ? value.toExponential(1) : Number(value.toPrecision(4)).toString()) : String(value);
  const costs = {parameters: S.count, latency: v => S.ms(v) + " ms", time: v => number(v) + " s"};
  const last = label => label.replace(/^.*\./, "");

  const base = colour => {
    const grid = colour("--sr-line"), muted = colour("--sr-muted"), ink = colour("--sr-ink");
    const common = {gridcolor: grid, linecolor: grid, zeroline: false, tickfont: {color: muted, size: 11}, fixedrange: true};
    return {common, title: text => ({text: plain(text), font: {color: muted, size: 12}, standoff: 8}), layout: {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: {family: "system-ui, sans-serif", size: 12, color: ink},
      margin: {l: 54, r: 18, t: 16, b: 46}, showlegend: false, hovermode: "closest", autosize: true, dragmode: false,
      hoverlabel: {bgcolor: colour("--sr-surface"), bordercolor: grid, font: {color: ink, size: 12}, align: "left"},
    }};
  };
  // The best teacher's validation as a line, where it is known.
  const teacher = (view, colour, W) => {
    const best = Math.max(...view.teachers.map(t => t.validation).filter(known), -1);
    if (best < 0) return {};
    const line = {color: colour("--sr-teacher-1"), width: 1.2, dash: "dash"};
    return {shapes: [{type: "line", xref: "paper", x0: 0, x1: 1, y0: 100 * best, y1: 100 * best, line, layer: "below"}],
      annotations: [{xref: "paper", x: 0.995, xanchor: "right", y: 100 * best, yanchor: "bottom", showarrow: false,
        text: plain(say(W.teacher, {value: S.percent(best)})), font: {size: 11, color: colour("--sr-teacher-1")}}]};
  };
  const told = (trial, view, W) => "<b>" + plain(say(W.trial, trial)) + "</b><br>" + view.fields.map(f => plain(f.label) + " " + plain(figure(trial.params[f.path], W.none))).join("<br>")
    + (known(trial.values.quality) ? "<br>" + plain(say(W.quality, {metric: view.sweep.metric_words})) + " " + S.percent(trial.values.quality) : "")
    + Object.keys(view.fronts).filter(c => known(trial.values[c])).map(c => "<br>" + plain(W.costs[c]) + " " + costs[c](trial.values[c])).join("") + "<extra></extra>";
  const draw = async (Plotly, node, traces, layout, click) => {
    await Plotly.react(node, traces, layout, {displayModeBar: false, responsive: true});
    if (node.dataset.wired) return;
    node.dataset.wired = "yes";
    node.on("plotly_click", event => { const found = event.points[0]?.customdata; if (known(found)) click(found); });
    node.on("plotly_hover", () => { node.style.cursor = "pointer"; });
    node.on("plotly_unhover", () => { node.style.cursor = ""; });
  };

  // Quality against one cost.
  const front = (Plotly, node, view, trials, cost, W, click) => {
    const colour = look(node), own = colour("--sr-student"), on = new Set(view.fronts[cost]), {common, title, layout} = base(colour);
    const done = trials.filter(t => t.state === "done" && known(t.values[cost])), byNumber = new Map(done.map(t => [t.number, t]));
    const line = view.fronts[cost].map(n => byNumber.get(n)).filter(Boolean);
    const at = list => ({x: list.map(t => t.values[cost]), y: list.map(t => 100 * t.values.quality)});
    const points = (list, symbol, meta) => ({type: "scatter", mode: meta === "on" ? "markers+text" : "markers", meta, ...at(list), customdata: list.map(t => t.number), text: list.map(t => String(t.number)),
      textposition: "top center", textfont: {size: 11.5, color: colour("--sr-ink")}, hovertemplate: list.map(t => told(t, view, W)),
      marker: {symbol, size: 11, color: own, line: {width: 1.6, color: own}}});
    const ends = done.length ? axis(done.map(t => t.values[cost])) : {};
    return draw(Plotly, node, [{type: "scatter", mode: "lines", meta: "front", ...at(line), hoverinfo: "skip", line: {color: colour("--sr-ink"), width: 1.4, dash: DOT}},
      points(done.filter(t => !on.has(t.number)), "circle-open", "off"), points(done.filter(t => on.has(t.number)), "circle", "on")],
      {...layout, ...teacher(view, colour, W), xaxis: {...common, ...ends, title: title(say(W.axes[cost], view.sweep))},
        yaxis: {...common, nticks: 7, title: title(say(W.quality_axis, {metric: view.sweep.metric_words}))}}, click);
  };

  // One objective: each trial, and the best so far.
  const best = (Plotly, node, view, trials, W, click) => {
    const colour = look(node), own = colour("--sr-student"), {common, title, layout} = base(colour), done = trials.filter(t => t.state === "done"), early = trials.filter(t => t.state === "pruned" && t.curve.length);
    const steps = [];
    for (const t of done) steps.push(Math.max(100 * t.values.quality, steps.length ? steps[steps.length - 1] : 0));
    const points = (list, y, marker, meta) => ({type: "scatter", mode: "markers", meta, x: list.map(t => t.number), y, customdata: list.map(t => t.number), hovertemplate: list.map(t => told(t, view, W)), marker});
    return draw(Plotly, node, [{type: "scatter", mode: "lines", meta: "best", x: done.map(t => t.number), y: steps, hoverinfo: "skip", line: {color: own, width: 2.2, shape: "hv"}},
      points(early, early.map(t => 100 * Math.max(...t.curve)), {symbol: "x-thin", size: 9, line: {width: 1.6, color: colour("--sr-control-1")}}, "early"),
      points(done, done.map(t => 100 * t.values.quality), {symbol: done.map(t => t.number === view.best ? "circle" : "circle-open"), size: 10, color: own, line: {width: 1.6, color: own}}, "done")],
      {...layout, ...teacher(view, colour, W), xaxis: {...common, title: title(W.trial_axis), tickformat: "d", nticks: 10, range: [0.4, Math.max(3, ...trials.map(t => t.number)) + 0.6]},
        yaxis: {...common, nticks: 7, title: title(say(W.quality_axis, {metric: view.sweep.metric_words}))}}, click);
  };

  // The axes from left to right: {name, at(trial) in [0, 1] or null, ticks: [[place, words]]}.
  const axes = (view, trials, W) => {
    const made = view.fields.map(f => {
      if (f.choices) {
        const many = Math.max(1, f.choices.length - 1), at = value => f.choices.length > 1 ? f.choices.findIndex(c => c === value) / many : 0.5;
        return {name: f.label, at: t => at(t.params[f.path]), ticks: f.choices.map(c => [at(c), figure(c, W.none)])};
      }
      const to = f.log ? Math.log : v => v, span = to(f.high) - to(f.low), place = value => (to(value) - to(f.low)) / span, middle = f.log ? Math.sqrt(f.low * f.high) : (f.low + f.high) / 2;
      return {name: f.label, at: t => place(t.params[f.path]), ticks: [f.low, middle, f.high].map(v => [place(v), figure(Number(v.toPrecision(2)), W.none)])};
    });
    const done = trials.filter(t => t.state === "done");
    for (const name of view.sweep.objectives) {
      const values = done.map(t => t.values[name]).filter(known), low = Math.min(...values), high = Math.max(...values), span = high - low || 1;
      const say_ = v => name === "quality" ? (100 * v).toFixed(1) : name === "parameters" ? S.count(v) : number(v);
      made.push({name: name === "quality" ? say(W.quality_axis, {metric: view.sweep.metric_words}) : W.costs[name], outcome: true, at: t => known(t.values[name]) ? high === low ? 0.5 : (t.values[name] - low) / span : null,
        ticks: values.length ? (high === low ? [[0.5, say_(low)]] : [[0, say_(low)], [0.5, say_((low + high) / 2)], [1, say_(high)]]) : []});
    }
    return made;
  };
  const parallel = (Plotly, node, view, trials, W, click) => {
    const colour = look(node), {layout} = base(colour), ink = colour("--sr-ink"), muted = colour("--sr-muted"), all = axes(view, trials, W);
    const chosen = new Set(Object.values(view.fronts).flat().concat(Object.keys(view.fronts).length ? [] : [view.best]));
    const rank = t => chosen.has(t.number) ? 2 : t.state === "done" ? 1 : 0, shown = trials.filter(t => ["done", "pruned"].includes(t.state)).sort((a, b) => rank(a) - rank(b));
    const traces = shown.map(t => {
      const points = all.map((a, i) => [i, a.at(t)]).filter(([, y]) => y !== null), on = rank(t) === 2;
      return {type: "scatter", mode: "lines+markers", meta: t.number, x: points.map(p => p[0]), y: points.map(p => p[1]), customdata: points.map(() => t.number), hovertemplate: told(t, view, W),
        line: {color: colour(on ? "--sr-student" : "--sr-control-1"), width: on ? 2.4 : 1.4, dash: t.state === "pruned" ? DASH : SOLID}, opacity: on ? 1 : t.state === "done" ? 0.6 : 0.4, marker: {size: on ? 6 : 4}};
    });
    // Names side by side need room; what does not fit is scrolled to.
    node.parentElement.style.minWidth = 152 * all.length + "px";
    const beside = i => i === all.length - 1 ? ["right", -7] : ["left", 7];
    return draw(Plotly, node, traces, {...layout, margin: {l: 24, r: 24, t: 34, b: 14}, xaxis: {visible: false, fixedrange: true, range: [-0.12, all.length - 0.88]}, yaxis: {visible: false, fixedrange: true, range: [-0.06, 1.06]},
      shapes: all.map((a, i) => ({type: "line", x0: i, x1: i, y0: 0, y1: 1, line: {color: a.outcome ? ink : colour("--sr-line"), width: a.outcome ? 1.4 : 1.2}, layer: "below"})),
      annotations: all.flatMap((a, i) => {
        const [side, shift] = beside(i);
        return [{x: i, y: 1.06, yanchor: "bottom", xanchor: i === 0 ? "left" : i === all.length - 1 ? "right" : "center", text: plain(last(a.name)), showarrow: false, font: {size: 12, color: ink}},
          ...a.ticks.map(([y, words]) => ({x: i, y, xanchor: side, xshift: shift, text: plain(words), showarrow: false, font: {size: 11, color: muted}, bgcolor: colour("--sr-surface")}))];
      })}, click);
  };
  return {front, best, parallel, figure, costs, base, told, draw, teacher};
})();
