// The page of a sweep: asks once a second what is new, until it rests; stop, go on and promote are calls of the same kind.
(() => {
  const S = window.Stillroom, {h, fill, known, say} = S, W = props.words, $ = id => element.querySelector("#" + id);
  const C = window.StillroomSweepChart, L = window.StillroomSweepCurves, T = window.StillroomSweepTables, {load} = window.StillroomPlot, RESTS = ["stopped", "interrupted", "failed", "done"];
  const sweep = new URLSearchParams(location.search).get("sweep");
  if (!sweep) return;
  const trials = new Map(), curves = new Map(), sorted = {key: "number", down: false};
  let cursor = 0, view = null, cost = null, drawn = "", listed = "", lines = "", picked = null, asked = null;
  const text = (id, value) => { const node = $(id); if (node.textContent !== value) node.textContent = value; };
  const list = () => [...trials.values()].sort((a, b) => a.number - b.number);
  const said = message => text("sweep-said", message);
  const actions = window.StillroomSweepActions({element, server, sweep, words: W, said, open: url => location.assign(url), again: () => poll.again()});

  const note = s => {
    if (s.status === "queued") return s.tried || view.trials.length ? W.gave_way : W.queued;
    if (s.status === "stopping") return W.stopping;
    if (s.status === "stopped") return W.stopped;
    if (s.status === "done") return W.why[s.why] || "";
    if (s.status !== "running") return "";
    if (!s.now) return trials.size ? "" : W.starting;
    const told = {number: s.now.number, note: s.now.note || W.getting_ready, share: known(s.now.share) ? S.percent(s.now.share, 0) : ""};
    return say(told.share ? W.now_share : W.now, told) + (s.tried ? "" : " · " + W.first);
  };
  const head = s => {
    document.title = say(W.title, s);
    text("sweep-name", s.name);
    $("sweep-status").className = "sr-pill sr-" + s.status; text("sweep-status", s.status);
    text("sweep-tried", known(s.of) ? say(W.of, s) : say(W.tried, s));
    const beside = [known(s.left) && s.left > 0 ? say(W.left, {time: S.duration(s.left)}) : null, known(s.minutes) ? say(W.minutes, s) : null, s.seconds ? say(W.work, {time: S.duration(s.seconds)}) : null];
    text("sweep-left", beside.filter(Boolean).join(" · "));
    const share = s.status === "done" ? 1 : known(s.of) ? s.tried / s.of : known(s.minutes) ? Math.min(1, s.seconds / (60 * s.minutes)) : 0;
    $("sweep-bar").style.width = (100 * share).toFixed(1) + "%"; $("sweep-bar").parentElement.setAttribute("aria-valuenow", Math.round(100 * share));
    text("sweep-note", note(s));
    $("stop-sweep").hidden = !["queued", "running", "stopping"].includes(s.status); $("stop-sweep").disabled = s.status === "stopping" || asked !== null;
    $("resume-sweep").hidden = !["stopped", "interrupted", "failed"].includes(s.status); $("resume-sweep").disabled = asked !== null;
    actions.head(s);
    const box = $("sweep-error");
    box.hidden = !s.error;
    if (s.error) fill(box, h("h3", null, W[s.status] || ""), h("p", null, s.error.message), s.error.hint ? h("p", {class: "sr-muted"}, s.error.hint) : null);
  };
  const find = number => {
    picked = number; learning().catch(error => console.debug("sweep:", error));
    const row = element.querySelector(`[data-trial="${number}"]`);
    if (!row) return;
    row.scrollIntoView({behavior: "smooth", block: "center"});
    row.classList.remove("sr-found"); void row.offsetWidth; row.classList.add("sr-found");
  };
  const legend = () => fill($("sweep-legend"), (cost ? [["sr-mark-circle sr-s", W.on_front], ["sr-mark-line", W.front_line], ["", W.off_front]] : [["sr-mark-best sr-s", W.best_line], view.sweep.prune ? ["sr-mark-early", "× " + W.ended_early] : null])
    .filter(Boolean).map(([css, words]) => h("li", {class: css ? null : "sr-muted"}, css ? h("span", {class: css}) : null, words)));
  const chooser = costs => fill($("sweep-costs"), costs.length < 2 ? [] : h("span", {class: "sr-segments-small"}, costs.map(c => h("label", null,
    h("input", {type: "radio", name: "sweep-cost", value: c, checked: c === cost, onchange: () => { cost = c; drawn = ""; charts(); }}), " " + W.costs[c]))));
  const charts = async () => {
    const all = list(), done = all.filter(t => t.state === "done"), early = all.filter(t => t.state === "pruned"), costs = Object.keys(view.fronts);
    if (!costs.includes(cost)) { cost = costs[0] || null; chooser(costs); }
    const metric = view.sweep.metric_words, key = JSON.stringify([all.map(t => [t.number, t.state]), cost, view.fronts, document.body.className]);
    if (key === drawn) return;
    drawn = key;
    text("sweep-front-title", cost ? say(W.front, {metric, cost: W.costs[cost].toLowerCase()}) : W.best);
    const some = done.length + (cost ? 0 : early.length) > 0;
    $("sweep-front-empty").hidden = some; text("sweep-front-empty", W.no_points);
    $("sweep-parallel-empty").hidden = done.length + early.length > 0; text("sweep-parallel-empty", W.no_lines);
    legend();
    fill($("sweep-importance"), T.importance(view, props.fewest, W));
    const Plotly = await load(props.plotly);
    if (some) await (cost ? C.front(Plotly, $("sweep-front"), view, all, cost, W, find) : C.best(Plotly, $("sweep-front"), view, all, W, find));
    if (done.length + early.length) await C.parallel(Plotly, $("sweep-parallel"), view, all, W, find);
  };
  const learning = async () => {
    const all = list(), key = JSON.stringify([all.map(t => [t.number, t.state, (curves.get(t.number) || []).at(-1)]), view.best, picked, document.body.className]);
    if (key === lines) return;
    lines = key;
    const some = all.some(t => (curves.get(t.number) || []).length);
    $("sweep-curves-empty").hidden = some;
    if (some) await L.draw(await load(props.plotly), $("sweep-curves"), view, all, curves, picked, W, find);
  };
  const table = () => {
    const all = list(), key = JSON.stringify([all, sorted, view.fronts, view.best]);
    if (key === listed) return;
    listed = key;
    const focus = element.contains(document.activeElement) && document.activeElement.getAttribute("aria-label");
    const on = {sort: by => { sorted.down = sorted.key === by ? !sorted.down : by === "quality"; sorted.key = by; table(); }, promote};
    fill($("sweep-trials"), h("div", {class: "sr-card-head"}, h("h2", null, W.trials_head)), all.length ? T.trials(view, all, sorted, W, on) : h("p", {class: "sr-muted sr-empty"}, W.no_trials));
    if (focus) element.querySelector(`.sr-sort[aria-label="${CSS.escape(focus)}"]`)?.focus();
  };
  const promote = async (number, button) => {
    button.disabled = true;
    said(W.promoting);
    try {
      const answer = await S.call(server.promote, {sweep, number});
      if (answer.error) { said(answer.error); button.disabled = false; return; }
      trials.get(number).run = answer.run;
      fill($("sweep-said"), say(W.promoted, {number}) + " ", h("a", {href: S.address("run", answer.run)}, W.open_run));
      table();
    } catch { said(W.lost); button.disabled = false; }
  };

  const draw = answer => {
    $("sweep-loading").hidden = true;
    $("sweep-unknown").hidden = !answer.unknown; $("sweep-body").hidden = Boolean(answer.unknown);
    if (answer.unknown) return false;
    if (answer.reset) { trials.clear(); curves.clear(); }
    for (const one of answer.trials) trials.set(one.number, one);
    for (const [number, points] of Object.entries(answer.curves)) curves.set(Number(number), points);
    view = answer; cursor = answer.cursor;
    if (asked && answer.sweep.status !== asked.from) asked = null;
    head(view.sweep); table();
    charts().catch(error => { drawn = ""; console.debug("sweep:", error); });
    learning().catch(error => { lines = ""; console.debug("sweep:", error); });
    if (window.StillroomStarted === sweep) {
      window.StillroomStarted = null;
      if (document.activeElement === document.body) $("sweep-name").focus({preventScroll: true});
    }
    return !RESTS.includes(view.sweep.status) || asked !== null;
  };
  const poll = S.poll(element, 1, async () => draw(await S.call(server.live, {sweep, cursor})), lost => { $("sweep-lost").hidden = !lost; });
  const press = (fn, from) => async () => {
    asked = {from: view.sweep.status};
    head(view.sweep); said("");
    try {
      const answer = await S.call(fn, {sweep});
      if (answer.error) { asked = null; said(answer.error); }
    } catch { asked = null; said(W.lost); }
    poll.again();
  };
  $("stop-sweep").addEventListener("click", press(server.stop));
  $("resume-sweep").addEventListener("click", press(server.resume));
  $("sweep-settings").addEventListener("toggle", async event => {
    if (!event.target.open || event.target.dataset.filled) return;
    try {
      const answer = await S.call(server.settings, {sweep});
      text("sweep-yaml", answer.yaml || answer.error || ""); text("sweep-command", answer.command || "");
      event.target.dataset.filled = "yes";
    } catch { text("sweep-yaml", W.settings_lost); }
  });
  // Light and dark: the charts take their colours anew.
  const theme = new MutationObserver(() => { if (view) Promise.all([charts(), learning()]).catch(error => console.debug("sweep:", error)); });
  theme.observe(document.body, {attributes: true, attributeFilter: ["class"]});
  const gone = new MutationObserver(() => {
    if (element.isConnected) return;
    poll.stop(); gone.disconnect(); theme.disconnect();
    for (const id of ["sweep-front", "sweep-parallel", "sweep-curves"]) if (window.Plotly && $(id).dataset.wired) window.Plotly.purge($(id));
  });
  gone.observe(document.body, {childList: true, subtree: true});
})();
