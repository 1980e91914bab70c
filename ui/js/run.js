// The run's page: what it is doing now, its curves, and, when it is done, what came out.
(() => {
  const S = window.Stillroom, {h, fill, known, say} = S, W = props.said, $ = id => element.querySelector("#" + id);
  const run = new URLSearchParams(location.search).get("run") || "";
  const STAGES = ["prepare", "teachers", "cache", "distil", "measure", "done"];
  const ENDED = ["stopped", "interrupted", "failed", "done"];
  const board = new window.StillroomBoard.Board($("live-charts"), props, {finer: server.finer, csv: server.csv, run});
  const actions = window.StillroomActions({element, server, run, props, open: url => location.assign(url), again: () => poll.again()});
  const take = window.StillroomTakeAway({element, server, run, words: props.taking});
  // What was measured of exports stands in the result's own tables too.
  element.addEventListener("exports", event => window.StillroomResult.exports($("result"), event.detail));
  const kept = {}, seen = {};
  let cursor = 0, shown = null, resultOf = null, asked = null;

  const text = (id, value) => { const node = $(id); if (node.textContent !== value) node.textContent = value; };
  const show = (id, on) => { $(id).hidden = !on; };

  const head = r => {
    document.title = say(W.title, r);
    text("run-name", r.name);
    const status = $("run-status");
    status.className = "sr-pill sr-" + r.status;
    text("run-status", r.status);
    const moving = ["running", "stopping"].includes(r.status);
    const begun = r.stage || Object.values(r.stages || {}).some(s => s !== "waiting");
    text("run-stage", moving ? (begun ? W.stages[r.stage] || r.stage || "" : "") : "");
    text("run-percent", moving && begun ? Math.floor(100 * (r.share || 0)) + "%" : "");
    text("run-left", r.status !== "running" ? (known(r.elapsed_s) && ENDED.includes(r.status) ? say(W.took, {time: S.duration(r.elapsed_s)}) : "")
      : !begun ? "" : known(r.eta_s) ? say(W.left, {time: S.duration(r.eta_s)}) : W.measuring);
    const bar = $("run-bar"), share = r.status === "done" ? 1 : r.share || 0;
    bar.style.width = (100 * share).toFixed(1) + "%";
    bar.parentElement.setAttribute("aria-valuenow", Math.round(100 * share));
    text("run-note", r.status === "queued"
      ? (known(r.queue_position) ? (r.queue_position <= 1 ? W.next : say(W.number, {number: r.queue_position})) : W.queued)
      : r.status === "running" && !begun ? W.starting : r.status === "stopping" ? W.stopping
      : moving ? r.note || "" : "");
    const stages = r.stages || {};
    for (const stage of STAGES) {
      const node = element.querySelector('[data-stage="' + stage + '"]');
      const state = r.status === "done" || stages[stage] === "finished" ? "finished"
        : stages[stage] === "started" ? (moving ? "started" : "halted") : "waiting";
      node.className = "sr-stage sr-stage-" + state;
      node.setAttribute("aria-label", say(W.stage_is, {stage, state: W.states[state]}));
    }
    const canStop = ["queued", "running", "stopping"].includes(r.status);
    const canResume = ["stopped", "interrupted", "failed"].includes(r.status);
    show("stop-run", canStop); show("resume-run", canResume);
    $("stop-run").disabled = asked === "stop" || r.status === "stopping";
    $("resume-run").disabled = asked === "resume";
    actions.head(r);
    problem(r);
  };

  const problem = r => {
    const bad = ["failed", "interrupted"].includes(r.status), error = r.error || {};
    show("run-error", bad);
    if (!bad) return;
    const box = $("run-error"), words = [r.status, error.message, error.hint].join("\n");
    if (box.dataset.words !== words) {
      box.dataset.words = words;
      fill(box, h("h3", null, W[r.status]),
        h("p", null, error.message || W.no_reason),
        error.hint ? h("p", {class: "sr-muted"}, error.hint) : null,
        h("p", {class: "sr-muted"}, W.nothing_lost),
        h("div", {id: "run-steps", class: "sr-buttons"}));
    }
    actions.steps(error);
  };

  // Teachers beside the student: plain bars, so that a factor of thirty looks like one.
  const bars = (title, how, rows, value, told) => {
    const most = Math.max(...rows.map(r => value(r) || 0), 1e-12);
    return h("div", {class: "sr-bars"}, h("h4", null, title, " ", how ? h("span", {class: "sr-muted"}, how) : null), rows.map(r => {
      const v = value(r);
      return h("div", {class: "sr-bar-row"}, h("span", {class: "sr-bar-name", title: r.name}, r.name),
        h("span", {class: "sr-bar-track"}, h("span", {class: "sr-bar " + r.css, style: "width:" + (known(v) ? Math.max(0.6, 100 * v / most) : 0) + "%"})),
        h("span", {class: "sr-bar-value"}, told(v)));
    }));
  };
  const shapes = (shape, latency) => {
    const models = [];
    (shape?.teachers || []).forEach((t, i) => models.push({...t, css: "sr-t" + (1 + i % 8)}));
    if (shape?.student) models.push({name: W.student, ...shape.student, css: "sr-s"});
    const batches = [...new Set((latency || []).map(r => r.batch))].sort((a, b) => a - b);
    const colour = name => (models.find(m => m.name === name) || {css: "sr-t1"}).css;
    const preview = (latency || []).some(r => r.phase === "preview");
    show("run-shapes-empty", !models.length);
    fill($("run-shapes"),
      models.length ? bars(W.parameters, "", models, m => m.parameters, S.count) : null,
      models.length ? bars(W.bytes, W.bytes_how, models, m => m.bytes, S.bytes) : null,
      batches.map(batch => {
        const rows = latency.filter(r => r.batch === batch).map(r => ({...r, name: r.role === "student" ? W.student : r.name,
          css: r.role === "student" ? "sr-s" : colour(r.name)}));
        return bars(say(W.latency, {batch}), preview ? W.latency_preview : W.latency_how, rows, r => r.p50, v => S.ms(v) + " ms");
      }));
    text("run-compression", known(shape?.compression?.parameters) ? say(shape.teachers.length > 1 ? W.fewer_several : W.fewer, {times: S.times(shape.compression.parameters)}) : "");
  };

  const finding = f => h("li", {class: "sr-finding sr-finding-" + f.severity}, h("b", null, f.severity), " ", f.message);

  const draw = async view => {
    if (view.unknown) return unknown(view.message);
    shown = view.run;
    if (asked === "stop" && view.run.status !== "running" && view.run.status !== "queued") asked = null;
    if (asked === "resume" && !ENDED.includes(view.run.status)) asked = null;
    head(view.run);
    if (view.reset) board.reset();
    board.name = view.run.name;
    board.teachers(view.teachers);
    board.take(view.curves || [], view.points || []);
    board.metric(view.run.metric_words);
    board.phases(view.phases);
    board.over(ENDED.includes(view.run.status));
    cursor = view.cursor;
    shapes(view.shapes, view.latency);
    actions.tick(view.run, view.log);
    fill($("run-findings"), (view.findings || []).length ? view.findings.map(finding) : h("li", {class: "sr-muted"}, W.no_findings));
    text("run-findings-count", String((view.findings || []).length));
    show("run-body", true); show("run-loading", false);
    if (window.StillroomStarted === run) {
      // The button that started it is gone with its page: whoever uses the keyboard or listens goes on from the run's name.
      window.StillroomStarted = null;
      if (document.activeElement === document.body) $("run-name").focus({preventScroll: true});
    }
    if (view.report && resultOf !== view.run.id) {
      resultOf = view.run.id;
      window.StillroomResult.draw($("result"), view.report, {words: props.result, metric: view.run.metric_words, server, run});
      show("result", true);
      trigger("finished", {run: view.run.id}); take.done();
    }
    if (!view.report && resultOf) { resultOf = null; show("result", false); take.hide(); }
    board.flush().then(() => board.refresh()).catch(error => console.debug("charts:", error));
    return !ENDED.includes(view.run.status) || asked !== null;
  };
  const unknown = message => {
    show("run-loading", false); show("run-body", false); show("run-unknown", true);
    text("run-unknown-text", message);
    return false;
  };

  // An answer leaves out the parts whose version was seen: they are as they were.
  const whole = answer => {
    for (const [part, version] of Object.entries(answer.versions || {})) { seen[part] = version; kept[part] = answer[part]; }
    return {...kept, ...answer};
  };
  const poll = S.poll(element, 1, async () => draw(whole(await S.call(server.live, {run, cursor, seen}))),
    lost => show("run-lost", lost), actions.wanted);
  const press = (name, fn) => async () => {
    asked = name;
    $(name + "-run").disabled = true;
    text("run-said", "");
    try {
      const answer = await S.call(fn, {run});
      if (answer.error) { asked = null; text("run-said", answer.error); if (shown) head(shown); }
    } catch { asked = null; text("run-said", W.lost); if (shown) head(shown); }
    poll.again();
  };
  $("stop-run").addEventListener("click", press("stop", server.stop));
  $("resume-run").addEventListener("click", press("resume", server.resume));
  $("run-settings").addEventListener("toggle", async event => {
    if (!event.target.open) return;
    actions.choices();
    if (event.target.dataset.filled) return;
    try {
      const answer = await S.call(server.settings, {run});
      text("run-yaml", answer.yaml || answer.error || ""); text("run-command", answer.command || "");
      event.target.dataset.filled = "yes";
    } catch { text("run-yaml", W.settings_lost); }
  });
  // Gradio takes the element away on a page change: Plotly must let go of it.
  const gone = new MutationObserver(() => { if (!element.isConnected) { board.purge(); poll.stop(); take.stop(); gone.disconnect(); } });
  gone.observe(document.body, {childList: true, subtree: true});
})();
