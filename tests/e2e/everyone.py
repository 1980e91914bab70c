"""Of a page, for whoever uses the keyboard alone, or listens: what axe finds grave, Tab's whole way, Tab to a place."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe

GRAVE = ("serious", "critical")
#: (rule, part of the selector) of Gradio's own markup that cannot be mended from here
GRADIOS: tuple[tuple[str, str], ...] = ()
#: colours are judged as they come to rest
STILL = "*, *::before, *::after { transition: none !important; animation: none !important; }"

#: what has the focus; None at the end of the page, from where Tab may begin anew. again: it had it before
FOCUSED = """() => {
  const node = document.activeElement;
  const walked = document.querySelectorAll("[data-walked]").length;
  if (!node || node === document.body || (node.dataset.walked === "0" && walked > 1)) return null;
  const again = node.dataset.walked !== undefined;
  if (!again) node.dataset.walked = walked;
  node.scrollIntoView({block: "nearest"});
  const box = node.getBoundingClientRect(), marked = node => {
    const style = getComputedStyle(node);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && parseFloat(style.opacity) > 0.5;
  };
  return {again, what: node.tagName + "#" + node.id + " in #" + node.closest("[id]")?.id,
    ring: marked(node) || marked(node.closest(".wrap") || node)
      || marked(node.closest(".sr-upload")?.querySelector(".sr-button") || node),
    seen: box.width > 2 && box.height > 2
      && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth};
}"""
#: what could have it, is in sight and never had it. Of a group of radio buttons, Tab reaches one.
MISSED = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
  .filter(node => node.checkVisibility({visibilityProperty: true, opacityProperty: true}) && !node.disabled
    && node.getBoundingClientRect().width > 0 && node.dataset.walked === undefined
    && !(node.type === "radio"
      && [...document.getElementsByName(node.name)].some(other => other.dataset.walked !== undefined)))
  .map(node => node.outerHTML.slice(0, 120))"""
FROM_THE_TOP = """() => {
  document.querySelectorAll("[data-walked]").forEach(node => delete node.dataset.walked);
  const first = document.createElement("span");
  first.tabIndex = -1;
  document.body.prepend(first);
  first.focus();
}"""


def grave(page: Any, options: dict[str, Any] | None = None) -> list[str]:
    found = Axe().run(page, options=options or {"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for rule in found
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
        if not any(rule["id"] == known and part in str(node["target"]) for known, part in GRADIOS)
    ]


def assert_good(page: Any) -> None:
    """Nothing serious, in light and in dark. Contrasts are all that can differ."""
    page.add_style_tag(content=STILL)
    for theme, options in (("light", None), ("dark", {"runOnly": ["color-contrast"], "resultTypes": ["violations"]})):
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", theme == "dark")
        page.wait_for_timeout(100)
        assert grave(page, options) == [], theme


def walk(page: Any) -> None:
    """Tab from the top to the end: every stop is in sight and marked, none comes twice, nothing is left out."""
    page.evaluate(FROM_THE_TOP)
    for _ in range(400):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        if at is None:
            break
        assert not at["again"] and at["seen"] and at["ring"], at
    assert page.evaluate(MISSED) == []


def open_all(page: Any, within: str) -> None:
    for head in page.locator(f"{within} details:not([open]) > summary, {within} button.label-wrap:not(.open)").all():
        if head.is_visible():
            head.click()


def tab_to(page: Any, selector: str, most: int = 150) -> None:
    """Tab until what the selector names has the focus."""
    for _ in range(most):
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not come to {selector}")
