// A search of the Hub: asks when Search is pressed, shows what was found, tells the page which one is used.
(() => {
  const S = window.Stillroom, {h, fill, known, say} = S, W = props.words, $ = s => element.querySelector(s);
  const said = $("[data-said]"), list = $("ul"), input = $("input"), button = $("button");
  let asked = 0;
  const row = r => h("li", null,
    h("span", {class: "sr-hub-name"}, r.name),
    h("span", {class: "sr-muted sr-small"}, [
      say(W.downloads, {count: S.count(r.downloads)}), known(r.parameters) ? say(W.parameters, {count: S.count(r.parameters)}) : null,
      r.task, r.licence ? say(W.licence, {name: r.licence}) : W.no_licence, r.gated ? W.gated : null].filter(Boolean).join(" · ")),
    h("button", {type: "button", class: "sr-quiet", "aria-label": W.use + " " + r.name, onclick: () => use(r)}, W.use));
  // A checkpoint is used at once; a data set brings its configurations first.
  const use = async r => {
    if (!server.configurations) { said.textContent = say(W.used, r); return trigger("chosen", {name: r.name}); }
    const answer = await ask(server.configurations, {name: r.name});
    if (!answer) return;
    if (answer.error) { said.textContent = answer.error; return; }
    if (answer.found.length < 2) return take(r.name, answer.found[0]);
    said.textContent = say(W.splits, r);
    fill(list, answer.found.map(c => h("li", null, h("span", {class: "sr-hub-name"}, c.name),
      h("span", {class: "sr-muted sr-small"}, Object.entries(c.splits).map(([split, count]) => known(count) ? say(W.rows, {split, count: count.toLocaleString("en")}) : split).join(" · ")),
      h("button", {type: "button", class: "sr-quiet", "aria-label": W.use + " " + c.name, onclick: () => take(r.name, c)}, W.use))));
  };
  const take = (name, c) => {
    said.textContent = !c ? say(W.splits_unknown, {name}) : c.name === "default" ? say(W.used, {name}) : say(W.configured, {name, config: c.name});
    trigger("chosen", {name, config: c ? c.name : "", splits: c ? Object.keys(c.splits) : [], columns: c ? c.columns : {}});
  };
  const ask = async (fn, request) => {
    const mine = ++asked;
    said.textContent = W.asking;
    button.disabled = true;
    let answer;
    try { answer = await S.call(fn, request); } catch { answer = {error: W.lost}; }
    if (mine !== asked) return null;
    button.disabled = false;
    return answer;
  };
  $("form").addEventListener("submit", async event => {
    event.preventDefault();
    event.stopPropagation();
    const text = input.value.trim();
    if (!text) return;
    const answer = await ask(server.search, {text});
    if (!answer) return;
    said.textContent = answer.error || (answer.found.length ? "" : W.none);
    fill(list, (answer.found || []).map(row));
  });
})();
