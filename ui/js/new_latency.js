// Asks for measured latency: only while its step is open, a moment after the last change, and again until the figures are there.
window.StillroomLatency = (() => {
  const CALM = 400, AGAIN = 700;
  const said = () => document.getElementById("latency");
  const waits = () => ["starting", "measuring"].includes(said()?.querySelector("[data-state]")?.dataset.state);
  const {ask, later} = window.Stillroom.whileSeen(element, said, () => trigger("wanted", {}), CALM);
  const told = () => { said()?.classList.remove("sr-stale"); if (waits()) ask(AGAIN); };
  const press = event => {
    if (!element.isConnected) return document.removeEventListener("click", press);
    const button = event.target.closest?.("#latency [data-again]");
    if (!button) return;
    button.disabled = true;
    said()?.classList.add("sr-stale");
    trigger("again", {});
  };
  document.addEventListener("click", press);
  // Of a call that was lost nothing is told.
  const poll = setInterval(() => { if (!element.isConnected) clearInterval(poll); else if (waits()) ask(0); }, 5000);
  return {later, told};
})();
