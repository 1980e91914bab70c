// A sweep's learning curves: validation against steps, a thin line for each trial.
if (!window.StillroomSweepCurves) window.StillroomSweepCurves = (() => {
  const S = window.Stillroom, {say} = S, C = window.StillroomSweepChart, {plain, look, DASH, SOLID} = window.StillroomRoles;
  const EARLY = "pruned", OPEN = ["begun", "paused"];

  // curves: {number: [[step, value]]}; picked: number of the trial that was clicked, or null
  const draw = (Plotly, node, view, trials, curves, picked, W, click) => {
    const colour = look(node), {common, title, layout} = C.base(colour), best = view.best;
    const rank = t => t.number === picked ? 3 : t.number === best ? 2 : OPEN.includes(t.state) ? 1 : 0;
    const shown = trials.filter(t => (curves.get(t.number) || []).length).sort((a, b) => rank(a) - rank(b));
    const trace = t => {
      const points = curves.get(t.number), early = t.state === EARLY, at = rank(t);
      const ink = at === 3 ? colour("--sr-ink") : colour(at ? "--sr-student" : "--sr-control-1");
      const words = C.told(t, view, W).replace("<extra></extra>", "") + (early ? "<br>" + plain(W.ended_early) : OPEN.includes(t.state) ? "<br>" + plain(W.under_way) : "");
      return {type: "scatter", mode: "lines+markers", meta: t.number, x: points.map(p => p[0]), y: points.map(p => 100 * p[1]), customdata: points.map(() => t.number),
        hovertemplate: points.map(([step, value]) => words + "<br>" + plain(say(W.at_step, {step: step.toLocaleString("en"), value: S.percent(value)})) + "<extra></extra>"),
        line: {color: ink, width: at === 3 ? 2.6 : at === 2 ? 2 : 1, dash: early ? DASH : SOLID}, opacity: at ? 1 : 0.65,
        marker: {color: ink, symbol: points.map((_, i) => early && i === points.length - 1 ? "x-thin" : "circle"),
          size: points.map((_, i) => early && i === points.length - 1 ? 9 : 3.5), line: {width: early ? 1.6 : 0, color: ink}}};
    };
    return C.draw(Plotly, node, shown.map(trace), {...layout, ...C.teacher(view, colour, W), xaxis: {...common, rangemode: "tozero", nticks: 8, title: title(W.step_axis)},
      yaxis: {...common, nticks: 7, title: title(say(W.quality_axis, {metric: view.sweep.metric_words}))}}, click);
  };
  return {draw};
})();
