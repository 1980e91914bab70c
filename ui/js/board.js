// The board: which curve of a run stands in which chart, the toolbar above, one pointer through all charts.
// A curve is {arm, seed, name, unit}; arm is main, no_teacher, uniform, teacher:NAME or device.
if (!window.StillroomBoard) window.StillroomBoard = (() => {
  const {h, fill, known, call, say} = window.Stillroom, {TEACHER, SOLID, DEVICE, Roles, loss: lossStyle} = window.StillroomRoles;
  const {LiveChart, load} = window.StillroomPlot, {Toolbar, save, saveText, slug} = window.StillroomTools;
  const TIME = ["use", "memory"], SMALL = ["kl", "weight", "disagreement"];
  const OPTIONS = {
    quality: {near: 1.5}, loss: {tozero: true, banded: true, log: true, smooth: true}, kl: {tozero: true, log: true, smooth: true},
    weight: {tozero: true, smooth: true}, disagreement: {tozero: true, smooth: true}, rate: {tozero: true, banded: true, log: true},
    speed: {tozero: true, smooth: true}, use: {range: [0, 100], smooth: true}, memory: {tozero: true},
  };
  const FINER_MS = 3000;

  class Board {
    // props: {plotly (address), losses {metric: words, in their order}, words (ui/text_charts.py)};
    // ask: {finer, csv (server functions), run (id)}
    constructor(root, props, ask) {
      Object.assign(this, {url: props.plotly, losses: props.losses, words: props.words, ask});
      this.roles = new Roles(this.words.arms); this.curves = new Map(); this.stages = []; this.seeds = new Map(); this.name = ask.run;
      this.toolbar = new Toolbar(this.words.toolbar, {told: () => this.chosen_(), reset: () => this.unzoom()});
      this.boxes = {}; this.charts = {};
      for (const [key, [title, unit]] of Object.entries(this.words.charts)) {
        this.boxes[key] = this._box(key, title, unit);
        const chart = this.charts[key] = new LiveChart(this.boxes[key].plot, {...OPTIONS[key], x: TIME.includes(key) ? this.words.minutes : this.words.steps});
        chart.legend = this.boxes[key].legend; chart.settings = {...this.toolbar.choices};
        chart.on = {hover: x => this.point(x, TIME.includes(key)), zoom: range => this.refineSoon(key, range), seen: () => this.flush().catch(() => {})};
      }
      fill(root, this.toolbar.node, Object.values(this.boxes).map(b => b.card));
      this.watcher = new MutationObserver(() => this.retheme());
      this.watcher.observe(document.body, {attributes: true, attributeFilter: ["class"]});
    }
    _box(key, title, unit) {
      const plot = h("div", {class: "sr-plot"}), legend = h("ul", {class: "sr-legend"}), note = h("p", {class: "sr-plot-empty"}, this.words.waiting);
      const name = h("span", null, title), said = h("span", {class: "sr-lost", role: "status"});
      const button = (what, work) => h("button", {type: "button", class: "sr-quiet", "data-save": what, onclick: () => work.call(this, key)},
        this.words.toolbar[what], h("span", {class: "sr-visually-hidden"}, " ", title));
      const head = h("div", {class: "sr-card-head"}, h("h3", null, name, " ", h("span", {class: "sr-muted"}, unit)),
        h("span", {class: "sr-saves"}, said, button("png", this.savePicture), button("csv", this.saveTable)));
      const size = SMALL.includes(key) ? " sr-chart-third" : "";
      const card = h("section", {class: "sr-card sr-chart" + size, "aria-label": title, "data-chart": key}, head, h("div", {class: "sr-plot-box"}, plot, note), legend);
      return {card, plot, note, legend, name, said};
    }
    all(work) { return Promise.all(Object.values(this.charts).map(work)); }
    withPlotly(work) { return load(this.url).then(work); }
    flush() { return this.withPlotly(P => this.all(c => c.flush(P))); }
    retheme() { this.withPlotly(P => this.all(c => c.retheme(P))).catch(() => {}); }
    unzoom() { this.withPlotly(P => this.all(c => c.unzoom(P))).catch(() => {}); }
    purge() { this.watcher.disconnect(); this.all(c => c.purge()); }
    reset() {
      this.curves.clear(); this.seeds.clear(); this.group = this.groups = null;
      this.all(c => c.clear());
      for (const b of Object.values(this.boxes)) { b.note.hidden = false; b.note.textContent = this.words.waiting; }
    }
    // What an empty chart says once nothing more will come.
    over(ended) {
      const {waiting, ended: over} = this.words, said = ended ? over : waiting;
      for (const {note} of Object.values(this.boxes)) if ([waiting, over].includes(note.textContent) && note.textContent !== said) note.textContent = said;
    }
    // What quality is called: accuracy, entity F1.
    metric(words) {
      const {name, card} = this.boxes.quality, title = say(this.words.validation, {metric: words});
      if (!words || name.textContent === title) return;
      name.textContent = title;
      card.setAttribute("aria-label", title);
    }
    teachers(list) {
      for (const t of list || []) this.roles.known(t.name);
      this.charts.quality.levels((list || []).filter(t => known(t.validation)).map(t => ({
        value: 100 * t.validation, text: t.name + " " + (100 * t.validation).toFixed(1), colour: this.roles.teacher(t.name).colour})));
    }
    // Stages of all trials: [{arm, seed, name, index, of, from_step}]; drawn for the arm whose losses are shown.
    phases(list) { this.stages = list || []; this.bands(); }
    bands() {
      const own = this.stages.filter(p => p.arm === this.group && p.of > 1), seed = own.length ? own[0].seed : null;
      const bands = own.filter(p => p.seed === seed).sort((a, b) => a.index - b.index).map(p => ({name: p.name, from: p.from_step}));
      for (const key of ["loss", "rate"]) this.charts[key].phases(bands);
    }

    // ---- curves and their places
    take(curves, points) {
      for (const about of curves) {
        const curve = new window.StillroomPoints.Curve(about);
        this.curves.set(about.id, curve);
        if (!this.seeds.has(about.arm)) this.seeds.set(about.arm, about.seed);
        if (about.arm.startsWith(TEACHER)) this.roles.known(about.arm.slice(TEACHER.length));
        this.place(curve);
      }
      for (const packed of points) {
        const curve = this.curves.get(packed[0]);
        if (!curve) continue;
        curve.take(packed);
        this.all(chart => chart.stale(curve));
      }
      if (points.length) this.missing();
    }
    place(curve) {
      const {arm, name} = curve, main = arm === "main", style = this.style(curve);
      if (arm === "device") return this.device(curve);
      if (name === "validation_quality") return this.put("quality", curve, colour => ({...style(colour), points: true, scale: 100}));
      if (name === "examples_per_second") return this.put("speed", curve, style);
      if (this.isLoss(curve) || name === "learning_rate") return this.join(curve);
      const part = /^(kl|weight)\/(.+)$/.exec(name);
      if (main && part) {
        this.roles.known(part[2]);
        const own = this.roles.teacher(part[2]);
        return this.put(part[1], curve, colour => ({...style(colour), ...own, name: part[2], colour: colour(own.colour)}));
      }
      if (main && name === "disagreement") this.put("disagreement", curve, colour => ({...style(colour), name: this.words.charts.disagreement[0], colour: colour("--sr-muted"), dash: SOLID, width: 1.8}));
    }
    isLoss({arm, name}) { return arm.startsWith(TEACHER) ? name === "loss" : name in this.losses; }
    style({arm, seed}) {
      const first = this.seeds.get(arm) === seed, role = this.roles.of(arm);
      return colour => ({name: this.roles.label(arm), ...role, colour: colour(role.colour), faint: !first, legend: first});
    }
    device(curve) {
      const role = DEVICE[curve.name], memory = curve.unit === "bytes";
      if (role) this.put(memory ? "memory" : "use", curve, colour => ({...role, name: this.words.device[curve.name], colour: colour(role.colour), width: 1.8,
        scale: memory ? 1e-9 : 100, xscale: 1 / 60}));
    }
    put(key, curve, style) {
      this.boxes[key].note.hidden = true;
      this.charts[key].show(curve.id, curve, style);
    }
    // A loss or a learning rate: shown while its group is the chosen one. The student's own come first by themselves.
    groupOf(curve) { return curve.arm.startsWith(TEACHER) ? "teachers" : curve.arm; }
    join(curve) {
      const group = this.groupOf(curve), wanted = this.toolbar.choices.whose;
      const groups = ["teachers", ...Object.keys(this.words.arms)].filter(g => g === group || [...this.curves.values()].some(c => this.groupOf(c) === g && (this.isLoss(c) || c.name === "learning_rate")));
      const best = groups.includes(wanted) ? wanted : groups.includes("main") ? "main" : groups[0];
      if (best !== this.group || groups.length !== this.groups?.length) {
        this.groups = groups;
        this.toolbar.offer(groups.map(g => [g, g === "teachers" ? this.words.toolbar.teachers : this.words.arms[g]]), best);
      }
      if (best !== this.group) this.choose(best); else if (group === best) this.draw(curve);
    }
    choose(group) {
      this.group = group;
      for (const key of ["loss", "rate"]) this.charts[key].clear();
      for (const curve of this.curves.values()) if (this.groupOf(curve) === group) this.draw(curve);
      this.bands();
    }
    draw(curve) {
      const style = this.style(curve), names = Object.keys(this.losses);
      if (curve.name === "learning_rate") return this.put("rate", curve, style);
      if (!this.isLoss(curve)) return;
      if (curve.arm.startsWith(TEACHER)) return this.put("loss", curve, style);
      const own = lossStyle(curve.name, names.indexOf(curve.name) - 1);
      this.put("loss", curve, colour => ({...style(colour), ...own, name: this.losses[curve.name], colour: colour(own.colour)}));
    }
    // What a run that trains its student will never bring is said instead of being waited for.
    missing() {
      const trained = [...this.curves.values()].some(c => c.arm === "main" && c.name === "loss_total" && c.count > 1);
      if (!trained) return;
      const all = [...this.curves.values()], has = pattern => all.some(c => c.arm === "main" && pattern.test(c.name));
      const say = (key, words) => { if (!this.boxes[key].note.hidden) this.boxes[key].note.textContent = words; };
      const {weight, disagreement} = this.words.missing;
      if (!has(/^kl\//)) { say("kl", weight); say("weight", weight); }
      if (!has(/^disagreement$/)) say("disagreement", disagreement);
    }

    // ---- what a reader does
    chosen_() {
      const {whose} = this.toolbar.choices;
      if (whose && whose !== this.group && this.groups?.includes(whose)) this.choose(whose);
      for (const chart of Object.values(this.charts)) chart.set({...this.toolbar.choices});
      this.flush().catch(() => {});
    }
    point(x, time) {
      this.pointed = {x, time};
      if (this.pointing) return;
      this.pointing = requestAnimationFrame(() => {
        this.pointing = null;
        for (const [key, chart] of Object.entries(this.charts)) if (TIME.includes(key) === this.pointed.time) chart.point(this.pointed.x);
      });
    }
    // A zoomed chart asks for the points that thinning has left out of what it shows.
    refineSoon(key, range) {
      const chart = this.charts[key];
      clearTimeout(chart.later);
      chart.later = setTimeout(() => this.refine(key, range).catch(error => console.debug("finer:", error)), 150);
    }
    async refine(key, range) {
      const chart = this.charts[key], lines = [...chart.lines.values()], scale = TIME.includes(key) ? 60 : 1;
      const thinned = lines.filter(({curve}) => curve.level > 0);
      if (!range) { for (const {curve} of lines) if (curve.detail) { curve.refine(null); chart.stale(curve); } }
      else if (thinned.length) {
        const answer = await call(this.ask.finer, {run: this.ask.run, curves: thinned.map(({curve}) => curve.id), first: Math.floor(range[0] * scale), last: Math.ceil(range[1] * scale)});
        for (const packed of answer.points || []) {
          const curve = this.curves.get(packed[0]);
          if (curve) { curve.refine(packed); chart.stale(curve); }
        }
      }
      chart.refined = performance.now();
      await this.flush();
    }
    // While new points come into a zoomed view, it is refined again now and then.
    refresh() {
      for (const [key, chart] of Object.entries(this.charts)) {
        const range = chart.zoomed(), scale = TIME.includes(key) ? 60 : 1;
        if (range && range[1] * scale >= chart.end() && performance.now() - (chart.refined || 0) > FINER_MS) { chart.refined = performance.now(); this.refineSoon(key, range); }
      }
    }
    async saveAs(key, work) {
      const {said} = this.boxes[key];
      said.textContent = "";
      try { await work(slug(this.name) + "-" + key); } catch (error) { console.debug("save:", error); said.textContent = this.words.toolbar.failed; }
    }
    savePicture(key) {
      const title = this.boxes[key].name.textContent + (this.words.charts[key][1] ? ", " + this.words.charts[key][1] : "") + " – " + this.name;
      return this.saveAs(key, async name => save(await this.withPlotly(P => this.charts[key].picture(P, title)), name + ".png"));
    }
    // All points the server has, not only those drawn.
    saveTable(key) {
      const curves = [...this.charts[key].lines.values()].map(({curve}) => [curve.arm, curve.seed, curve.name]);
      return this.saveAs(key, async name => {
        const answer = await call(this.ask.csv, {run: this.ask.run, curves});
        if (typeof answer.csv !== "string") throw new Error(answer.error || "no-table");
        saveText(answer.csv, name + ".csv");
      });
    }
  }
  return {Board};
})();
