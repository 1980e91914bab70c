// What can be done with a sweep beside stopping it: another name, the archive, the trash.
if (!window.StillroomSweepActions) window.StillroomSweepActions = ({element, server, sweep, words: W, said, open, again}) => {
  const S = window.Stillroom, $ = id => element.querySelector("#" + id), menu = $("sweep-menu"), form = $("sweep-words");
  let shown = null;
  const ask = async (fn, request) => {
    try {
      const answer = await S.call(fn, {sweep, ...request});
      said(answer.error || "");
      return !answer.error;
    } catch { said(W.lost); return false; }
  };
  const shut = () => { menu.open = false; };
  const named = () => { form.hidden = true; menu.querySelector("summary").focus(); };
  document.addEventListener("click", event => { if (element.isConnected && !menu.contains(event.target)) shut(); });
  menu.addEventListener("keydown", event => { if (event.key === "Escape") { shut(); menu.querySelector("summary").focus(); } });
  form.addEventListener("keydown", event => { if (event.key === "Escape") named(); });
  $("rename-sweep").addEventListener("click", () => {
    shut(); form.hidden = false;
    $("sweep-new-name").value = shown.name; $("sweep-new-name").focus(); $("sweep-new-name").select();
  });
  $("sweep-keep-name").addEventListener("click", named);
  form.addEventListener("submit", async event => {
    event.preventDefault();
    if (await ask(server.annotate, {name: $("sweep-new-name").value})) { named(); again(); }
  });
  $("archive-sweep").addEventListener("click", async () => { shut(); if (await ask(server.annotate, {archived: !shown.archived})) again(); });
  $("delete-sweep").addEventListener("click", async () => {
    shut(); said(W.deleting);
    if (await ask(server.remove, {})) open(new URL("?view=runs&deleted-sweep=" + encodeURIComponent(sweep), document.baseURI));
  });
  const head = s => {
    shown = s;
    const busy = ["queued", "running", "stopping"].includes(s.status);
    $("sweep-archived").hidden = !s.archived;
    $("archive-sweep").textContent = s.archived ? W.unarchive : W.archive;
    $("delete-sweep").disabled = busy; $("delete-sweep").title = busy ? W.stop_first : "";
  };
  return {head};
};
