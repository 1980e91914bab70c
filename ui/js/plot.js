// One live chart: curves (points.js) become Plotly traces. What a person zoomed stays zoomed while points arrive.
if (!window.StillroomPlot) window.StillroomPlot = (() => {
  const {h, fill, known} = window.Stillroom, {plain, sample, look} = window.StillroomRoles;
  let loading = null;
  const load = url => loading ||= new Promise((resolve, reject) => {
    if (window.Plotly) return resolve(window.Plotly);
    const script = document.createElement("script");
    script.src = new URL(url, document.baseURI).href;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { loading = null; script.remove(); reject(new Error("no-plotly")); };
    document.head.append(script);
  });

  const layout = (options, colour, log) => {
    const ink = colour("--sr-ink"), muted = colour("--sr-muted"), line = colour("--sr-line");
    const axis = {
      gridcolor: line, linecolor: line, zeroline: false, tickfont: {color: muted, size: 11},
      title: {font: {color: muted, size: 11}, standoff: 6}, automargin: false, fixedrange: false,
    };
    const made = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", uirevision: "kept",
      font: {family: "system-ui, sans-serif", size: 12, color: ink},
      margin: {l: 50, r: 14, t: options.banded ? 20 : 8, b: 38}, hovermode: "x unified", autosize: true, showlegend: false,
      hoverlabel: {bgcolor: colour("--sr-surface"), bordercolor: line, font: {color: ink, size: 12}},
      xaxis: {...axis, title: {...axis.title, text: options.x, standoff: 4}, rangemode: "tozero", nticks: 8},
      yaxis: {...axis, rangemode: options.tozero ? "tozero" : "normal", nticks: 6, type: log && options.log ? "log" : "linear", exponentformat: "e"},
    };
    if (options.range) Object.assign(made.yaxis, {range: options.range.slice(), autorange: false});
    if (made.yaxis.type === "log") Object.assign(made.yaxis, {rangemode: "normal", tickmode: "array"});
    return made;
  };
  const figure = value => Math.abs(value) >= 1e6 || (value && Math.abs(value) < 0.001) ? value.toExponential(1)
    : Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : Number(value.toPrecision(3)).toString();

  class LiveChart {
    // options: {x: words of the x axis, tozero, range, banded, log, smooth, near (lines closer share a label place)}
    constructor(node, options) {
      this.node = node; this.options = options; this.lines = new Map(); this.settings = {power: 0, log: false};
      this.marks = []; this.bands = []; this.drawn = false; this.busy = Promise.resolve(); this.on = {};
      // Only what can be seen is drawn; the rest waits until it nearly is.
      this.seen = !window.IntersectionObserver;
      if (this.seen) return;
      this.watcher = new IntersectionObserver(([entry]) => {
        const now = entry.isIntersecting, came = now && !this.seen;
        this.seen = now;
        if (came) this.on.seen?.();
      }, {rootMargin: "400px"});
      this.watcher.observe(node);
    }
    // A curve is shown as `style(colour)` says: {name, colour, dash, width, faint, points, legend, scale}.
    show(key, curve, style) { if (!this.lines.has(key)) this.lines.set(key, {curve, style, index: null, stale: true}); }
    stale(curve) { for (const line of this.lines.values()) if (line.curve === curve) line.stale = true; }
    clear() { this.lines.clear(); this.emptied = true; }
    set(settings) {
      const log = this.options.log && settings.log !== this.settings.log;
      if (!log && !(this.options.smooth && settings.power !== this.settings.power)) { this.settings = settings; return; }
      this.settings = settings; this.restyled = true; this.rescaled = log;
    }
    // Horizontal lines: [{value, text, colour (a CSS variable)}]
    levels(marks) {
      if (JSON.stringify(marks) === JSON.stringify(this.marks)) return;
      this.marks = marks; this.marksChanged = true;
    }
    // Stages of a staged training, from left to right: [{name, from}]; a thin band with names on top of the plot.
    phases(bands) {
      if (JSON.stringify(bands) === JSON.stringify(this.bands)) return;
      this.bands = bands; this.marksChanged = true;
    }
    end() { let end = 0; for (const {curve} of this.lines.values()) end = Math.max(end, curve.last()); return end; }
    // A name as long as its band is wide; at least its number.
    _short(band, next, end, width) {
      const letters = Math.floor((width - 64) * ((next ? next.from : end) - band.from) / Math.max(1, end - this.bands[0].from) / 6.2) - 1;
      const name = band.name;
      return letters >= name.length ? name : letters >= 5 ? name.slice(0, letters - 1) + "…" : letters >= 1 ? String(this.bands.indexOf(band) + 1) : "";
    }
    _bands(colour, width) {
      const shapes = [], annotations = [], across = {xref: "x", yref: "paper", y0: 0, y1: 1, layer: "below"};
      const end = Math.max(this.end(), this.bands.length ? this.bands[this.bands.length - 1].from : 0);
      this.bands.forEach((band, i) => {
        const next = this.bands[i + 1];
        if (i % 2 === 0) shapes.push({...across, type: "rect", x0: band.from, x1: next ? next.from : end, fillcolor: colour("--sr-soft"), line: {width: 0}});
        if (i) shapes.push({...across, type: "line", x0: band.from, x1: band.from, line: {color: colour("--sr-line"), width: 1}});
        annotations.push({xref: "x", yref: "paper", x: band.from, y: 1, xanchor: "left", yanchor: "bottom", xshift: 3, showarrow: false,
          text: plain(this._short(band, next, end, width)), hovertext: plain(band.name), font: {size: 11, color: colour("--sr-muted")}});
      });
      return {shapes, annotations};
    }
    _marks(colour, width) {
      const bands = this._bands(colour, width), groups = [];
      const sorted = [...this.marks].sort((a, b) => b.value - a.value);
      // Lines close to each other share one place for their labels, above the highest of them and in its order.
      for (const mark of sorted) {
        const group = groups[groups.length - 1];
        if (group && group[0].value - mark.value < this.options.near) group.push(mark); else groups.push([mark]);
      }
      return {
        shapes: [...bands.shapes, ...sorted.map(m => ({type: "line", xref: "paper", x0: 0, x1: 1, y0: m.value, y1: m.value,
          line: {color: colour(m.colour), width: 1.2, dash: "dash"}, layer: "below"}))],
        annotations: [...bands.annotations, ...groups.flatMap(group => group.map((m, i) => ({xref: "paper", x: 0.995, xanchor: "right", y: group[0].value,
          showarrow: false, yanchor: "bottom", yshift: 14 * (group.length - 1 - i), text: plain(m.text), font: {size: 11, color: colour(m.colour)}})))],
      };
    }
    // On a log axis: 1, 2 and 5 of each decade while that is not too much, else the decades.
    _ticks() {
      if (!this.options.log || !this.settings.log) return {};
      let low = Infinity, high = 0;
      for (const {curve} of this.lines.values()) for (const v of curve.values) if (v > 0) { low = Math.min(low, v); high = Math.max(high, v); }
      const first = Math.floor(Math.log10(Math.min(low, 1e9))), last = Math.ceil(Math.log10(Math.max(high, 1e-12))), values = [];
      const parts = last - first <= 3 ? [1, 2, 5] : [1], every = Math.ceil((last - first) / 8) || 1;
      for (let decade = first - 1; decade <= last; decade += 1) if (decade % every === 0) for (const part of parts) values.push(Number(part + "e" + decade));
      return {tickvals: values, ticktext: values.map(v => v < 0.001 || v >= 1e6 ? v.toExponential(0) : String(v))};
    }
    _values({curve, style}, colour) {
      const {scale = 1, xscale = 1} = style(colour), power = this.options.smooth ? this.settings.power : 0;
      const times = (values, by) => by === 1 ? values : values.map(v => known(v) ? v * by : null);
      const all = [curve.drawn(), ...(this.options.smooth ? [power ? curve.smooth(power) : {x: [], y: []}] : [])];
      return all.map(({x, y}) => ({x: times(x, xscale), y: times(y, scale)}));
    }
    // The raw curve and, where a chart can be smoothed, the smoothed one over it.
    _traces(line, colour) {
      const style = line.style(colour), power = this.options.smooth ? this.settings.power : 0;
      const plainTrace = {type: "scatter", mode: style.points ? "lines+markers" : "lines", name: plain(style.name), opacity: style.faint ? 0.45 : 1,
        line: {color: style.colour, width: style.width || 1.8, dash: style.dash}, marker: {size: 6, symbol: style.marker, color: style.colour},
        connectgaps: true, hovertemplate: "%{y:.4~g}", showlegend: style.legend !== false};
      const quiet = {...plainTrace, mode: "lines", opacity: style.faint ? 0.12 : 0.25, line: {...plainTrace.line, width: 1, dash: "solid"}, hoverinfo: "skip", hovertemplate: null, showlegend: false};
      const kinds = this.options.smooth ? [power ? quiet : plainTrace, {...plainTrace, visible: power > 0}] : [plainTrace];
      return this._values(line, colour).map((points, i) => ({...kinds[i], ...points}));
    }
    flush(Plotly) {
      this.busy = this.busy.then(() => this._flush(Plotly)).catch(error => console.debug("chart:", error));
      return this.busy;
    }
    async _flush(Plotly) {
      if (!this.seen || !this.node.isConnected || !this.node.clientWidth) return;
      const colour = look(this.node), all = [...this.lines.values()], fresh = all.filter(line => line.index === null);
      if (!this.drawn || this.emptied || fresh.length || this.restyled) {
        let index = 0;
        for (const line of all) { line.index = index; index += this.options.smooth ? 2 : 1; line.stale = false; }
        await this._whole(Plotly, colour, all);
      } else {
        const changed = all.filter(line => line.stale);
        if (!changed.length && !this.marksChanged) return;
        const x = [], y = [], at = [];
        for (const line of changed) {
          line.stale = false;
          this._values(line, colour).forEach((points, i) => { x.push(points.x); y.push(points.y); at.push(line.index + i); });
        }
        const marks = this.marksChanged || this.bands.length ? this._marks(colour, this.node.clientWidth) : {};
        for (const [name, ticks] of Object.entries(this._ticks())) marks["yaxis." + name] = ticks;
        if (at.length) await Plotly.update(this.node, {x, y}, marks, at); else await Plotly.relayout(this.node, marks);
      }
      this.emptied = this.restyled = this.rescaled = this.marksChanged = false;
      this.legendValues(null);
    }
    // Everything anew: the first time, for another set of curves, other colours or scales. Ranges stay.
    async _whole(Plotly, colour, all) {
      const next = {...layout(this.options, colour, this.settings.log), ...this._marks(colour, this.node.clientWidth)};
      const now = this.drawn ? this.node.layout : {};
      Object.assign(next.yaxis, this._ticks());
      if (now.xaxis) Object.assign(next.xaxis, {range: now.xaxis.range, autorange: now.xaxis.autorange});
      if (now.yaxis && !this.rescaled) Object.assign(next.yaxis, {range: now.yaxis.range, autorange: now.yaxis.autorange});
      const data = all.flatMap(line => this._traces(line, colour));
      await Plotly.react(this.node, data, next, {displaylogo: false, responsive: true, displayModeBar: false, doubleClick: "reset"});
      if (!this.drawn) this._listen();
      this.drawn = true;
      this._legend(colour, all);
    }
    _listen() {
      this.node.on("plotly_hover", event => this.on.hover?.(event.points[0].x));
      this.node.on("plotly_unhover", () => this.on.hover?.(null));
      this.node.on("plotly_relayout", change => {
        if (Object.keys(change).some(key => key.startsWith("xaxis."))) this.on.zoom?.(this.zoomed());
      });
    }
    // [from, to] of the x axis while a person has zoomed, else null.
    zoomed() {
      const axis = this.drawn && this.node.layout?.xaxis;
      return axis && axis.autorange === false && axis.range ? axis.range.map(Number) : null;
    }
    unzoom(Plotly) {
      if (!this.drawn) return Promise.resolve();
      return Plotly.relayout(this.node, {"xaxis.autorange": true, ...(this.options.range ? {"yaxis.range": this.options.range.slice()} : {"yaxis.autorange": true})});
    }
    // Colours come from CSS variables: ask them again.
    retheme(Plotly) { if (this.drawn) { this.restyled = true; return this.flush(Plotly); } return Promise.resolve(); }
    // The vertical line of the step a reader points at in any chart of the same x axis.
    point(x) {
      this.pointer ||= this.node.parentElement.appendChild(h("div", {class: "sr-pointer", hidden: true}));
      const full = this.drawn && this.node.layout, range = full?.xaxis?.range;
      const inside = x !== null && range && x >= range[0] && x <= range[1];
      this.pointer.hidden = !inside;
      if (inside) {
        const {l, r, t, b} = full.margin, width = this.node.clientWidth - l - r;
        this.pointer.style.cssText = `left:${(l + width * (x - range[0]) / (range[1] - range[0])).toFixed(1)}px;top:${t}px;bottom:${b}px`;
      }
      this.legendValues(x);
    }
    _legend(colour, all) {
      if (!this.legend) return;
      this.told = [];
      const entries = all.filter(line => line.style(colour).legend !== false);
      fill(this.legend, entries.map(line => {
        const style = line.style(colour), value = h("b", null, "");
        this.told.push({line, value, scale: style.scale || 1, xscale: style.xscale || 1});
        return h("li", {title: style.name}, sample(style.colour, style.dash), h("span", null, style.name), value);
      }));
    }
    // Beside each name its value at the step that is pointed at, else the newest.
    legendValues(x) {
      for (const {line, value, scale, xscale} of this.told || []) {
        const found = line.curve.at(x === null ? null : x / xscale), text = known(found) ? figure(found * scale) : "–";
        if (value.textContent !== text) value.textContent = text;
      }
    }
    // The chart on paper: light colours, title and legend in the picture.
    picture(Plotly, title) {
      const colour = look(this.node, true), all = [...this.lines.values()], width = 1000;
      const made = {...layout(this.options, colour, this.settings.log), ...this._marks(colour, width), paper_bgcolor: "#ffffff", plot_bgcolor: "#ffffff",
        title: {text: plain(title), x: 0.02, xanchor: "left", font: {size: 16, color: colour("--sr-ink")}}, showlegend: true,
        legend: {orientation: "h", y: -0.16, font: {color: colour("--sr-ink")}}, margin: {l: 60, r: 20, t: 60, b: 90}};
      Object.assign(made.yaxis, this._ticks());
      for (const axis of ["xaxis", "yaxis"]) {
        const now = this.node.layout?.[axis];
        if (now?.autorange === false) Object.assign(made[axis], {range: now.range, autorange: false});
      }
      return Plotly.toImage({data: all.flatMap(line => this._traces(line, colour)), layout: made}, {format: "png", width, height: 560, scale: 2});
    }
    purge() { this.watcher?.disconnect(); clearTimeout(this.later); if (this.drawn && window.Plotly) window.Plotly.purge(this.node); this.drawn = false; }
  }
  return {load, LiveChart};
})();
