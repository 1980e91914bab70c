// The result of a finished run: the verdict, then what it stands on. Teachers beside the student.
if (!window.StillroomResult) window.StillroomResult = (() => {
  const P = window.StillroomParts, T = window.StillroomTables, {h, fill, call} = window.Stillroom;
  const redraw = new WeakMap();
  // with: {words, metric, server, run}
  const draw = (node, report, {words, metric, server, run}) => {
    P.setWords(words, report);
    const spoken = metric || String(report.metric).replaceAll("_", " "), list = P.models(report);
    const ask = fn => request => call(fn, {run, ...request});
    const asks = {details: ask(server.details), temperature: ask(server.temperature), cost: ask(server.cost),
      rows: wanted => call(server.disagreements, {run, wanted}), csv: wanted => call(server.disagreements_csv, {run, wanted})};
    const trying = {warm: () => call(server.try_warm, {run}), list: ask(server.try_list), csv: ask(server.try_csv)};
    const verdict = h("div", {class: "sr-decision"}), beside = new Map();
    const again = rows => {
      for (const [part, before] of beside) {
        const fresh = T[part](report, list, rows);
        if (before.querySelector(".sr-how[open]")) fresh.querySelector(".sr-how")?.setAttribute("open", "");
        before.replaceWith(fresh);
        beside.set(part, fresh);
      }
    };
    for (const part of ["size", "exports"]) beside.set(part, T[part](report, list, []));
    redraw.set(node, again);
    fill(node, verdict, window.StillroomReport.draw(ask, server),
      h("div", {class: "sr-result-grid"}, T.quality(report, list, spoken), beside.get("size"), T.latency(report, list), T.controls(report, list), beside.get("exports")),
      window.StillroomWorth.draw(ask, server, report),
      T.perLanguage(report, list, spoken), T.perClass(report, list), window.StillroomDetail.draw(report, asks), window.StillroomExamples.draw(asks, report.name || run),
      window.StillroomTry.draw(trying, {kept: report.kept, unit: report.unit, name: report.name || run}));
    window.StillroomVerdict.draw(verdict, report, ask(server.verdict));
  };
  // rows: of `server.exports`, whenever one of them has changed.
  const exports = (node, rows) => redraw.get(node)?.(rows.filter(r => r.state === "ready" && r.figures.bytes));
  return {draw, exports};
})();
