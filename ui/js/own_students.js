// Students of finished runs: asked for whenever the list is opened; one press makes one a teacher.
(() => {
  const S = window.Stillroom, {h, fill, known, say} = S, W = props.words, $ = s => element.querySelector(s);
  const said = $("[data-said]"), list = $("ul"), box = $("details");
  const row = r => h("li", null,
    h("span", {class: "sr-hub-name"}, r.name),
    h("span", {class: "sr-muted sr-small"}, [r.student, known(r.quality_kept) ? say(W.kept, {share: S.percent(r.quality_kept)}) : null, S.ago(r.created)]
      .filter(Boolean).join(" · ")),
    h("button", {type: "button", class: "sr-quiet", "aria-label": W.use + " " + r.name,
      onclick: () => { said.textContent = say(W.used, r); trigger("chosen", {name: r.source}); }}, W.use));
  box.addEventListener("toggle", async () => {
    if (!box.open) return;
    let answer;
    try { answer = await S.call(server.students, {}); } catch { answer = {error: W.lost}; }
    said.textContent = answer.error || (answer.found.length ? "" : W.none);
    fill(list, (answer.found || []).map(row));
  });
})();
