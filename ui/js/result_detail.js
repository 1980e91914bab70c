// Details from the kept predictions, asked for when one is opened: confusion, calibration, the teachers' errors, cost.
if (!window.StillroomDetail) window.StillroomDetail = (() => {
  const S = window.Stillroom, P = window.StillroomParts, {h, svg, fill, known, say} = S;
  const points = value => known(value) ? (100 * value).toFixed(2) : S.DASH;
  const words = found => window.StillroomPieces.words("detail", found.unit);
  const spoken = (found, side) => side === "student" ? P.W.detail.student : say(P.W.detail.teacher, {name: found.against[found.reference]});

  // The colour of a cell is its share of its row; right and wrong have a colour each.
  const heat = table => {
    const W = P.W.detail, {labels, counts} = table;
    const sums = counts.map(row => row.reduce((a, b) => a + b, 0));
    const cell = (count, i, j) => h("td", {class: count ? i === j ? "sr-heat-right" : "sr-heat-wrong" : null, style: "--share:" + (sums[i] ? count / sums[i] : 0).toFixed(4),
      title: say(W.confusion_cell, {count, gold: labels[i], said: labels[j]})}, count || "·");
    return h("div", {class: "sr-scroll", tabindex: 0}, h("table", {class: "sr-heat"},
      h("thead", null, h("tr", null, h("th", null, W.confusion_head), labels.map(l => h("th", {scope: "col"}, h("span", null, l))))),
      h("tbody", null, counts.map((row, i) => h("tr", null, h("th", {scope: "row"}, labels[i]), row.map((count, j) => cell(count, i, j)))))));
  };
  const confusion = found => {
    const W = P.W.detail;
    if (found.mistakes) return window.StillroomPieces.mistakes(found, spoken);
    return [h("div", {class: "sr-pair"}, ["student", "teacher"].filter(side => found.confusion[side]).map(side => h("section", null, h("h4", null, spoken(found, side)), heat(found.confusion[side]),
      found.confusion[side].left_out ? h("p", {class: "sr-muted sr-small"}, say(W.left_out, {count: found.confusion[side].left_out})) : null))), P.how(W.confusion_how)];
  };

  // Reliability: dots by bin, the diagonal is perfect.
  const diagram = (one, css) => {
    const W = P.W.detail, size = 240, edge = 46, x = v => edge + v * size, y = v => 8 + (1 - v) * size;
    const grid = [0, 0.5, 1].flatMap(v => [svg("line", {x1: x(v), x2: x(v), y1: y(0), y2: y(1), class: "sr-grid"}), svg("line", {x1: x(0), x2: x(1), y1: y(v), y2: y(v), class: "sr-grid"}),
      svg("text", {x: x(v), y: y(0) + 16, "text-anchor": "middle"}, String(v)), svg("text", {x: x(0) - 6, y: y(v) + 4, "text-anchor": "end"}, String(v))]);
    const dots = (bins, name, most) => bins.filter(b => b.count).map(b => svg("circle", {cx: x(b.confidence), cy: y(b.accuracy), r: 2.5 + 9 * Math.sqrt(b.count / most), class: name},
      svg("title", {}, say(W.bin, {low: b.low.toFixed(2), high: b.high.toFixed(2), count: b.count, confidence: S.percent(b.confidence), accuracy: S.percent(b.accuracy)}))));
    const after = one.temperature && !one.temperature.at_limit ? one.temperature.bins_after : [];
    const most = bins => Math.max(1, bins.reduce((sum, b) => sum + b.count, 0));
    return svg("svg", {viewBox: "0 0 " + (size + edge + 14) + " " + (size + 46), class: "sr-reliability", role: "img", "aria-label": W.perfect}, grid,
      svg("line", {x1: x(0), y1: y(0), x2: x(1), y2: y(1), class: "sr-diagonal"}), dots(one.bins, css, most(one.bins)), dots(after, "sr-after", most(after)),
      svg("text", {x: x(0.5), y: y(0) + 33, "text-anchor": "middle"}, W.axes[0]), svg("text", {x: 10, y: y(0.5), "text-anchor": "middle", transform: "rotate(-90 10 " + y(0.5) + ")"}, W.axes[1]));
  };
  const temperature = (found, one, use) => {
    const W = words(found), fitted = one.temperature, said = h("span", {role: "status", class: "sr-lost"});
    if (!fitted || fitted.at_limit) return h("p", {class: "sr-muted sr-small"}, W.no_temperature);
    const inUse = known(found.temperature), value = fitted.value.toFixed(3);
    return h("div", {class: "sr-temperature"}, h("p", null, say(W.temperature, {value, fitted: fitted.fitted_on, before: points(fitted.ece_before), after: points(fitted.ece_after)})),
      inUse ? h("p", null, say(W.used, {value: found.temperature.toFixed(3)})) : null,
      h("p", null, h("button", {type: "button", class: "sr-button", id: "temperature-use", onclick: () => use(!inUse, said)}, inUse ? W.unuse : W.use), " ", said));
  };
  const calibration = (found, use) => {
    const W = words(found), sides = ["student", "teacher"].filter(side => found.calibration[side]);
    return [h("div", {class: "sr-pair"}, sides.map(side => {
      const one = found.calibration[side];
      return h("section", null, h("h4", null, spoken(found, side)), h("p", null, say(W.calibrated, {confidence: S.percent(one.confidence), accuracy: S.percent(one.accuracy), ece: points(one.ece)})),
        diagram(one, side === "student" ? "sr-dot-s" : "sr-dot-t"), one.temperature && !one.temperature.at_limit ? h("p", {class: "sr-small sr-muted"}, h("span", {class: "sr-ring", "aria-hidden": "true"}), " ", say(W.after, {value: one.temperature.value.toFixed(3)})) : null,
        side === "student" ? temperature(found, one, use) : null);
    })), P.how(W.calibration_how.map(line => say(line, {bins: found.calibration[sides[0]]?.bins.length})))];
  };

  const teachers = found => {
    const W = words(found), t = found.teachers;
    if (!t) return [];
    const values = {oracle: S.percent(t.oracle), gain: S.points(t.gain), student: S.percent(t.student), beyond: t.student_beyond};
    const cell = (i, j) => i === j ? S.DASH : t.both[i][j] + (known(t.overlap[i][j]) ? " (" + S.percent(t.overlap[i][j], 0) + ")" : "");
    const head = [...W.teachers_head.slice(0, 3), ...(t.names.length > 1 ? t.names.map(name => say(W.teachers_head[3], {name})) : [])];
    return [h("p", null, say(t.names.length > 1 ? W.teachers_said : W.teachers_one, values)), P.table(W.teachers, head, t.names.map((name, i) => h("tr", null,
      h("th", {scope: "row"}, P.swatch("sr-t" + (1 + i % 8)), name), P.num(S.percent(t.accuracy[i])), P.num(t.errors[i]), t.names.length > 1 ? t.names.map((_, j) => P.num(cell(i, j))) : null))),
      P.how(W.teachers_how)];
  };

  // A fold that is filled the first time it is opened; ask() → what its `draw` takes.
  const lazy = (id, title, ask, draw) => {
    const W = P.W.detail, body = h("div", {class: "sr-lazy"}), node = h("details", {class: "sr-details", id}, h("summary", null, title), body);
    const load = async again => {
      fill(body, h("p", {class: "sr-muted sr-small"}, W.looking));
      try {
        const found = await ask(again);
        if (found.error) throw new Error(found.error);
        if (found.missing) return fill(body, h("p", {class: "sr-muted"}, W[found.missing]));
        fill(body, draw(found, load));
      } catch (error) {
        console.debug("details:", error);
        fill(body, h("p", {class: "sr-muted"}, W.failed, " ", h("button", {type: "button", class: "sr-quiet", onclick: () => load(true)}, W.again)));
      }
    };
    node.addEventListener("toggle", () => { if (node.open && !body.children.length) load(false); });
    return node;
  };

  const cost = (report, ask) => lazy("result-cost", P.W.detail.cost, () => ask({}), found => {
    const W = P.W.detail, said = h("span", {role: "status", class: "sr-lost"}), box = h("div");
    const money = value => !known(value) ? S.DASH : value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(2) : value.toPrecision(3);
    const show = shown => fill(box, P.table(W.cost, W.cost_head, shown.rows.map(r => h("tr", null, h("th", {scope: "row"}, r.role === "student" ? W.student : r.name),
      P.num(r.batch), P.num(Math.round(r.per_second).toLocaleString("en")), P.num(money(r.cost))))));
    let timer = 0;
    const send = async price => {
      try {
        const answer = await ask({price});
        said.textContent = answer.error || "";
        if (!answer.error) show(answer);
      } catch { said.textContent = W.failed; }
    };
    const input = h("input", {type: "number", min: 0, step: "any", id: "cost-price", value: found.price ?? "", oninput: event => {
      clearTimeout(timer);
      if (event.target.value !== "") timer = setTimeout(() => send(Number(event.target.value)), 300);
    }});
    show(found);
    const tokens = (report.latency_models || [])[0]?.tokens ?? "?";
    const energy = h("div", {class: "sr-energy", id: "result-energy"}, h("h4", null, W.energy), found.energy.length ? found.energy.map(line => h("p", null, line)) : h("p", {class: "sr-muted sr-small"}, W.no_energy));
    return [h("div", {class: "sr-form"}, h("label", null, W.price, input), said), box, energy, P.how(W.cost_how.map(line => say(line, {tokens})))];
  });

  // asks: {details(), temperature({on}), cost({price})}
  const draw = (report, asks) => {
    const W = words(report);
    let held = null;
    const details = again => { if (again || !held) held = asks.details(); return held.catch(error => { held = null; throw error; }); };
    const part = (id, title, draw) => lazy(id, title, details, draw);
    const use = again => async (on, said) => {
      try {
        const answer = await asks.temperature({on});
        if (answer.error) { said.textContent = say(W.temperature_failed, answer); return; }
        await again(true);
      } catch { said.textContent = W.failed; }
    };
    return [report.unit === "piece" ? part("result-groups", P.W.pieces.groups, window.StillroomPieces.groups) : null, part("result-confusion", W.confusion, confusion), part("result-calibration", W.calibration, (found, again) => calibration(found, use(again))),
      part("result-teachers", W.teachers, teachers), cost(report, asks.cost)];
  };
  return {draw, lazy};
})();
