"""The look: one Gradio theme on system fonts (nothing is downloaded), and the style sheet beside this file."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from ui import text

HERE = Path(__file__).resolve().parent
SANS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]

#: Applied before the first paint that we control; Gradio itself only knows the system's preference.
_HEAD = """
<script>
(() => {
  const wanted = () => { try { return localStorage.getItem("stillroom-theme"); } catch { return null; } };
  const apply = () => {
    const theme = wanted();
    if (theme && document.body.classList.contains("dark") !== (theme === "dark"))
      document.body.classList.toggle("dark", theme === "dark");
  };
  apply();
  new MutationObserver(apply).observe(document.body, {attributes: true, attributeFilter: ["class"]});
  window.addEventListener("popstate", () => location.reload());
  window.addEventListener("pageshow", event => { if (event.persisted) location.reload(); });
})();
</script>
"""


def head() -> str:
    """Scripts that must be there before the page's own: the theme kept, and the draft kept (`js/draft.js`)."""
    return f"{_HEAD}<script>\n{(HERE / 'js' / 'draft.js').read_text(encoding='utf-8')}</script>\n"


def css() -> str:
    """The style sheet, and the words that it sets itself."""
    words = f':root {{ --sr-word-change: "{text.CHANGE}"; }}\n'
    return words + (HERE / "style.css").read_text(encoding="utf-8")


def theme() -> gr.themes.Base:
    base = gr.themes.Base(
        primary_hue=gr.themes.colors.orange,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_sm,
        text_size=gr.themes.sizes.text_md,
        spacing_size=gr.themes.sizes.spacing_md,
        font=SANS,
        font_mono=MONO,
    )
    return base.set(
        body_background_fill="#faf8f4",
        body_background_fill_dark="#15171a",
        body_text_color="#1f2328",
        body_text_color_dark="#e8e6e1",
        body_text_color_subdued="#5b626c",
        body_text_color_subdued_dark="#a3a8b0",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#1c1f23",
        background_fill_secondary="#f4f1ea",
        background_fill_secondary_dark="#22262b",
        block_background_fill="#ffffff",
        block_background_fill_dark="#1c1f23",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_shadow="none",
        block_shadow_dark="none",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_label_border_width_dark="0px",
        block_title_text_weight="550",
        block_title_text_color="#1f2328",
        block_title_text_color_dark="#e8e6e1",
        button_primary_border_color="#b4541a",
        button_primary_border_color_dark="#b4541a",
        block_info_text_size="13px",
        border_color_primary="#e0dbd0",
        border_color_primary_dark="#33383f",
        border_color_accent="#b4541a",
        border_color_accent_dark="#f0914a",
        color_accent="#b4541a",
        color_accent_soft="#fbeee4",
        color_accent_soft_dark="#3a281a",
        input_background_fill="#ffffff",
        input_background_fill_dark="#15171a",
        input_border_width="1px",
        input_border_color="#cfc9bc",
        input_border_color_dark="#444a52",
        input_border_color_focus="#b4541a",
        input_border_color_focus_dark="#f0914a",
        button_primary_background_fill="#b4541a",
        button_primary_background_fill_dark="#b4541a",
        button_primary_background_fill_hover="#964413",
        button_primary_background_fill_hover_dark="#c9651f",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#ffffff",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_dark="#22262b",
        button_secondary_border_color="#cfc9bc",
        button_secondary_border_color_dark="#444a52",
        button_border_width="1px",
        button_border_width_dark="1px",
        checkbox_background_color_selected="#b4541a",
        checkbox_background_color_selected_dark="#f0914a",
        checkbox_label_background_fill_selected="#fbeee4",
        checkbox_label_background_fill_selected_dark="#3a281a",
        checkbox_label_text_color_selected="#1f2328",
        checkbox_label_text_color_selected_dark="#e8e6e1",
        link_text_color="#8a3d0f",
        link_text_color_dark="#f3a56d",
    )
