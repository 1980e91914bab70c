// The report to give to others, as one file; and whether somebody has run this config again and got the same.
if (!window.StillroomReport) window.StillroomReport = (() => {
  const P = window.StillroomParts, {h, fill} = window.Stillroom;
  const save = (text, name) => {
    const address = URL.createObjectURL(new Blob([text], {type: "text/html"})), link = h("a", {href: address, download: name});
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  };
  const draw = (ask, server) => {
    const W = P.W.offline, said = h("span", {role: "status", class: "sr-muted sr-small"});
    const again = h("p", {class: "sr-muted sr-small", id: "reproduction"});
    const button = h("button", {type: "button", class: "sr-button", id: "offline-report", title: W.about, onclick: async () => {
      button.disabled = true;
      said.textContent = "";
      try {
        const found = await ask(server.offline_report)({});
        if (found.error) said.textContent = found.error;
        else save(found.html, found.name);
      } catch { said.textContent = W.failed; }
      button.disabled = false;
    }}, W.button);
    ask(server.reproduction)({}).then(found => fill(again, (found.said || [found.error]).join(" ")), () => {});
    return h("div", {class: "sr-for-others"}, h("p", null, button, " ", said), again);
  };
  return {draw};
})();
