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
  const machine = element.querySelector("#machine");
  const ask = async () => {
    const m = await S.call(server.machine, {});
    machine.textContent = m.short; machine.title = m.long;
    window.StillroomMachine = m.long;
    return !m.ready;
  };
  S.poll(element, 2, ask, () => {});
})();
