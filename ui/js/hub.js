// A search of the Hub: asks when Search is pressed, shows what was found, tells the page which one is used.
(() => {
  const S = window.Stillroom, {h, fill, known} = S, W = props.words, $ = s => element.querySelector(s);
  const say = (template, values) => template.replace(/\{(\w+)\}/g, (_, key) => values[key]);
  const said = $("[data-said]"), list = $("ul"), input = $("input"), button = $("button");
  let asked = 0;
  const row = r => h("li", null,
    h("span", {class: "sr-hub-name"}, r.name),
    h("span", {class: "sr-muted sr-small"}, [
      say(W.downloads, {count: S.count(r.downloads)}), known(r.parameters) ? say(W.parameters, {count: S.count(r.parameters)}) : null,
      r.task, r.licence ? say(W.licence, {name: r.licence}) : W.no_licence, r.gated ? W.gated : null].filter(Boolean).join(" · ")),
    h("button", {type: "button", class: "sr-quiet", "aria-label": W.use + " " + r.name, onclick: () => {
      said.textContent = say(W.used, r);
      trigger("chosen", {name: r.name});
    }}, W.use));
  $("form").addEventListener("submit", async event => {
    event.preventDefault();
    event.stopPropagation();
    const text = input.value.trim(), mine = ++asked;
    if (!text) return;
    said.textContent = W.asking;
    button.disabled = true;
    let answer;
    try { answer = await S.call(server.search, {text}); } catch { answer = {error: W.lost}; }
    if (mine !== asked) return;
    button.disabled = false;
    said.textContent = answer.error || (answer.found.length ? "" : W.none);
    fill(list, (answer.found || []).map(row));
  });
})();
