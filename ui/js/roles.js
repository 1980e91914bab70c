// Who is drawn how, in one place: teachers blues, student orange, controls greys (colours are CSS variables of
// style.css), and for everyone a line pattern and a marker of its own, for readers who do not tell the colours apart.
if (!window.StillroomRoles) window.StillroomRoles = (() => {
  const {css} = window.Stillroom;
  const TEACHER = "teacher:";
  const SOLID = "solid", DASH = "7px,4px", DOT = "2px,3px", DASHDOT = "8px,3px,2px,3px", LONG = "14px,4px";
  const PATTERNS = [SOLID, DASH, DOT, DASHDOT, LONG, "14px,3px,2px,3px", "4px,2px", "2px,6px"];
  const ARMS = {
    main: {colour: "--sr-student", dash: SOLID, width: 2.4, marker: "circle"},
    no_teacher: {colour: "--sr-control-1", dash: DASH, width: 1.6, marker: "square"},
    uniform: {colour: "--sr-control-2", dash: DOT, width: 1.8, marker: "diamond"},
  };
  // A look at the page's colours as they are now, or (light) as they are on paper.
  const look = (node, light) => name => css(name, light ? document.documentElement : node);

  class Roles {
    // labels: {main, no_teacher, uniform} in words
    constructor(labels) { this.labels = labels; this.names = []; }
    known(name) { if (!this.names.includes(name)) this.names.push(name); }
    teacher(name) {
      const number = Math.max(0, this.names.indexOf(name));
      return {colour: "--sr-teacher-" + (1 + number % 8), dash: PATTERNS[number % 8], width: 1.8, marker: "triangle-up"};
    }
    of(arm) { return arm.startsWith(TEACHER) ? this.teacher(arm.slice(TEACHER.length)) : ARMS[arm] || ARMS.main; }
    label(arm) { return arm.startsWith(TEACHER) ? arm.slice(TEACHER.length) : this.labels[arm] || arm; }
  }
  const loss = (name, number) => name === "loss_total" ? {colour: "--sr-loss-total", dash: SOLID, width: 2.2}
    : {colour: "--sr-" + name.replaceAll("_", "-"), dash: PATTERNS[number % 8], width: 1.6};
  const DEVICE = {
    cpu_share: {colour: "--sr-device-1", dash: SOLID}, memory_process: {colour: "--sr-device-1", dash: SOLID},
    accelerator_share: {colour: "--sr-device-2", dash: DASH}, accelerator_allocated: {colour: "--sr-device-2", dash: DASH},
    accelerator_reserved: {colour: "--sr-device-3", dash: DOT},
  };

  // Plotly reads a small HTML subset in labels; names come from people.
  const plain = text => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  // The piece of line a legend shows.
  const sample = (colour, dash) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), line = document.createElementNS(svg.namespaceURI, "line");
    for (const [key, value] of Object.entries({width: 26, height: 8, "aria-hidden": "true"})) svg.setAttribute(key, value);
    for (const [key, value] of Object.entries({x1: 0, x2: 26, y1: 4, y2: 4, "stroke-width": 2})) line.setAttribute(key, value);
    line.style.stroke = colour;
    if (dash !== SOLID) line.setAttribute("stroke-dasharray", dash.replaceAll("px", ""));
    svg.append(line);
    return svg;
  };
  return {PATTERNS, TEACHER, SOLID, DASH, DOT, DEVICE, Roles, loss, look, plain, sample};
})();
