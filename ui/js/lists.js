// Lists of runs (Home and Runs), asked again every three seconds; a row opens its run. Runs also has a search, the archive
// and the trash.
(() => {
  const S = window.Stillroom, {h, fill, say} = S, full = props.full, W = props.words, $ = id => element.querySelector("#" + id);
  const root = element.querySelector(".sr-list"), lost = element.querySelector(".sr-lost");
  let last = "";
  const doing = r => r.status === "running" ? (r.stage || W.starting) + (S.known(r.share) ? " " + Math.floor(100 * r.share) + "%" : "") : "";
  // Runs ticked for Compare; only finished ones can be.
  const ticked = new Set();
  const tick = r => !full || r.status !== "done" ? null : h("label", {class: "sr-pick"}, h("input", {type: "checkbox", checked: ticked.has(r.id), "data-run": r.id,
    "aria-label": say(W.pick, r), onchange: event => { ticked[event.target.checked ? "add" : "delete"](r.id); tickable(); }}));
  const tickable = () => {
    for (const id of [...ticked]) if (!rows.some(r => r.id === id)) ticked.delete(id);
    $("runs-compare").disabled = ticked.size < 2;
  };
  const link = r => h("a", {href: S.address("run", r.id)}, r.name);
  const tags = r => [...(r.tags || []), ...(r.archived ? [W.archived] : [])].map(tag => h("span", {class: "sr-tag"}, tag));
  const facts = r => [S.known(r.compression) ? say(W.smaller, {times: S.times(r.compression)}) : null, S.known(r.speedup) ? say(r.speedup >= 1 ? W.faster : W.slower, {times: S.times(r.speedup)}) : null,
    S.known(r.quality_kept) ? say(W.keeps, {share: S.percent(r.quality_kept)}) : null].filter(Boolean).join(" · ");
  const short = r => h("li", null, S.pill(r.status), link(r), h("span", {class: "sr-muted"}, r.status === "done" ? facts(r) : doing(r)),
    h("span", {class: "sr-muted sr-when", title: S.stamp(r.created)}, S.ago(r.created)));
  const C = W.columns, cell = (key, value, extra) => h("td", {"data-name": C[key][0], ...extra}, value);
  const num = (key, value, extra) => cell(key, value, {class: "sr-num", ...extra});
  const long = r => h("tr", {onclick: event => { if (!event.target.closest("a, label")) location.assign(new URL(S.address("run", r.id), document.baseURI)); }},
    h("th", {scope: "row"}, tick(r), link(r), tags(r)), h("td", null, S.pill(r.status), " ", h("span", {class: "sr-muted"}, doing(r))), cell("data", r.data || S.DASH),
    cell("teachers", (r.teachers || []).join(", ") || S.DASH), cell("student", r.student || S.DASH), num("kept", S.percent(r.quality_kept)),
    num("compression", S.times(r.compression)), num("speedup", S.times(r.speedup)), num("when", S.ago(r.created), {title: S.stamp(r.created)}));
  const empty = () => h("div", {class: "sr-empty"}, h("p", null, full ? W.none : W.none_here),
    h("p", {class: "sr-muted"}, W.what_a_run_is, " ", full ? begin() : W.demo_takes));
  const begin = () => {
    const [before, home, or, own, end] = W.begin;
    return h("span", null, before, " ", h("a", {href: "?"}, home), or, " ", h("a", {href: "?view=new"}, own), end);
  };
  const filtered = rows => {
    if (!full) return rows;
    const wanted = $("runs-search").value.trim().toLowerCase(), all = $("runs-archived").checked;
    return rows.filter(r => (all || !r.archived) && [r.name, ...(r.tags || [])].some(word => word.toLowerCase().includes(wanted)));
  };
  let rows = [], deleted = [];
  const draw = () => {
    const chosen = filtered(rows), key = JSON.stringify([chosen, rows.length, Math.floor(Date.now() / 60000)]);
    if (full) trash(deleted);
    if (key === last) return;
    last = key;
    if (full) { $("runs-filter").hidden = !rows.length; tickable(); }
    if (!rows.length) return fill(root, empty());
    if (!chosen.length) return fill(root, h("p", {class: "sr-muted sr-empty"}, W.no_match));
    fill(root, full ? h("div", {class: "sr-scroll"}, h("table", {class: "sr-table sr-runs"}, h("caption", {class: "sr-visually-hidden"}, W.all),
      h("thead", null, h("tr", null, Object.values(C).map(([t, tip], i) => h("th", {scope: "col", title: tip || null, class: i > 4 ? "sr-num" : null}, t)))), h("tbody", null, chosen.map(long))))
      : h("ul", {class: "sr-last"}, chosen.map(short)));
  };
  // ---- the trash
  const trash = S.trash({said: () => $("runs-said"), box: () => $("runs-trash"), count: () => $("trash-count"), list: () => $("trash-list")}, W,
    {asked: "deleted", restore: row => server.restore({run: row.id}), lost: () => { $("runs-said").textContent = ""; lost.hidden = false; }, again: () => again()});
  const machine = () => {
    const node = element.querySelector("#home-machine");
    if (node && window.StillroomMachine) node.textContent = window.StillroomMachine;
    return !node || Boolean(window.StillroomMachine);
  };
  const soon = setInterval(() => { if (machine() || !element.isConnected) clearInterval(soon); }, 200);
  const list = S.poll(element, 3, async () => {
    machine();
    ({runs: rows, deleted} = await S.call(server.runs, {full}));
    draw();
    return true;
  }, on => { lost.hidden = !on; });
  const again = () => list.again();
  if (full) $("runs-compare").addEventListener("click", () => location.assign(new URL("?view=compare&runs=" + [...ticked].map(encodeURIComponent).join(","), document.baseURI)));
  if (full) { $("runs-search").addEventListener("input", draw); $("runs-archived").addEventListener("change", draw); }
})();
