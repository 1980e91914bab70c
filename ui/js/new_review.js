// Remedies of findings, pressed at Review; the button is drawn anew by the check that follows, and keeps the focus.
(() => {
  let focus = "";
  const press = event => {
    if (!element.isConnected) return document.removeEventListener("click", press);
    const button = event.target.closest?.("#review [data-remedy]");
    if (!button) return;
    focus = button.dataset.remedy;
    trigger("remedy", {name: focus});
  };
  window.Stillroom.watchDrawn(element, "review", said => {
    if (!focus || document.activeElement !== document.body) return;
    said.querySelector(`[data-remedy="${focus}"]`)?.focus();
    focus = "";
  });
  document.addEventListener("click", press);
})();
