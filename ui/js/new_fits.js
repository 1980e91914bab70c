// Which recipes suit what is chosen: asked while their step is open, a moment after the last change; the others are greyed.
window.StillroomFits = (() => {
  const CALM = 300, AGAIN = 1500;
  const marks = () => document.getElementById("recipe-marks");
  const {ask, later} = window.Stillroom.whileSeen(element, () => null, () => trigger("wanted", {}), CALM);
  const grey = () => {
    const unfit = (marks()?.querySelector("[data-unfit]")?.dataset.unfit || "").split(",").filter(Boolean);
    document.querySelectorAll("#field-recipe label:has(input)").forEach((label, place) => {
      const now = unfit.includes(String(place));
      if (label.hasAttribute("data-unfit") !== now) label.toggleAttribute("data-unfit", now);
    });
  };
  window.Stillroom.watchDrawn(element, "recipe-marks", grey);
  // Times are measured one after the other: it is asked again until all are there.
  const told = () => { if (marks()?.querySelector("[data-pending]")) ask(AGAIN); };
  window.Stillroom.watchDrawn(element, "field-recipe", grey);
  window.Stillroom.watchDrawn(element, "recipe-about", said => {
    if (said.querySelector("[data-recipe]")) said.scrollIntoView({block: "nearest"});
  });
  const press = event => {
    if (!element.isConnected) return document.removeEventListener("click", press);
    const button = event.target.closest?.("#recipe-about [data-recipe]");
    if (button) trigger("anyway", {name: button.dataset.recipe});
  };
  document.addEventListener("click", press);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(CALM); });
  return {later, told};
})();
