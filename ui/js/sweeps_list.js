// Sweeps on the Runs page, asked again every five seconds.
(() => {
  const S = window.Stillroom, {h, fill, say} = S, W = props.words, $ = id => element.querySelector("#" + id);
  let last = "";
  const one = s => h("li", {"data-sweep": s.id}, S.pill(s.status), h("a", {href: S.address("sweep", s.id)}, s.name),
    h("span", {class: "sr-muted"}, [S.known(s.of) ? say(W.of, s) : say(W.tried, s), S.known(s.best) ? say(W.best, {value: S.percent(s.best), metric: s.metric_words}) : null].filter(Boolean).join(" · ")),
    h("span", {class: "sr-muted sr-small"}, s.fields.join(", ")), h("span", {class: "sr-muted sr-when", title: S.stamp(s.created)}, S.ago(s.created)));
  S.poll(element, 5, async () => {
    const answer = await S.call(server.sweeps, {}), key = JSON.stringify([answer.sweeps, Math.floor(Date.now() / 60000)]);
    $("sweeps").hidden = !answer.sweeps;
    if (!answer.sweeps) return false;
    if (key === last) return true;
    last = key;
    fill($("sweeps-list"), answer.sweeps.length ? h("ul", {class: "sr-last"}, answer.sweeps.map(one)) : h("p", {class: "sr-muted sr-small"}, W.none));
    return true;
  }, () => {});
})();
