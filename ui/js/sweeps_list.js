// Sweeps on the Runs page, asked again every five seconds; their archive and their trash.
(() => {
  const S = window.Stillroom, {h, fill, say} = S, W = props.words, $ = id => element.querySelector("#" + id);
  let last = "", rows = [], deleted = [];
  const one = s => h("li", {"data-sweep": s.id}, S.pill(s.status), h("a", {href: S.address("sweep", s.id)}, s.name), s.archived ? h("span", {class: "sr-tag"}, W.archived) : null,
    h("span", {class: "sr-muted"}, [S.known(s.of) ? say(W.of, s) : say(W.tried, s), S.known(s.best) ? say(W.best, {value: S.percent(s.best), metric: s.metric_words}) : null].filter(Boolean).join(" · ")),
    h("span", {class: "sr-muted sr-small"}, s.fields.join(", ")), h("span", {class: "sr-muted sr-when", title: S.stamp(s.created)}, S.ago(s.created)));
  const trash = S.trash({said: () => $("sweeps-said"), box: () => $("sweeps-trash"), count: () => $("sweeps-trash-count"), list: () => $("sweeps-trash-list")}, W,
    {asked: "deleted-sweep", restore: row => server.restore({sweep: row.id}), lost: () => { $("sweeps-said").textContent = W.lost; }, again: () => poll.again()});
  const draw = () => {
    const all = $("sweeps-archived").checked, key = JSON.stringify([rows, deleted, all, Math.floor(Date.now() / 60000)]);
    if (key === last) return;
    last = key;
    const shown = rows.filter(s => all || !s.archived);
    $("sweeps-filter").hidden = !rows.some(s => s.archived);
    fill($("sweeps-list"), shown.length ? h("ul", {class: "sr-last"}, shown.map(one)) : h("p", {class: "sr-muted sr-small"}, rows.length ? W.all_archived : W.none));
    trash(deleted);
  };
  const poll = S.poll(element, 5, async () => {
    const answer = await S.call(server.sweeps, {});
    $("sweeps").hidden = !answer.sweeps;
    if (!answer.sweeps) return false;
    ({sweeps: rows, deleted} = answer);
    draw();
    return true;
  }, () => {});
  $("sweeps-archived").addEventListener("change", draw);
})();
