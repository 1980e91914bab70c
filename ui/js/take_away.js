// Taking the student away: a card for each format with what was measured, then the model card and the Hub.
window.StillroomTakeAway = ({element, server, run, words: W}) => {
  const S = window.Stillroom, {h, fill, known, say} = S, $ = id => element.querySelector("#" + id);
  const said = message => { $("take-said").textContent = message || ""; };
  let rows = [], drawn = "", poll = null, cardOf = null;

  const ask = async (fn, request) => {
    try {
      const answer = await S.call(fn, {run, ...request});
      said(answer.error);
      if (answer.rows) take(answer.rows);
      return answer.error ? null : answer;
    } catch { said(W.lost_app); return null; }
  };
  const busy = () => rows.some(r => r.state === "building" || (r.push || {}).state === "pushing");

  // ---- one format
  const fact = (name, value, more) => [h("dt", null, name), h("dd", null, value, more ? h("span", {class: "sr-muted"}, " ", more) : null)];
  const lost = f => Math.abs(f.lost_points) < 0.005 ? W.kept : f.lost_points > 0 ? say(W.lost, {points: f.lost_points.toFixed(2)}) : say(W.gained, {points: (-f.lost_points).toFixed(2)});
  const faster = (f, row) => !known(row.speedup) ? null
    : say(row.speedup >= 1 ? W.speedup : W.slower, {times: S.times(row.speedup), teacher: f.teacher});
  // The two batch sizes everybody is told; a run's own others stand in the folder.
  const shown = f => (f.latency || []).filter(row => row.batch === 1 || row.batch === 32);
  const facts = f => h("dl", {class: "sr-take-facts"},
    fact(say(W.quality, {metric: f.metric_words}), S.percent(f.quality.export, 2), lost(f)),
    fact(W.agreement, S.percent(f.agreement, 2)),
    fact(W.size, S.bytes(f.bytes.export)),
    shown(f).map(row => fact(say(W.latency, row), S.ms(row.student_ms.p50) + " ms", faster(f, row))));
  const how = f => {
    const one = shown(f)[0], p = f.protocol || {};
    return h("details", {class: "sr-how"}, h("summary", null, W.how), h("p", null, say(W.rows, {rows: f.rows.toLocaleString("en")})),
      one ? h("p", null, say(W.protocol, {...one, device: (f.device || {}).device_name || "CPU", repeats: p.repeats,
        torch: shown(f).map(row => S.ms(row.student_torch_ms.p50) + " ms").join(", ")})) : null,
      f.teacher ? h("p", null, say(W.same_runtime, f)) : null);
  };
  const button = (label, main, press) => {
    const node = h("button", {type: "button", class: "sr-button" + (main ? " sr-button-main" : "")}, label);
    node.addEventListener("click", () => press(node));
    return node;
  };
  const build = r => () => ask(server.build_export, {format: r.format, allow_loss: $("take-loss").valueAsNumber,
    teacher: $("take-teacher").checked, licence: $("take-licence").value});
  const cancel = r => node => { node.disabled = true; node.textContent = W.cancelling; return ask(server.cancel_export, {format: r.format}); };
  const download = r => async node => {
    node.disabled = true; node.textContent = W.packing;
    const answer = await ask(server.export_file, {format: r.format});
    node.disabled = false; node.textContent = W.download;
    if (!answer) return;
    const link = h("a", {href: new URL(answer.file, document.baseURI), download: answer.name});
    document.body.append(link); link.click(); link.remove();
  };
  const card = r => {
    const f = r.figures && r.figures.quality ? r.figures : null, wrong = r.error;
    return h("article", {class: "sr-card", "data-format": r.format, "data-state": r.state},
      h("div", {class: "sr-card-head"}, h("h3", null, r.title), h("span", {class: "sr-pill sr-take-" + r.state, role: "status"}, W[r.state])),
      h("p", {class: "sr-muted sr-small"}, W.about[r.format]),
      r.state === "building" ? h("p", {class: "sr-note"}, r.note + " …") : null,
      wrong ? h("div", {class: "sr-take-refusal"}, h("p", null, wrong.message), wrong.hint ? h("p", {class: "sr-muted"}, wrong.hint) : null) : null,
      f && r.state !== "building" ? [facts(f), f.library === "stillroom" ? h("p", {class: "sr-muted sr-small"}, W.needs_us) : null, how(f)] : null,
      h("div", {class: "sr-buttons"},
        r.state === "ready" ? button(W.download, true, download(r)) : null,
        r.state === "building" ? button(W.cancel, false, cancel(r)) : button(r.state === "none" ? W.build : W.again, false, build(r))));
  };

  // ---- all of them
  const take = fresh => {
    rows = fresh;
    const key = JSON.stringify(rows.map(({at, ...rest}) => rest));
    if (key === drawn) return;
    const open = new Set([...element.querySelectorAll("#take-formats article")].filter(a => a.querySelector(".sr-how[open]")).map(a => a.dataset.format));
    const focused = document.activeElement?.closest?.("#take-formats article")?.dataset.format;
    drawn = key;
    element.dispatchEvent(new CustomEvent("exports", {detail: rows}));
    fill($("take-formats"), rows.map(card));
    for (const node of element.querySelectorAll("#take-formats article")) {
      if (open.has(node.dataset.format)) { const part = node.querySelector(".sr-how"); if (part) part.open = true; }
      if (node.dataset.format === focused) node.querySelector("button")?.focus({preventScroll: true});
    }
    const ready = rows.filter(r => r.state === "ready");
    for (const id of ["card-format", "push-format"]) {
      const select = $(id), before = select.value, list = ready.map(r => r.format).join();
      if (select.dataset.list !== list) {
        select.dataset.list = list;
        fill(select, ready.map(r => h("option", {value: r.format}, r.title)));
        if (ready.some(r => r.format === before)) select.value = before;
      }
      select.disabled = !ready.length;
    }
    $("push-go").disabled = !ready.length;
    preview();
    pushed();
    if (busy()) poll?.again();
  };

  // ---- the model card
  const preview = async () => {
    if (!$("take-card").open) return;
    const format = $("card-format").value, row = rows.find(r => r.format === format);
    if (!row) { cardOf = null; $("card-text").textContent = W.no_card; return; }
    const key = format + row.at;
    if (cardOf === key) return;
    cardOf = key;
    const answer = await ask(server.export_card, {format});
    if (answer && cardOf === key) $("card-text").textContent = answer.card;
  };
  $("take-card").addEventListener("toggle", preview);
  $("card-format").addEventListener("change", preview);

  // ---- the Hub: the token is sent with the press and then gone from the page
  const pushed = () => {
    const row = rows.find(r => r.format === $("push-format").value), push = (row || {}).push, box = $("push-said");
    if (!row) return fill(box, W.no_card);
    if (!push) return fill(box);
    $("push-go").disabled = push.state === "pushing";
    if (push.state === "pushed") fill(box, W.pushed, h("a", {href: push.url, target: "_blank", rel: "noreferrer"}, push.url));
    else fill(box, push.state === "pushing" ? W.pushing : h("span", {class: "sr-lost"}, [push.error, push.hint].filter(Boolean).join(" ")));
  };
  $("push-go").textContent = W.push;
  $("push-format").addEventListener("change", pushed);
  $("push-form").addEventListener("submit", async event => {
    event.preventDefault();
    const token = $("push-token").value;
    $("push-token").value = "";
    const given = {format: $("push-format").value, repository: $("push-name").value, token, private: $("push-private").checked};
    const answer = await ask(server.push_export, given);
    if (!answer) { $("push-said").textContent = $("take-said").textContent; said(""); }
  });

  const show = on => { for (const id of ["take-head", "take-section"]) $(id).hidden = !on; };
  return {
    // The run is done: show what there is, and ask again while something is made.
    done: () => {
      show(true);
      if (poll) return poll.again();
      poll = S.poll(element, 1, async () => {
        const answer = await S.call(server.exports, {run});
        if (answer.rows) take(answer.rows); else said(answer.error);
        return busy();
      }, lostNow => said(lostNow ? W.lost_app : ""));
    },
    hide: () => show(false),
    stop: () => poll?.stop(),
  };
};
