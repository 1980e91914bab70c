// The header: where one is, what machine this is, light or dark.
(() => {
  const S = window.Stillroom, page = new URLSearchParams(location.search).get("view");
  const current = element.querySelector('[data-page="' + (page || (/[?&](run|sweep)=/.test(location.search) ? "" : "home")) + '"]');
  if (current) current.setAttribute("aria-current", "page");
  element.querySelector("#theme-toggle").addEventListener("click", () => {
    const dark = !document.body.classList.contains("dark");
    try { localStorage.setItem("stillroom-theme", dark ? "dark" : "light"); } catch { /* private window: for this page only */ }
    document.body.classList.toggle("dark", dark);
  });
  const machine = element.querySelector("#machine"), notes = element.querySelector("#notes");
  let told = "", watched = false;
  const ask = async () => {
    const m = await S.call(server.machine, {});
    machine.textContent = m.short; machine.title = m.long;
    window.StillroomMachine = m.long;
    const said = m.notes.join("\n");
    if (said !== told) { told = said; S.fill(notes, m.notes.map(note => S.h("p", {}, note))); notes.hidden = !said; }
    watched = m.watched;
    return !m.ready;
  };
  const asking = S.poll(element, 2, ask, () => {});
  // A backup's troubles come and go: they are asked for now and then, as long as the page is seen.
  const now_and_then = setInterval(() => {
    if (!element.isConnected) clearInterval(now_and_then);
    else if (watched && !document.hidden) asking.again();
  }, 20000);
})();
