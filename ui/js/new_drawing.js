// Asks for the drawing of the layers: only while its step is open, a moment after the last change.
window.StillroomDrawing = (() => {
  const CALM = 250;
  const said = () => document.getElementById("drawing");
  let opened = null, height = 0;
  const {ask, later} = window.Stillroom.whileSeen(element, said, () => trigger("wanted", {}), CALM);
  const told = () => said()?.classList.remove("sr-stale");
  // Before it is painted: the teacher that was looked at stays open, and while something is missing the room stays.
  const settle = node => {
    const block = node.querySelector("[data-drawing]");
    if (!block) return;
    const panels = [...block.querySelectorAll("details[data-teacher]")];
    const wanted = panels.find(panel => panel.dataset.teacher === opened);
    if (wanted && !wanted.open) { panels.forEach(panel => { panel.open = panel === wanted; }); }
    const drawn = block.dataset.drawing === "drawn";
    node.style.minHeight = drawn || !height ? "" : height + "px";
    if (drawn) height = node.getBoundingClientRect().height;
  };
  window.Stillroom.watchDrawn(element, "drawing", settle);
  document.addEventListener("toggle", event => {
    if (event.target.matches?.("#drawing details[data-teacher]") && event.target.open) opened = event.target.dataset.teacher;
  }, true);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(CALM); });
  return {later, told};
})();
