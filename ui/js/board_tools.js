// Around the charts: the one toolbar, its choices (kept over a reload), and a chart as a picture or a table.
if (!window.StillroomTools) window.StillroomTools = (() => {
  const {h, fill} = window.Stillroom;
  const KEPT = "stillroom-charts", MOST = 10;
  const recall = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(KEPT)) || {};
      const power = Number.isInteger(kept.power) && kept.power >= 0 && kept.power <= MOST ? kept.power : 0;
      return {power, log: kept.log === true, whose: typeof kept.whose === "string" ? kept.whose : null};
    } catch { return {power: 0, log: false, whose: null}; }
  };
  const remember = choices => { try { localStorage.setItem(KEPT, JSON.stringify(choices)); } catch { /* a private window: kept while it is open */ } };

  class Toolbar {
    // told(choices): after a change; reset(): zoom back
    constructor(words, {told, reset}) {
      this.words = words; this.choices = recall(); this.told = told;
      const change = more => { Object.assign(this.choices, more); remember(this.choices); this._say(); told(this.choices); };
      this.whose = h("select", {id: "charts-whose", disabled: true, onchange: event => change({whose: event.target.value})});
      this.power = h("input", {id: "charts-smooth", type: "range", min: 0, max: MOST, step: 1, value: this.choices.power, oninput: event => change({power: Number(event.target.value)})});
      this.over = h("output", {for: "charts-smooth"});
      this.log = h("input", {id: "charts-log", type: "checkbox", onchange: event => change({log: event.target.checked})});
      this.log.checked = this.choices.log;
      this.node = h("div", {class: "sr-toolbar", role: "toolbar", "aria-label": words.label},
        h("label", null, h("span", null, words.whose), this.whose),
        h("label", null, h("span", null, words.smooth), this.power, this.over),
        h("label", null, this.log, h("span", null, words.log)),
        h("button", {type: "button", class: "sr-quiet", id: "charts-reset", onclick: reset}, words.reset));
      this._say();
    }
    _say() {
      const {power} = this.choices;
      const said = power ? this.words.over.replace("{points}", 2 ** power) : this.words.off;
      this.over.textContent = said; this.power.setAttribute("aria-valuetext", said);
    }
    // groups: [[value, words]] whose losses there are
    offer(groups, chosen) {
      fill(this.whose, groups.map(([value, said]) => h("option", {value, selected: value === chosen}, said)));
      this.whose.disabled = groups.length < 2;
    }
  }

  const save = (address, name) => { const link = h("a", {href: address, download: name}); document.body.append(link); link.click(); link.remove(); };
  const saveText = (text, name) => {
    const address = URL.createObjectURL(new Blob([text], {type: "text/csv"}));
    save(address, name);
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  };
  const slug = text => text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "run";
  return {Toolbar, save, saveText, slug};
})();
