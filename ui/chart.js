// Live charts: rows after a cursor become Plotly.extendTraces; what a person zoomed stays zoomed (uirevision).
// Metric rows are {arm, seed, name, step, value, unit}; arm is main, no_teacher, uniform or teacher:NAME.
if (!window.StillroomCharts) window.StillroomCharts = (() => {
  const {h, fill, known, css} = window.Stillroom;
  let loading = null;
  const loadPlotly = url => loading ||= new Promise((resolve, reject) => {
    if (window.Plotly) return resolve(window.Plotly);
    const script = document.createElement("script");
    script.src = new URL(url, document.baseURI).href;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { loading = null; script.remove(); reject(new Error("the chart library did not load")); };
    document.head.append(script);
  });

  const ARMS = {main: "student", no_teacher: "no teachers", uniform: "uniform weights"};
  const TEACHER = "teacher:";

  // Roles keep their colour everywhere: teachers blues, student orange, controls greys.
  const roles = names => ({
    colour: arm => {
      if (arm === "main") return css("--sr-student");
      if (arm === "no_teacher") return css("--sr-control-1");
      if (arm === "uniform") return css("--sr-control-2");
      return css("--sr-teacher-" + (1 + Math.max(0, names.indexOf(arm.slice(TEACHER.length))) % 8));
    },
    dash: arm => arm === "no_teacher" ? "dash" : arm === "uniform" ? "dot" : "solid",
    label: arm => arm.startsWith(TEACHER) ? arm.slice(TEACHER.length) : ARMS[arm] || arm,
  });

  // Plotly reads a small HTML subset in labels; names come from people.
  const plain = text => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  const layout = (options, node) => {
    const ink = css("--sr-ink", node), muted = css("--sr-muted", node), line = css("--sr-line", node);
    const axis = {
      gridcolor: line, linecolor: line, zeroline: false, tickfont: {color: muted, size: 11},
      title: {font: {color: muted, size: 11}, standoff: 6}, automargin: false, fixedrange: false,
    };
    const made = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", uirevision: "kept",
      font: {family: "system-ui, sans-serif", size: 12, color: ink},
      margin: {l: 46, r: options.right ? 46 : 14, t: options.banded ? 20 : 8, b: 40}, hovermode: "x unified", autosize: true, showlegend: false,
      hoverlabel: {bgcolor: css("--sr-surface", node), bordercolor: line, font: {color: ink, size: 12}},
      xaxis: {...axis, title: {...axis.title, text: "optimizer step", standoff: 4}, rangemode: "tozero"},
      yaxis: {...axis, title: {...axis.title, text: options.left || ""}, rangemode: options.tozero ? "tozero" : "normal"},
    };
    if (options.right)
      made.yaxis2 = {...axis, overlaying: "y", side: "right", showgrid: false, rangemode: "tozero",
        tickmode: "auto", nticks: 5, tickformat: ".2~f",
        title: {...axis.title, text: options.right}};
    return made;
  };

  class LiveChart {
    constructor(node, options) {
      this.node = node; this.options = options; this.traces = new Map(); this.queue = new Map();
      this.marks = []; this.bands = []; this.drawn = false; this.busy = Promise.resolve();
    }
    // One more point of the trace `key`; `style()` is asked whenever the theme changes.
    add(key, style, x, y) {
      if (!this.queue.has(key)) this.queue.set(key, {style, x: [], y: []});
      const waiting = this.queue.get(key);
      waiting.x.push(x); waiting.y.push(known(y) ? y : null);
    }
    reset() { this.queue.clear(); this.pendingReset = true; }
    // Horizontal lines: [{value, text, colour()}]
    levels(marks) {
      if (JSON.stringify(marks.map(m => [m.value, m.text])) === JSON.stringify(this.marks.map(m => [m.value, m.text]))) return;
      this.marks = marks; this.marksChanged = true;
    }
    // Stages of a staged training, from left to right: [{name, from}]; a thin band with names on top of the plot.
    phases(bands) {
      if (JSON.stringify(bands) === JSON.stringify(this.bands)) return;
      this.bands = bands; this.marksChanged = true;
    }
    _bands() {
      const shapes = [], annotations = [];
      const fill = css("--sr-soft", this.node), line = css("--sr-line", this.node), muted = css("--sr-muted", this.node);
      this.bands.forEach((band, i) => {
        const next = this.bands[i + 1];
        if (i % 2 === 0) shapes.push({type: "rect", xref: "x", yref: "paper", x0: band.from, y0: 0, y1: 1, layer: "below",
          x1: next ? next.from : this._end(band.from), fillcolor: fill, line: {width: 0}});
        if (i) shapes.push({type: "line", xref: "x", yref: "paper", x0: band.from, x1: band.from, y0: 0, y1: 1, layer: "below", line: {color: line, width: 1}});
        annotations.push({xref: "x", yref: "paper", x: band.from, y: 1, xanchor: "left", yanchor: "bottom", xshift: 3, showarrow: false,
          text: plain(this._short(band, next)), hovertext: plain(band.name), font: {size: 11, color: muted}});
      });
      return {shapes, annotations};
    }
    // The last step drawn so far: the last band goes on as far as the curves do.
    _end(from) {
      let end = from;
      for (const trace of this.node.data || []) for (const x of trace.x || []) if (x > end) end = x;
      return end;
    }
    // A name as long as its band is wide; at least its number.
    _short(band, next) {
      const first = this.bands[0].from, end = this._end(this.bands[this.bands.length - 1].from);
      const width = (this.node.clientWidth - 60) * ((next ? next.from : end) - band.from) / Math.max(1, end - first);
      const letters = Math.floor(width / 6.2) - 1, name = band.name;
      return letters >= name.length ? name : letters >= 5 ? name.slice(0, letters - 1) + "…" : letters >= 1 ? String(this.bands.indexOf(band) + 1) : "";
    }
    _marks() {
      const bands = this._bands();
      const sorted = [...this.marks].sort((a, b) => b.value - a.value), groups = [];
      // Lines close to each other share one place for their labels, above the highest of them and in its order.
      for (const mark of sorted) {
        const group = groups[groups.length - 1];
        if (group && group[0].value - mark.value < this.options.near) group.push(mark); else groups.push([mark]);
      }
      return {
        shapes: [...bands.shapes, ...sorted.map(m => ({type: "line", xref: "paper", x0: 0, x1: 1, y0: m.value, y1: m.value,
          line: {color: m.colour(), width: 1.2, dash: "dash"}, layer: "below"}))],
        annotations: [...bands.annotations, ...groups.flatMap(group => group.map((m, i) => ({xref: "paper", x: 0.995, xanchor: "right", y: group[0].value,
          showarrow: false, yanchor: "bottom", yshift: 14 * (group.length - 1 - i), text: plain(m.text), font: {size: 11, color: m.colour()}})))],
      };
    }
    _fresh(key, queued) {
      return {...this._line(queued.style()), x: queued.x, y: queued.y, meta: key};
    }
    _line(style) {
      return {type: "scatter", mode: style.points ? "lines+markers" : "lines", name: plain(style.name),
        opacity: style.faint ? 0.45 : 1,
        line: {color: style.colour, width: style.width || 1.6, dash: style.dash || "solid"},
        marker: {size: 5, color: style.colour}, yaxis: style.right ? "y2" : "y", connectgaps: true,
        hovertemplate: "%{y:.4~g}"};
    }
    flush(Plotly) {
      this.busy = this.busy.then(() => this._flush(Plotly)).catch(error => console.debug("chart:", error));
      return this.busy;
    }
    async _flush(Plotly) {
      if (!this.node.isConnected || !this.node.clientWidth) return;
      if (!this.drawn) {
        await Plotly.newPlot(this.node, [], {...layout(this.options, this.node), ...this._marks()},
          {displaylogo: false, responsive: true, displayModeBar: false, doubleClick: "reset"});
        this.drawn = true; this.marksChanged = false;
      }
      if (this.pendingReset) {
        this.pendingReset = false;
        if (this.traces.size) await Plotly.deleteTraces(this.node, [...this.traces.values()].map(t => t.index));
        this.traces.clear();
      }
      const fresh = [], more = {x: [], y: [], at: []};
      for (const [key, queued] of this.queue) {
        const there = this.traces.get(key);
        if (there) { more.x.push(queued.x); more.y.push(queued.y); more.at.push(there.index); continue; }
        this.traces.set(key, {index: this.traces.size, style: queued.style});
        fresh.push(this._fresh(key, queued));
      }
      this.queue.clear();
      if (fresh.length) { await Plotly.addTraces(this.node, fresh); this._legend(); }
      if (more.at.length) await Plotly.extendTraces(this.node, {x: more.x, y: more.y}, more.at);
      if (this.bands.length && (fresh.length || more.at.length)) this.marksChanged = true;
      if (this.marksChanged) { this.marksChanged = false; await Plotly.relayout(this.node, this._marks()); }
    }
    // Colours come from CSS variables: ask them again.
    async retheme(Plotly) {
      if (!this.drawn || !this.node.isConnected) return;
      const next = {...layout(this.options, this.node), ...this._marks()}, now = this.node.layout;
      for (const axis of ["xaxis", "yaxis", "yaxis2"])
        if (next[axis] && now[axis]) Object.assign(next[axis], {range: now[axis].range, autorange: now[axis].autorange});
      const data = this.node.data.map(trace => ({...trace, ...this._line(this.traces.get(trace.meta).style())}));
      await Plotly.react(this.node, data, next);
      this._legend();
    }
    _legend() {
      if (!this.legend) return;
      const styles = [...this.traces.values()].map(t => t.style()).filter(s => s.legend !== false);
      fill(this.legend, styles.map(s => h("li", null, h("i", {style: "border-color:" + s.colour + ";border-top-style:" +
        ({dash: "dashed", dot: "dotted"}[s.dash] || "solid")}), s.name)));
    }
    purge() { if (this.drawn && window.Plotly) window.Plotly.purge(this.node); this.drawn = false; }
  }

  const box = (title, unit, ...extra) => {
    const plot = h("div", {class: "sr-plot"});
    const legend = h("ul", {class: "sr-legend"});
    const note = h("p", {class: "sr-plot-empty"}, "Waiting for the first measurement.");
    const head = h("div", {class: "sr-card-head"}, h("h3", null, title, " ", h("span", {class: "sr-muted"}, unit)), ...extra);
    return {card: h("section", {class: "sr-card sr-chart", "aria-label": title}, head, h("div", {class: "sr-plot-box"}, plot, note), legend), plot, note, legend};
  };

  class Board {
    // losses: {metric: words} of all loss terms, in the order in which they are named
    constructor(root, url, losses) {
      this.url = url; this.words = losses; this.stages = []; this.names = []; this.losses = []; this.chosen = null; this.seen = new Set();
      this.roles = roles(this.names);
      this.picker = h("select", {"aria-label": "Whose loss", onchange: event => this.choose(event.target.value, true)});
      this.boxes = {
        quality: box("Validation accuracy", "%"), loss: box("Loss terms", "unweighted", this.picker),
        teachers: box("Teachers", "soft-label loss to the student, mean weight, disagreement"), speed: box("Throughput", "examples/s"),
      };
      fill(root, Object.values(this.boxes).map(b => b.card));
      this.charts = {
        quality: new LiveChart(this.boxes.quality.plot, {near: 1.5}),
        loss: new LiveChart(this.boxes.loss.plot, {tozero: true, banded: true}),
        teachers: new LiveChart(this.boxes.teachers.plot, {left: "loss", right: "weight", tozero: true}),
        speed: new LiveChart(this.boxes.speed.plot, {tozero: true}),
      };
      for (const [key, chart] of Object.entries(this.charts)) chart.legend = this.boxes[key].legend;
      this.watcher = new MutationObserver(() => this.retheme());
      this.watcher.observe(document.body, {attributes: true, attributeFilter: ["class"]});
    }
    all(work) { return Promise.all(Object.values(this.charts).map(work)); }
    retheme() { loadPlotly(this.url).then(P => this.all(c => c.retheme(P))).catch(() => {}); }
    purge() { this.watcher.disconnect(); this.all(c => c.purge()); }
    reset() {
      this.losses = []; this.seen.clear(); this.chosen = this.byHand ? this.chosen : null;
      this.all(c => c.reset());
      for (const b of Object.values(this.boxes)) b.note.hidden = false;
    }
    // What quality is called: accuracy, entity F1.
    metric(words) {
      if (!words) return;
      const title = this.boxes.quality.card.querySelector("h3").firstChild;
      if (title.textContent !== "Validation " + words) {
        title.textContent = "Validation " + words;
        this.boxes.quality.card.setAttribute("aria-label", "Validation " + words);
      }
    }
    // Stages of all trials: [{arm, seed, name, index, of, from_step}]; drawn for the arm whose losses are shown.
    phases(list) { this.stages = list || []; this.bands(); }
    bands() {
      const own = this.stages.filter(p => p.arm === this.chosen && p.of > 1);
      const seed = own.length ? own[0].seed : null;
      this.charts.loss.phases(own.filter(p => p.seed === seed).sort((a, b) => a.index - b.index).map(p => ({name: p.name, from: p.from_step})));
    }
    teachers(list) {
      for (const t of list || []) if (!this.names.includes(t.name)) this.names.push(t.name);
      this.charts.quality.levels((list || []).filter(t => known(t.validation)).map(t => ({
        value: 100 * t.validation, text: t.name + " " + (100 * t.validation).toFixed(1),
        colour: () => this.roles.colour(TEACHER + t.name),
      })));
    }
    style(row, extra) {
      if (!this.seeds) this.seeds = new Map();
      if (!this.seeds.has(row.arm)) this.seeds.set(row.arm, row.seed);
      const first = this.seeds.get(row.arm) === row.seed;
      return () => ({name: this.roles.label(row.arm), colour: this.roles.colour(row.arm), dash: this.roles.dash(row.arm),
        width: row.arm === "main" ? 2.4 : 1.6, faint: !first, legend: first, ...extra});
    }
    push(chart, row, value, style) {
      this.boxes[chart].note.hidden = true;
      this.charts[chart].add([row.arm, row.seed, row.name].join("|"), style, row.step, value);
    }
    take(rows) {
      for (const row of rows) {
        const teacher = row.arm.startsWith(TEACHER);
        if (teacher && !this.names.includes(row.arm.slice(TEACHER.length))) this.names.push(row.arm.slice(TEACHER.length));
        if (row.name === "validation_quality")
          this.push("quality", row, known(row.value) ? 100 * row.value : null, this.style(row, {points: true}));
        else if (row.name === "examples_per_second") this.push("speed", row, row.value, this.style(row));
        else if (teacher && row.name === "loss" || row.name in this.words) this.loss(row, teacher);
        else if (row.arm === "main" && /^(kl|weight)\//.test(row.name)) this.aboutTeacher(row);
        else if (row.arm === "main" && row.name === "disagreement") this.disagreement(row);
      }
    }
    aboutTeacher(row) {
      const [what, name] = [row.name.slice(0, row.name.indexOf("/")), row.name.slice(row.name.indexOf("/") + 1)];
      if (!this.names.includes(name)) this.names.push(name);
      const weight = what === "weight";
      const style = this.style(row);
      this.push("teachers", row, row.value, () => ({...style(), name: (weight ? "weight " : "loss ") + name, width: 1.8,
        colour: this.roles.colour(TEACHER + name), dash: weight ? "dot" : "solid", right: weight}));
    }
    disagreement(row) {
      const style = this.style(row);
      this.push("teachers", row, row.value, () => ({...style(), name: "teachers' disagreement", width: 1.5, dash: "dash", colour: css("--sr-muted")}));
    }
    loss(row, teacher) {
      const group = teacher ? "teachers" : row.arm;
      this.losses.push({group, row});
      if (!this.seen.has(group)) {
        this.seen.add(group);
        const names = {teachers: "Teachers' training", ...ARMS};
        const order = ["teachers", "main", "no_teacher", "uniform"].filter(g => this.seen.has(g));
        fill(this.picker, order.map(g => h("option", {value: g, selected: g === this.chosen}, names[g])));
        this.picker.hidden = order.length < 2;
        if (!this.byHand && (group === "main" || !this.chosen)) return this.choose(group, false);
        if (this.chosen) this.picker.value = this.chosen;
      }
      if (group === this.chosen) this.drawLoss(row, teacher);
    }
    drawLoss(row, teacher) {
      const style = this.style(row), name = this.words[row.name];
      this.push("loss", row, row.value, teacher ? style : () => ({...style(), name, dash: "solid", legend: style().legend,
        colour: css("--sr-" + row.name.replaceAll("_", "-")), width: row.name === "loss_total" ? 2.2 : 1.5}));
    }
    choose(group, byHand) {
      this.byHand ||= byHand; this.chosen = group; this.picker.value = group;
      this.charts.loss.reset();
      for (const {group: of, row} of this.losses) if (of === group) this.drawLoss(row, group === "teachers");
      this.bands();
      if (byHand) this.flush();
    }
    flush() { return loadPlotly(this.url).then(P => this.all(c => c.flush(P))); }
  }
  return {Board, roles, ARMS};
})();
