// Lists of runs (Home and Runs), asked again every three seconds; a row opens its run.
(() => {
  const S = window.Stillroom, {h, fill} = S, full = props.full;
  const root = element.querySelector(".sr-list"), lost = element.querySelector(".sr-lost");
  let last = "";
  const doing = r => r.status === "running" ? (r.stage || "starting") + (S.known(r.share) ? " " + Math.floor(100 * r.share) + "%" : "") : "";
  const link = r => h("a", {href: S.address("run", r.id)}, r.name);
  const facts = r => [S.known(r.compression) ? S.times(r.compression) + " smaller" : null, S.known(r.speedup) ? (r.speedup >= 1 ? S.times(r.speedup) + " faster" : S.times(r.speedup) + " the speed") : null,
    S.known(r.quality_kept) ? "keeps " + S.percent(r.quality_kept) : null].filter(Boolean).join(" · ");
  const short = r => h("li", null, S.pill(r.status), link(r), h("span", {class: "sr-muted"}, r.status === "done" ? facts(r) : doing(r)),
    h("span", {class: "sr-muted sr-when", title: S.stamp(r.created)}, S.ago(r.created)));
  const cell = (name, value, extra) => h("td", {"data-name": name, ...extra}, value);
  const num = (name, value, extra) => cell(name, value, {class: "sr-num", ...extra});
  const long = r => h("tr", {onclick: event => { if (!event.target.closest("a")) location.assign(new URL(S.address("run", r.id), document.baseURI)); }},
    h("th", {scope: "row"}, link(r)), h("td", null, S.pill(r.status), " ", h("span", {class: "sr-muted"}, doing(r))), cell("Data", r.data || S.DASH),
    cell("Teachers", (r.teachers || []).join(", ") || S.DASH), cell("Student", r.student || S.DASH), num("Quality kept", S.percent(r.quality_kept)),
    num("Compression", S.times(r.compression)), num("Speed-up", S.times(r.speedup)), num("When", S.ago(r.created), {title: S.stamp(r.created)}));
  const HEAD = [["Run"], ["Status"], ["Data"], ["Teachers"], ["Student"], ["Quality kept", "Student's test quality as a share of the best teacher's"],
    ["Compression", "Best teacher's parameters divided by the student's"], ["Speed-up", "At the largest batch measured"], ["When"]];
  const empty = () => h("div", {class: "sr-empty"}, h("p", null, full ? "No runs yet." : "Your runs will stand here."),
    h("p", {class: "sr-muted"}, "A run trains teachers, distils a student, and measures both. ",
      full ? h("span", null, "Start with the demo on ", h("a", {href: "?"}, "the first page"), ", or ", h("a", {href: "?view=new"}, "set up your own"), ".") : "The demo takes about two minutes."));
  const draw = rows => {
    const key = JSON.stringify([rows, Math.floor(Date.now() / 60000)]);
    if (key === last) return;
    last = key;
    if (!rows.length) return fill(root, empty());
    fill(root, full ? h("div", {class: "sr-scroll"}, h("table", {class: "sr-table sr-runs"}, h("caption", {class: "sr-visually-hidden"}, "All runs"),
      h("thead", null, h("tr", null, HEAD.map(([t, tip], i) => h("th", {scope: "col", title: tip, class: i > 4 ? "sr-num" : null}, t)))), h("tbody", null, rows.map(long))))
      : h("ul", {class: "sr-last"}, rows.map(short)));
  };
  const machine = () => {
    const node = element.querySelector("#home-machine");
    if (node && window.StillroomMachine) node.textContent = window.StillroomMachine;
    return !node || Boolean(window.StillroomMachine);
  };
  const soon = setInterval(() => { if (machine() || !element.isConnected) clearInterval(soon); }, 200);
  S.poll(element, 3, async () => { machine(); draw((await S.call(server.runs, {full})).runs); return true; }, on => { lost.hidden = !on; });
})();
