// New run as this browser keeps it: what is typed, which steps were opened, and the token that makes two presses one run.
window.StillroomDraft = (() => {
  const KEY = "stillroom-draft", LONGEST = 400000;
  const STEPS = ["data", "teachers", "student", "method", "review"];
  let memory = {}, moving = false;  // memory: for windows that may not keep anything

  const load = () => {
    try {
      const found = JSON.parse(localStorage.getItem(KEY));
      if (found && typeof found === "object" && !Array.isArray(found)) return found;
    } catch { /* nothing kept, or not by us */ }
    return memory;
  };
  const store = draft => {
    memory = draft;
    try { localStorage.setItem(KEY, JSON.stringify(draft)); } catch { /* private window: for this page only */ }
  };
  const fresh = () => [...crypto.getRandomValues(new Uint8Array(16))].map(b => b.toString(16).padStart(2, "0")).join("");

  // For the server, once, when the page loads.
  const read = () => {
    const draft = load();
    if (!/^[0-9a-f]{32}$/.test(draft.token)) { draft.token = fresh(); store(draft); }
    const token = draft.token;
    if (new URLSearchParams(location.search).get("view") !== "new") return JSON.stringify({token});
    const said = JSON.stringify({...draft, step: location.hash.replace("#step-", "")});
    return said.length > LONGEST ? JSON.stringify({token}) : said;
  };
  // given: what the last check saw (the server's own), the steps visited, then a value for each key.
  const keep = (keys, given) => {
    const values = {};
    keys.forEach((key, number) => { values[key] = given[number + 2]; });
    store({...load(), version: 1, visited: given[1] || "0", values});
    return given;
  };
  // Likewise what is typed for a sweep, which no check of the steps asks for.
  const keepSweep = (keys, given) => {
    const draft = load(), values = {};
    keys.forEach((key, number) => { values[key] = given[number]; });
    store({...draft, sweep: {...draft.sweep, ...values}});
    return [];
  };
  const sweepOpened = open => {
    const draft = load();
    store({...draft, sweep: {...draft.sweep, open}});
    return [];
  };
  // The run is there: the next press is another one.
  const started = () => { const draft = load(); delete draft.token; store(draft); };

  const place = hash => {
    const url = new URL(location.href);
    ["from", "recipe", "step"].forEach(name => url.searchParams.delete(name));
    url.hash = hash;
    history.replaceState(history.state, "", url);
  };
  const label = step => document.querySelector("#step-" + step + " > button.label-wrap");
  const isOpen = button => button.classList.contains("open");
  const opened = button => {
    place(button.parentElement.id);
    if (!moving) return;
    moving = false;
    // Continue is gone with its step: go on from the one that has opened.
    requestAnimationFrame(() => { button.focus({preventScroll: true}); button.scrollIntoView({block: "nearest"}); up(button); });
  };
  const up = button => {
    const top = button.getBoundingClientRect().top;
    if (top < 60 || top > innerHeight / 2) window.scrollBy({top: top - 64});
  };
  const go = (step, field) => {
    const button = label(step);
    if (!button) return;
    if (!isOpen(button)) button.click();
    setTimeout(() => {
      const node = field && document.querySelector("#field-" + CSS.escape(field));
      const input = node && node.querySelector("input:not([type=file]), textarea, button");
      (input || button).focus({preventScroll: true});
      (node || button).scrollIntoView({block: "center"});
    }, 150);
  };

  // element: something of the page, once it is shown.
  const watch = element => {
    const root = element.closest("#new-page");
    if (!root || root.dataset.watched) return;
    root.dataset.watched = "yes";
    place(location.hash);
    const was = new WeakMap();
    let later = 0;
    const look = button => {
      const now = isOpen(button);
      if (was.get(button) === now) return;
      was.set(button, now);
      button.setAttribute("aria-expanded", String(now));
      return now;
    };
    // For the keyboard, what Gradio leaves out. Its editor of a text that cannot be changed scrolls, but not with keys;
    // each of its radio buttons is a group of its own, which arrows do not move in. Cards of recipes stay like that:
    // choosing one fills settings in, and is no step on the way to the next.
    const reach = () => {
      root.querySelectorAll(".cm-scroller[tabindex='-1']").forEach(node => {
        const label = node.closest(".block")?.querySelector("label");
        node.tabIndex = 0; node.setAttribute("role", "region");
        if (label) node.setAttribute("aria-label", label.innerText.trim());
      });
      root.querySelectorAll("fieldset:not(.sr-chooser)").forEach(group => {
        const [first, ...others] = group.querySelectorAll("input[type=radio]");
        others.forEach(radio => { radio.name = first.name; });
      });
    };
    STEPS.forEach(step => { const button = label(step); if (button && look(button) && step !== "data") place(button.parentElement.id); });
    new MutationObserver(changes => {
      clearTimeout(later);
      later = setTimeout(reach, 100);
      for (const {target, type} of changes) if (type === "attributes" && target.matches(".sr-step > button.label-wrap") && look(target)) opened(target);
    }).observe(root, {subtree: true, childList: true, attributes: true, attributeFilter: ["class"]});
    reach();
    root.addEventListener("click", event => {
      const link = event.target.closest("[data-step]");
      if (link) { event.preventDefault(); go(link.dataset.step, link.dataset.field); }
      moving = Boolean(event.target.closest("#start-run, #start-again, #check-run, #yaml-fill, [id^=continue-]"));
    });
  };
  // The run as a file, named after it.
  const save = (yaml, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([yaml], {type: "application/yaml"}));
    link.download = (String(name || "").normalize("NFKD").replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[-.]+|[-.]+$/g, "").slice(0, 60) || "run") + ".yaml";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    return [];
  };
  return {read, keep, keepSweep, sweepOpened, started, watch, save};
})();
