// Results of masked language models: texts with their hidden pieces, the most frequent mistakes, kinds of pieces.
if (!window.StillroomPieces) window.StillroomPieces = (() => {
  const S = window.Stillroom, P = window.StillroomParts, {h, known, say} = S;
  const whole = value => value.toLocaleString("en");
  // Single signs, and spaces around what goes on with a word, are seen on a ground of their own.
  const piece = name => h("span", {class: "sr-piece"}, name);
  // A part's words, as they are where answers are for pieces.
  const words = (part, unit) => unit === "piece" ? {...P.W[part], ...P.W.pieces[part]} : P.W[part];

  // What stood there and what was said instead; spoken(side) names a side.
  const mistakes = (found, spoken) => {
    const W = words("detail", "piece");
    const side = name => {
      const one = found.mistakes[name];
      return h("section", null, h("h4", null, spoken(found, name)), h("p", null, say(W.mistakes_said, {wrong: whole(one.wrong), units: whole(one.units), kinds: whole(one.kinds)})),
        one.pairs.length ? P.table(W.confusion, W.mistakes_head, one.pairs.map(p => h("tr", null, h("th", {scope: "row"}, piece(p.gold)), P.num(piece(p.said)), P.num(whole(p.count)), P.num(whole(p.of))))) : null);
    };
    return [h("div", {class: "sr-pair sr-mistakes"}, ["student", "teacher"].map(side)), P.how(W.confusion_how)];
  };

  const groups = found => {
    const W = P.W.pieces, rows = found.groups, control = rows.some(r => known(r.control)), loss = rows.some(r => known(r.student_loss));
    const keep = (value, column) => column === 4 && !control || column > 4 && !loss ? null : value;
    const nats = value => P.num(known(value) ? value.toFixed(2) : S.DASH);
    const head = W.groups_head.map((t, i) => keep(say(t, {teacher: found.against[found.reference]}), i)).filter(Boolean);
    const line = r => h("tr", null, [h("th", {scope: "row"}, r.name), P.num(whole(r.pieces)), P.num(S.points(r.student)), P.num(S.points(r.teacher)), P.num(S.points(r.control)),
      nats(r.student_loss), nats(r.teacher_loss)].map(keep));
    const body = Object.entries(W.group_names).flatMap(([kind, title]) => {
      const own = rows.filter(r => r.kind === kind);
      return own.length ? [h("tr", {class: "sr-row-head"}, h("th", {scope: "rowgroup", colspan: head.length}, title)), ...own.map(line)] : [];
    });
    return [P.table(W.groups, head, body), P.how(W.groups_how)];
  };

  // ---- one text: its words with what was hidden marked, then a line for each hidden piece
  const text = row => {
    const at = number => row.places[number - 1];
    if (!row.parts.length) return null;
    return h("p", {class: "sr-hidden-text"}, row.parts.map(([part, number]) => number
      ? h("mark", {class: at(number).chosen ? "sr-hidden sr-hidden-chosen" : "sr-hidden"}, part, h("sup", null, number)) : part));
  };
  const answer = found => said => h("td", {class: said.right ? "sr-says-right" : "sr-says-wrong", "data-name": found.titles[said.key]}, h("span", {class: "sr-visually-hidden"}, (said.right ? P.W.examples.right : P.W.examples.wrong) + ": "),
    piece(said.label), known(said.confidence) ? h("span", {class: "sr-muted"}, " " + S.percent(said.confidence, 0)) : null,
    !said.right && known(said.of_gold) ? h("small", {class: "sr-muted"}, say(P.W.pieces.of_gold, {share: said.of_gold < 0.005 ? "< 1%" : S.percent(said.of_gold, 0)})) : null);
  const line = found => place => h("tr", null, h("th", {scope: "row"}, h("sup", null, place.place), " ", piece(place.gold),
    h("small", {class: "sr-muted"}, [place.kind, P.W.pieces.how_hidden[place.hidden]].filter(Boolean).join(" · "))), place.said.map(answer(found)));
  const lines = (found, row, places) => {
    const W = P.W.pieces;
    return h("div", {class: "sr-scroll"}, h("table", {class: "sr-table sr-places"}, h("caption", {class: "sr-visually-hidden"}, say(W.text, row)),
      h("thead", null, h("tr", null, [W.hidden, ...row.places[0].said.map(s => found.titles[s.key])].map(t => h("th", {scope: "col"}, t)))), h("tbody", null, places.map(line(found)))));
  };
  const article = found => row => {
    const W = P.W.pieces, rest = row.places.filter(p => !p.chosen);
    return h("article", {class: "sr-text"}, h("h4", {title: row.id}, say(W.text, row)),
      text(row) || h("p", {class: "sr-muted sr-small"}, found.texts_missing ? S.DASH : P.W.examples.no_text), lines(found, row, row.places.filter(p => p.chosen)),
      rest.length ? h("details", {class: "sr-how"}, h("summary", null, rest.length === 1 ? W.other : say(W.others, {count: rest.length})), lines(found, row, rest)) : null);
  };
  const texts = found => [h("div", {class: "sr-texts"}, found.rows.map(article(found))), P.how(P.W.pieces.how)];
  return {words, mistakes, groups, texts};
})();
