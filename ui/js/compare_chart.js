// The front chart of one data set: a point for each student, control and teacher, its intervals, and the Pareto front.
if (!window.StillroomFront) window.StillroomFront = (() => {
  const S = window.Stillroom, {known, say} = S, {Roles, plain, look, DOT} = window.StillroomRoles;
  const UNITS = {latency: 1, size: 1e-6, time: 1};
  const cost = (point, x) => x === "latency" ? point.latency && point.latency.p50 : x === "size" ? point.bytes : point.seconds;
  const between = (value, span, by) => span ? [(span[1] - value) * by, (value - span[0]) * by] : [0, 0];
  const height = (point, y) => y === "kept" ? {value: point.kept, span: point.kept_interval} : {value: point.test, span: point.interval};
  const placed = (point, {x, y}) => known(cost(point, x)) && cost(point, x) > 0 && known(height(point, y).value);
  const model = (point, W) => W.arms[point.key] || point.name;

  // 1, 2 and 5 of each decade, where the points span more than a factor of three; else an ordinary axis.
  const axis = values => {
    const low = Math.min(...values), high = Math.max(...values);
    if (!(high / low > 3)) return {type: "linear", rangemode: "tozero"};
    const ticks = [];
    for (let decade = Math.floor(Math.log10(low)) - 1; decade <= Math.ceil(Math.log10(high)); decade += 1)
      for (const part of high / low > 300 ? [1] : [1, 2, 5]) ticks.push(Number(part + "e" + decade));
    return {type: "log", tickvals: ticks, ticktext: ticks.map(t => t.toLocaleString("en", {maximumSignificantDigits: 3})),
      range: [Math.log10(low / 1.45), Math.log10(high * 1.45)]};
  };
  const said = (point, W, metric) => {
    const span = value => value ? " (" + (100 * value[0]).toFixed(1) + "–" + (100 * value[1]).toFixed(1) + ")" : "";
    const timed = point.latency ? "<br>" + plain(W.head[4]) + " " + S.ms(point.latency.p50) : "";
    return "<b>" + plain(point.run_name) + "</b><br>" + plain(model(point, W)) + "<br>" + plain(W.heights.kept) + " " + S.percent(point.kept) + span(point.kept_interval)
      + "<br>" + plain(say(W.heights.test, {metric})) + " " + S.percent(point.test) + span(point.interval)
      + "<br>" + plain(W.head[2]) + " " + S.percent(point.validation) + timed + "<br>" + S.bytes(point.bytes)
      + (known(point.seconds) ? ", " + plain(W.head[7]) + " " + S.duration(point.seconds) : "") + "<extra></extra>";
  };

  // chosen: {x, y}. Points and front of one group become Plotly traces: [the front, a trace for each role and run].
  const traces = (group, points, chosen, W, colour, narrow) => {
    const {x, y} = chosen, by = UNITS[x], on = new Set(group.fronts[x]), drawn = points.filter(p => placed(p, chosen));
    const byId = new Map(drawn.map(p => [p.id, p])), line = group.fronts[x].map(id => byId.get(id)).filter(Boolean);
    const at = p => ({x: cost(p, x) * by, y: 100 * height(p, y).value});
    const front = {type: "scatter", mode: "lines", name: plain(W.front_line), x: line.map(p => at(p).x), y: line.map(p => at(p).y), hoverinfo: "skip",
      line: {color: colour("--sr-ink"), width: 1.4, dash: DOT}, meta: "front"};
    const roles = new Roles({}), most = narrow ? 14 : 26, named = drawn.filter(p => p.role === "student").sort((a, b) => cost(a, x) - cost(b, x));
    // Names side by side overlap on a phone: above and below in turn.
    const side = p => !narrow ? "top right" : named.indexOf(p) % 2 ? "bottom center" : "top center";
    const one = p => {
      const role = p.role === "teacher" ? (roles.known(p.name), roles.teacher(p.name)) : roles.of(p.key), own = colour(role.colour), place = at(p);
      const [up, down] = between(height(p, y).value, height(p, y).span, 100), [right, left] = x === "latency" ? between(p.latency.p50, p.latency.interval, 1) : [0, 0];
      const bar = (array, arrayminus) => ({type: "data", symmetric: false, array: [array], arrayminus: [arrayminus], thickness: 1, width: 3, color: own, visible: array + arrayminus > 0});
      return {type: "scatter", mode: p.role === "student" ? "markers+text" : "markers", name: plain(model(p, W)), x: [place.x], y: [place.y],
        customdata: [p.run], meta: p.id, text: [plain(p.run_name.length > most ? "…" + p.run_name.slice(1 - most) : p.run_name)], textposition: side(p),
        textfont: {size: 11.5, color: colour("--sr-ink")}, error_y: bar(up, down), error_x: bar(right, left), hovertemplate: said(p, W, group.metric_words),
        marker: {symbol: role.marker + (on.has(p.id) ? "" : "-open"), size: p.role === "student" ? 13 : 10, color: own, line: {width: 1.6, color: own}}};
    };
    const order = {teacher: 0, control: 1, student: 2};
    return [front, ...[...drawn].sort((a, b) => order[a.role] - order[b.role]).map(one)];
  };

  const layout = (group, points, chosen, words, colour) => {
    const ink = colour("--sr-ink"), muted = colour("--sr-muted"), grid = colour("--sr-line"), drawn = points.filter(p => placed(p, chosen));
    const common = {gridcolor: grid, linecolor: grid, zeroline: false, tickfont: {color: muted, size: 11}};
    const title = text => ({text: plain(text), font: {color: muted, size: 12}, standoff: 8});
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: {family: "system-ui, sans-serif", size: 12, color: ink},
      margin: {l: 54, r: 18, t: 14, b: 46}, showlegend: false, hovermode: "closest", autosize: true, dragmode: false,
      hoverlabel: {bgcolor: colour("--sr-surface"), bordercolor: grid, font: {color: ink, size: 12}, align: "left"},
      xaxis: {...common, ...axis(drawn.map(p => cost(p, chosen.x) * UNITS[chosen.x])), title: title(words.x), fixedrange: true},
      yaxis: {...common, title: title(words.y), nticks: 7, fixedrange: true},
    };
  };

  // The chart in `node`; open(run): a point was clicked.
  const draw = async (Plotly, node, group, points, chosen, words, W, open) => {
    const colour = look(node);
    await Plotly.react(node, traces(group, points, chosen, W, colour, node.clientWidth < 560), layout(group, points, chosen, words, colour), {displayModeBar: false, responsive: true});
    if (node.dataset.wired) return;
    node.dataset.wired = "yes";
    node.on("plotly_click", event => { const run = event.points[0]?.customdata; if (run) open(run); });
    node.on("plotly_hover", () => { node.style.cursor = "pointer"; });
    node.on("plotly_unhover", () => { node.style.cursor = ""; });
  };
  return {draw, placed, model, axis};
})();
