// Sweeps on the Runs page, asked again every five seconds; their archive and their trash.
(() => {
  const S = window.Stillroom, {h, fill, say} = S, W = props.words, $ = id => element.querySelector("#" + id);
  let last = "", rows = [], deleted = [], told = false;
  const one = s => h("li", {"data-sweep": s.id}, S.pill(s.status), h("a", {href: S.address("sweep", s.id)}, s.name), s.archived ? h("span", {class: "sr-tag"}, W.archived) : null,
    h("span", {class: "sr-muted"}, [S.known(s.of) ? say(W.of, s) : say(W.tried, s), S.known(s.best) ? say(W.best, {value: S.percent(s.best), metric: s.metric_words}) : null].filter(Boolean).join(" · ")),
    h("span", {class: "sr-muted sr-small"}, s.fields.join(", ")), h("span", {class: "sr-muted sr-when", title: S.stamp(s.created)}, S.ago(s.created)));
  const back = (row, label) => h("button", {type: "button", class: "sr-quiet", onclick: async event => {
    event.currentTarget.disabled = true;
    try {
      const answer = await S.call(server.restore, {sweep: row.id});
      $("sweeps-said").textContent = answer.error || say(W.restored, row);
    } catch { $("sweeps-said").textContent = W.lost; }
    poll.again();
  }}, label);
  const trash = () => {
    $("sweeps-trash").hidden = !deleted.length;
    $("sweeps-trash-count").textContent = String(deleted.length);
    fill($("sweeps-trash-list"), deleted.map(row => h("li", null, h("span", null, row.name), h("span", {class: "sr-muted"}, S.bytes(row.bytes)),
      back(row, W.restore), h("span", {class: "sr-muted sr-when", title: S.stamp(row.deleted)}, S.ago(row.deleted)))));
    // Come here from a sweep that was just deleted: taking it back is one press.
    const row = !told && deleted.find(entry => entry.id === new URLSearchParams(location.search).get("deleted-sweep"));
    if (!row) return;
    told = true;
    fill($("sweeps-said"), say(W.was_deleted, row) + " ", back(row, W.undo));
    $("sweeps-said").scrollIntoView({block: "center"});
  };
  const draw = () => {
    const all = $("sweeps-archived").checked, key = JSON.stringify([rows, deleted, all, Math.floor(Date.now() / 60000)]);
    if (key === last) return;
    last = key;
    const shown = rows.filter(s => all || !s.archived);
    $("sweeps-filter").hidden = !rows.some(s => s.archived);
    fill($("sweeps-list"), shown.length ? h("ul", {class: "sr-last"}, shown.map(one)) : h("p", {class: "sr-muted sr-small"}, rows.length ? W.all_archived : W.none));
    trash();
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
