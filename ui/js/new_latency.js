// Asks for measured latency: only while its step is open, a moment after the last change, and again until the figures are there.
window.StillroomLatency = (() => {
  const CALM = 400, AGAIN = 700;
  const said = () => document.getElementById("latency");
  const waits = () => ["starting", "measuring"].includes(said()?.querySelector("[data-state]")?.dataset.state);
  let timer = 0, seen = false;
  const ask = delay => {
    clearTimeout(timer);
    timer = setTimeout(() => { if (seen && !document.hidden && element.isConnected) trigger("wanted", {}); }, delay);
  };
  // Something that decides latency has changed: the figures in sight are those of before.
  const later = () => { if (seen) said()?.classList.add("sr-stale"); ask(CALM); };
  const told = () => { said()?.classList.remove("sr-stale"); if (waits()) ask(AGAIN); };
  // Of a call that was lost nothing is told.
  const poll = setInterval(() => { if (!element.isConnected) clearInterval(poll); else if (waits()) ask(0); }, 5000);
  new IntersectionObserver(entries => {
    const now = entries[entries.length - 1].isIntersecting;
    if (now && !seen) { seen = true; ask(0); }
    seen = now;
  }, {rootMargin: "20000px"}).observe(element);
  return {later, told};
})();
