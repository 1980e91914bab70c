// What can be done with a run beside stopping it: words, notification, archive, delete, next steps, log, comparison.
window.StillroomActions = ({element, server, run, props, open, again}) => {
  const S = window.Stillroom, {h, fill, known, say} = S, $ = id => element.querySelector("#" + id), W = props.actions;
  const ENDED = ["stopped", "interrupted", "failed", "done"], NOTIFY = "stillroom-notify";
  const text = (id, value) => { const node = $(id); if (node.textContent !== value) node.textContent = value; };
  const token = "retry-" + Math.random().toString(36).slice(2) + Date.now().toString(36);
  let shown = null, before = null, stepsDrawn = "";
  const ask = async (fn, request, said) => {
    try {
      const answer = await S.call(fn, {run, ...request});
      said(answer.error || "");
      return answer.error ? null : answer;
    } catch { said(W.lost); return null; }
  };
  const beside = message => text("run-said", message);

  // ---- told when it ends: the wish is kept in the browser, so that a reload does not lose it
  const wishes = () => { try { return JSON.parse(localStorage.getItem(NOTIFY)) || []; } catch { return []; } };
  const wish = on => {
    const others = wishes().filter(id => id !== run).slice(-50);
    try { localStorage.setItem(NOTIFY, JSON.stringify(on ? [...others, run] : others)); } catch { /* private window */ }
  };
  const wanted = () => "Notification" in window && Notification.permission === "granted" && wishes().includes(run);
  const notify = async () => {
    if (await Notification.requestPermission() !== "granted") return beside(W.denied);
    wish(true);
    beside(W.notified);
    if (shown) head(shown);
  };
  const tell = r => {
    if (!wanted() || !ENDED.includes(r.status)) return;
    wish(false);
    if (before === null || ENDED.includes(before)) return;
    const note = new Notification(say(W.ended, r), {body: r.status === "done" ? "" : (r.error || {}).message || "", tag: run});
    note.onclick = () => { window.focus(); note.close(); };
  };

  // ---- head
  const head = r => {
    shown = r;
    tell(r);
    before = r.status;
    text("stop-run", r.status === "queued" ? W.cancel : W.stop);
    const busy = !ENDED.includes(r.status);
    $("notify-run").hidden = !busy || !("Notification" in window) || wanted();
    text("notify-run", W.notify);
    text("duplicate-run", W.duplicate);
    text("archive-run", r.archived ? W.unarchive : W.archive);
    $("delete-run").disabled = busy;
    $("delete-run").title = busy ? W.stop_first : "";
    for (const id of ["describe-run", "archive-run", "delete-run", "run-description"]) $(id).hidden = Boolean(r.example);
    const tags = $("run-tags"), list = (r.example ? [W.example] : []).concat(r.tags || [], r.archived ? [props.archived] : []);
    if (tags.dataset.shown !== JSON.stringify(list)) {
      tags.dataset.shown = JSON.stringify(list);
      fill(tags, list.map(tag => h("span", {class: "sr-tag"}, tag)));
    }
    const form = $("run-words");
    if (!form.contains(document.activeElement) && !form.dataset.touched) words(r);
  };
  const words = r => {
    $("words-name").value = r.name; $("words-tags").value = (r.tags || []).join(", "); $("words-notes").value = r.notes || "";
    const notes = $("run-description");
    if (r.notes && !notes.dataset.opened) { notes.dataset.opened = "yes"; notes.open = true; }
  };
  const menu = $("run-menu");
  const shut = () => { menu.open = false; };
  document.addEventListener("click", event => { if (element.isConnected && !menu.contains(event.target)) shut(); });
  menu.addEventListener("keydown", event => { if (event.key === "Escape") { shut(); menu.querySelector("summary").focus(); } });
  $("duplicate-run").addEventListener("click", () => open(new URL("?view=new&from=" + encodeURIComponent(run), document.baseURI)));
  $("notify-run").addEventListener("click", () => { shut(); notify(); });
  $("describe-run").addEventListener("click", () => {
    shut(); $("run-description").open = true; $("words-name").focus(); $("run-description").scrollIntoView({block: "center"});
  });
  $("archive-run").addEventListener("click", async () => {
    shut();
    if (await ask(server.annotate, {archived: !shown.archived}, beside)) again();
  });
  $("delete-run").addEventListener("click", async () => {
    shut(); beside(W.deleting);
    if (await ask(server.remove, {}, beside)) open(new URL("?view=runs&deleted=" + encodeURIComponent(run), document.baseURI));
  });
  $("run-words").addEventListener("input", event => { event.currentTarget.dataset.touched = "yes"; text("words-said", ""); });
  $("run-words").addEventListener("submit", async event => {
    event.preventDefault();
    const form = event.currentTarget, said = message => text("words-said", message);
    said(W.saving);
    const given = {name: $("words-name").value, tags: $("words-tags").value, notes: $("words-notes").value};
    if (!await ask(server.annotate, given, said)) return;
    delete form.dataset.touched;
    $("run-description").dataset.opened = "yes";
    said(W.saved);
    again();
  });

  // ---- a failure's next steps
  const what = changes => Object.entries(changes).map(([path, value]) => {
    const name = path.split(".").pop();
    return props.retries[name] ? say(props.retries[name], {value}) : name.replaceAll("_", " ") + " " + value;
  }).join(", ");
  const press = (step, button) => async () => {
    if (step.do === "resume") return $("resume-run").click();
    if (step.do === "change") return open(new URL("?view=new&from=" + encodeURIComponent(run) + "&step=" + step.part, document.baseURI));
    button().disabled = true;
    const answer = await ask(server.retry, {token}, beside);
    if (answer) open(new URL(S.address("run", answer.run), document.baseURI)); else button().disabled = false;
  };
  const steps = error => {
    const list = (error.steps || []), key = JSON.stringify(list), box = $("run-steps");
    if (key === stepsDrawn && box.childElementCount) return;
    stepsDrawn = key;
    // One button is the next step: the head's Resume stands back where the failure has a better one.
    $("resume-run").classList.toggle("sr-button-main", !list.length || list[0].do === "resume");
    fill(box, list.map((step, i) => {
      const label = step.do === "retry" ? say(W.retry, {what: what(step.changes)}) : step.do === "change" ? W["change_" + step.part]
        : ["disk", "network"].includes(error.kind) ? W.again : W.resume;
      const node = h("button", {type: "button", class: "sr-button" + (i ? "" : " sr-button-main")}, label);
      node.addEventListener("click", press(step, () => node));
      return node;
    }));
  };

  // ---- log: read from the server while it is open
  const part = $("run-log-part"), search = $("log-search");
  let asking = false, more = false;
  const log = async () => {
    if (!part.open || !element.isConnected) return;
    if (asking) { more = true; return; }
    asking = true;
    const answer = await ask(server.log, {search: search.value}, message => message && text("log-count", message));
    asking = false;
    if (more) { more = false; return log(); }
    if (!answer) return;
    const node = $("run-log"), below = node.scrollHeight - node.scrollTop - node.clientHeight < 30 || !node.dataset.filled;
    const lines = answer.lines.map(([number, line]) => String(number).padStart(4) + "  " + line).join("\n");
    text("run-log", lines || (search.value.trim() ? W.nothing_found : W.no_log));
    text("log-count", say(search.value.trim() ? W.log_found : W.log_all, answer)
      + (answer.lines.length < answer.found ? ", " + say(W.log_more, {shown: answer.lines.length, found: answer.found}) : ""));
    if (below) { node.scrollTop = node.scrollHeight; node.dataset.filled = "yes"; }
  };
  part.addEventListener("toggle", log);
  search.addEventListener("input", log);
  let lines = 0;
  // Every tenth look at a run at work, and whenever its last lines changed.
  const tick = (r, last) => { if (part.open && (JSON.stringify(last) !== part.dataset.last || ++lines % 10 === 0)) { part.dataset.last = JSON.stringify(last); log(); } };

  // ---- comparison with another run
  const select = $("compare-with");
  const value = v => v === null || v === undefined ? W.unset : Array.isArray(v) ? v.join(", ") : typeof v === "object" ? JSON.stringify(v) : String(v);
  const table = (rows, name) => h("table", {class: "sr-table"}, h("thead", null, h("tr", null,
    [W.setting, W.this_run, name].map(t => h("th", {scope: "col"}, t)))), h("tbody", null, rows.map(row => h("tr", null,
    h("th", {scope: "row"}, h("code", null, row.field)), h("td", null, value(row.here)), h("td", null, value(row.there))))));
  const choices = async () => {
    if (select.options.length > 1) return;
    const answer = await ask(server.others, {}, message => message && text("run-differences", message));
    if (!answer) return;
    fill(select, h("option", {value: ""}, answer.runs.length ? W.choose_run : W.no_other_runs),
      answer.runs.map(r => h("option", {value: r.id}, r.name + " · " + r.id.slice(-20, -5))));
    select.disabled = !answer.runs.length;
  };
  select.addEventListener("change", async () => {
    if (!select.value) return fill($("run-differences"));
    const answer = await ask(server.differences, {other: select.value}, message => message && text("run-differences", message));
    if (!answer) return;
    const name = select.selectedOptions[0].textContent.split(" · ")[0];
    fill($("run-differences"), answer.rows.length ? table(answer.rows, name) : h("p", {class: "sr-muted"}, W.same_settings));
  });
  return {head, steps, tick, choices, wanted};
};
