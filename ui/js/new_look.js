// Asks for a look at the data: only while their step is open, a moment after the last change. Remedies are pressed here.
window.StillroomLook = (() => {
  const CALM = 350;
  const said = () => document.getElementById("data-preview");
  let focus = "";
  const {ask, later} = window.Stillroom.whileSeen(element, said, () => trigger("wanted", {}), CALM);
  const told = () => {
    said()?.classList.remove("sr-stale");
    // The button that was pressed is drawn anew: whoever uses the keyboard stays at it.
    if (focus && document.activeElement === document.body) said()?.querySelector(`[data-remedy="${focus}"]`)?.focus();
    focus = "";
  };
  const press = event => {
    if (!element.isConnected) return document.removeEventListener("click", press);
    const button = event.target.closest?.("#data-preview [data-remedy]");
    if (!button) return;
    focus = button.dataset.remedy;
    trigger("remedy", {name: focus});
  };
  document.addEventListener("click", press);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(CALM); });
  return {later, told};
})();
