"use strict";
// Text comes into the page as text alone (textContent, setAttribute): nothing of the data is ever read as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const text = data.strings;
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const SEVERITIES = ["info", "warning", "error"];
const NAMES = { info: "note", warning: "warning", error: "error" };
const CHUNK = 200;

/** An element with attributes and children; texts become text nodes. */
function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}
/** Text of our own manual, in which `this` is code. */
const prose = (words) => words.split("`").map((part, at) => (at % 2 ? el("code", {}, part) : part));
const number = (value) => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
const plural = (count, one, many) => `${number(count)} ${count === 1 ? one : many || one + "s"}`;
const sum = (list) => list.reduce((all, value) => all + value, 0);
/** Numbers in texts count as numbers: v1.9 before v1.10. */
const collator = new Intl.Collator("en", { numeric: true });

// ---- the data, made handy ------------------------------------------------------------------------------------------------

const pairs = (list) => list.filter((_, at) => at % 2 === 0).map((kind, at) => [text[kind], list[2 * at + 1]]);

const clusters = data.clusters.map((raw, index) => ({
  index,
  raw,
  name: text[raw.name],
  namespace: text[raw.namespace],
  title: raw.namespace ? `${text[raw.namespace]}/${text[raw.name]}` : text[raw.name],
  environment: text[raw.environment],
  stage: raw.stage,
  region: text[raw.region],
  version: text[raw.version],
  workerVersions: raw.workerVersions.map((version) => text[version]),
  machines: raw.controlPlane + raw.workers,
  objects: sum(raw.kinds.filter((_, at) => at % 2 === 1)),
  broken: raw.graph.absent.length,
  counts: [0, 0, 0],
  worst: 0,
  findings: [],
  rollout: [],
  replaced: 0,
  odd: 0,
}));

const unpacked = (columns) => columns.rule.map((rule, at) => ({
  rule: data.rules[rule],
  severity: columns.severity[at],
  message: text[columns.message[at]],
  suggestion: text[columns.suggestion[at]],
  cluster: clusters[columns.cluster[at]] || null,
  object: text[columns.object[at]],
  path: text[columns.path[at]],
  file: text[columns.file[at]],
  template: text[columns.template[at]],
  line: columns.line[at],
  mark: columns.mark[at],
  width: columns.width[at],
  source: text[columns.source[at]],
}));
const findings = unpacked(data.findings);
const outliers = unpacked(data.outliers);
for (const finding of findings) {
  if (!finding.cluster) continue;
  finding.cluster.counts[finding.severity]++;
  finding.cluster.findings.push(finding);
}
for (const outlier of outliers) if (outlier.cluster) outlier.cluster.odd++;

const byTitle = new Map(clusters.map((cluster) => [cluster.title, cluster]));
for (const row of data.rollout ? data.rollout.rollout : []) {
  const cluster = byTitle.get(row.cluster);
  if (!cluster) continue;
  cluster.rollout.push(row);
  cluster.replaced += row.replaced;
}
for (const cluster of clusters) {
  cluster.weight = cluster.counts[2] * 1e6 + cluster.counts[1] * 1e3 + cluster.counts[0];
  cluster.haystack = [cluster.title, cluster.environment, cluster.region, cluster.version, text[cluster.raw.class],
    text[cluster.raw.infrastructure], ...new Set(cluster.findings.map((finding) => finding.rule.name))].join("\n").toLowerCase();
}
for (const finding of findings) {
  finding.haystack = [finding.rule.name, finding.message, finding.object, finding.file, finding.path,
    finding.cluster ? finding.cluster.title : ""].join("\n").toLowerCase();
}

// ---- what is asked for ---------------------------------------------------------------------------------------------------

const NONE = "\u2014";
const state = { search: "", environment: "", region: "", version: "", severity: "", sort: "weight", down: true };
const FILTERS = ["search", "environment", "region", "version", "severity"];

function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  for (const name of FILTERS) state[name] = asked.get(name) || "";
  if (asked.has("sort")) {
    state.sort = asked.get("sort").replace(/^-/, "");
    state.down = asked.get("sort").startsWith("-");
  }
}
function writeAddress() {
  const asked = new URLSearchParams();
  for (const name of FILTERS) if (state[name]) asked.set(name, state[name]);
  if (state.sort !== "weight" || !state.down) asked.set("sort", (state.down ? "-" : "") + state.sort);
  history.replaceState(null, "", asked.size ? `#${asked}` : location.pathname + location.search);
}

const words = () => state.search.toLowerCase().split(/\s+/).filter(Boolean);
const isOf = (cluster) => ["environment", "region", "version"].every((field) => !state[field] || (cluster[field] || NONE) === state[field]);
const hasAll = (haystack, wanted) => wanted.every((word) => haystack.includes(word));
const least = () => SEVERITIES.indexOf(state.severity);

function shownClusters() {
  const wanted = words();
  const from = least();
  const sign = state.down ? -1 : 1;
  const value = SORTS[state.sort] || SORTS.weight;
  return clusters
    .filter((cluster) => isOf(cluster) && (from < 0 || sum(cluster.counts.slice(from)) > 0)
      && (hasAll(cluster.haystack, wanted) || cluster.findings.some((finding) => hasAll(finding.haystack, wanted))))
    .sort((a, b) => {
      const [left, right] = [value(a), value(b)];
      const order = typeof left === "number" ? left - right : collator.compare(left, right);
      return sign * order || a.index - b.index;
    });
}
function shownFindings() {
  const wanted = words();
  const from = least();
  const narrow = state.environment || state.region || state.version;
  return findings.filter((finding) => finding.severity >= from && (finding.cluster ? isOf(finding.cluster) : !narrow)
    && hasAll(finding.haystack, wanted));
}

const SORTS = {
  name: (cluster) => cluster.title,
  environment: (cluster) => `${cluster.stage}${cluster.environment}`,
  region: (cluster) => cluster.region,
  version: (cluster) => cluster.version,
  machines: (cluster) => cluster.machines,
  objects: (cluster) => cluster.objects,
  replaced: (cluster) => cluster.replaced,
  weight: (cluster) => cluster.weight,
};

// ---- overview ------------------------------------------------------------------------------------------------------------

function tile(value, label, small, kind, href) {
  return el(href ? "a" : "div", { class: `tile ${kind || ""}`, href }, el("b", {}, value), el("span", {}, label), small ? el("small", {}, small) : null);
}

function drawHead() {
  const sources = data.sources.map((source) => (source === "<stdin>" ? "standard input" : source));
  const named = sources.length > 3 ? `${sources.slice(0, 2).join(", ")} and ${sources.length - 2} more files` : sources.join(", ");
  byId("subtitle").textContent = [named, data.asOf ? `as of ${data.asOf}` : ""].filter(Boolean).join(" · ");
  byId("subtitle").title = sources.slice(0, 50).join("\n");
  const links = [["Overview", "overview"], data.rollout && ["Rollout", "rollout"], ["Clusters", "clusters"], ["Findings", "findings"], ["Kinds", "kinds"]];
  byId("nav").append(...links.filter(Boolean).map(([label, id]) =>
    el("a", { href: `#${id}`, onclick: (event) => { event.preventDefault(); byId(id).scrollIntoView(); byId(id).querySelector("button, a, summary")?.focus({ preventScroll: true }); } }, label)));
  byId("foot").textContent = `${data.tool} · keys: / search, j and k from cluster to cluster, Enter opens, Esc clears, t colours`;
}

function drawTiles() {
  const count = [0, 1, 2].map((severity) => findings.filter((finding) => finding.severity === severity).length);
  const planes = sum(data.clusters.map((cluster) => cluster.controlPlane));
  const workers = sum(data.clusters.map((cluster) => cluster.workers));
  const broken = clusters.filter((cluster) => cluster.broken);
  const hit = (severity) => clusters.filter((cluster) => cluster.counts[severity]).length;
  const inClusters = (severity) => (hit(severity) ? `in ${plural(hit(severity), "cluster")}` : "");
  byId("tiles").append(
    tile(number(clusters.length), clusters.length === 1 ? "cluster" : "clusters"),
    tile(number(planes + workers), "machines", `${number(planes)} control plane, ${number(workers)} workers`),
    tile(number(data.objects), "objects"),
    tile(number(count[2]), count[2] === 1 ? "error" : "errors", inClusters(2), count[2] ? "error" : "good"),
    tile(number(count[1]), count[1] === 1 ? "warning" : "warnings", inClusters(1), count[1] ? "warning" : ""),
    tile(number(count[0]), count[0] === 1 ? "note" : "notes", inClusters(0)),
    tile(number(sum(broken.map((cluster) => cluster.broken))), "open references",
      broken.length ? `of ${plural(broken.length, "cluster")}` : "all are in the release", broken.length ? "warning" : ""),
  );
}

/** Bars of how many clusters say what, each divided by environment; a bar filters. */
function bars(heading, field) {
  const counts = new Map();
  for (const cluster of clusters) {
    const key = cluster[field] || NONE;
    if (!counts.has(key)) counts.set(key, [0, 0, 0, 0, 0]);
    counts.get(key)[cluster.stage]++;
  }
  if (counts.size === 0 || (counts.size === 1 && counts.has(NONE))) return null;
  const order = field === "environment"
    ? (a, b) => a[1].findIndex(Boolean) - b[1].findIndex(Boolean) || collator.compare(a[0], b[0])
    : field === "version" ? (a, b) => collator.compare(b[0], a[0]) : (a, b) => sum(b[1]) - sum(a[1]) || collator.compare(a[0], b[0]);
  const rows = [...counts].sort(order);
  const most = Math.max(...rows.map(([, stages]) => sum(stages)));
  const LIMIT = 12;
  const shown = rows.slice(0, LIMIT).map(([key, stages]) => {
    const track = el("span", { class: "track" }, stages.map((stage, at) => (stage ? el("i", { class: `s${at}` }) : null)));
    const parts = stages.filter(Boolean);
    [...track.children].forEach((part, at) => { part.style.width = `${(100 * parts[at]) / most}%`; });
    return el("button", {
      type: "button", "data-field": field, "data-value": key, "aria-pressed": "false",
      onclick: () => { state[field] = state[field] === key ? "" : key; draw(); },
    }, el("span", { class: "label" }, key === NONE ? "not said" : key), track, el("span", { class: "number" }, number(sum(stages))));
  });
  const rest = rows.length > LIMIT ? el("p", { class: "legend" }, `and ${rows.length - LIMIT} more: choose one in the filters`) : null;
  const stages = [0, 1, 2, 3, 4].filter((stage) => clusters.some((cluster) => cluster.stage === stage));
  const names = ["development", "staging", "production", "other", "not said"];
  const legend = field !== "environment" && stages.length > 1
    ? el("p", { class: "legend" }, stages.map((stage) => el("span", {}, el("i", { class: `s${stage}` }), names[stage]))) : null;
  return el("div", { class: "panel" }, el("h3", {}, heading), el("div", { class: "bars" }, shown), rest, legend);
}

function goTo(cluster) {
  Object.assign(state, { search: "", environment: "", region: "", version: "", severity: "" });
  draw();
  while (!rowOf.get(cluster) && appendRows()) { /* until it is there */ }
  const row = rowOf.get(cluster);
  if (!row) return;
  if (!row.classList.contains("open")) toggle(cluster);
  row.scrollIntoView({ block: "center" });
  row.querySelector("button").focus({ preventScroll: true });
}
const clusterLink = (cluster) => el("button", { type: "button", class: "link", onclick: () => goTo(cluster) }, cluster.title);

function listPanel(heading, items, kind) {
  if (items.length === 0) return null;
  const list = el("ul", { class: "plain" }, items.slice(0, 8));
  const panel = el("div", { class: `panel ${kind || ""}` }, el("h3", {}, heading), list);
  if (items.length > 8) {
    const more = el("button", { type: "button", class: "more", onclick: () => { list.append(...items.slice(8)); more.remove(); } }, `${number(items.length - 8)} more`);
    panel.append(more);
  }
  return panel;
}

function drawGlance() {
  const skewed = clusters.filter((cluster) => cluster.workerVersions.length).map((cluster) =>
    el("li", {}, clusterLink(cluster), " ", el("span", { class: "chip" }, cluster.version || "no version"),
      cluster.workerVersions.map((version) => el("span", { class: "chip warning" }, `workers ${version}`))));
  const odd = outliers.map((outlier) => el("li", {}, outlier.cluster ? [clusterLink(outlier.cluster), ": "] : [], outlier.message.replace(`cluster '${outlier.cluster?.name}' `, "")));
  const groups = new Map();
  for (const finding of findings) {
    const key = finding.rule.name;
    if (!groups.has(key)) groups.set(key, { rule: finding.rule, counts: [0, 0, 0] });
    groups.get(key).counts[finding.severity]++;
  }
  const weight = ({ counts }) => counts[2] * 1e9 + counts[1] * 1e4 + counts[0];
  const rules = [...groups.values()].sort((a, b) => weight(b) - weight(a)).map(({ rule, counts }) =>
    el("li", {}, el("button", { type: "button", class: "link mono", onclick: () => { state.search = rule.name; draw(); byId("findings").scrollIntoView(); } }, rule.name),
      " ", chips(counts), el("br"), el("span", { class: "muted" }, prose(rule.about))));
  byId("glance").append(...[
    bars("Kubernetes versions", "version"),
    bars("Environments", "environment"),
    bars("Regions", "region"),
    listPanel("Workers at another version", skewed),
    listPanel("Not like the others", odd, "long"),
    listPanel("What was found", rules),
  ].filter(Boolean));
}

// ---- clusters ------------------------------------------------------------------------------------------------------------

const chips = (counts) => [2, 1, 0].filter((severity) => counts[severity]).map((severity) =>
  el("span", { class: `chip ${SEVERITIES[severity]}` }, plural(counts[severity], NAMES[SEVERITIES[severity]])));

const COLUMNS = [
  { label: "Cluster", sort: "name" },
  { label: "Environment", sort: "environment" },
  { label: "Region", sort: "region" },
  { label: "Version", sort: "version" },
  { label: "Machines", sort: "machines", number: true },
  { label: "Objects", sort: "objects", number: true },
  ...(data.rollout ? [{ label: "Replaced", sort: "replaced", number: true }] : []),
  { label: "Findings", sort: "weight" },
];
const table = byId("cluster-table");
const rowOf = new Map();
let waiting = [];

function drawClusterHead() {
  table.tHead.rows[0].replaceChildren(...COLUMNS.map((column) => el("th", {
    scope: "col", class: column.number ? "num" : "",
    "aria-sort": state.sort === column.sort ? (state.down ? "descending" : "ascending") : "none",
  }, el("button", {
    type: "button",
    onclick: () => {
      state.down = state.sort === column.sort ? !state.down : Boolean(column.number) || column.sort === "weight";
      state.sort = column.sort;
      draw();
    },
  }, column.label))));
}

function clusterRow(cluster) {
  const button = el("button", { type: "button", class: "toggle", "aria-expanded": "false" }, cluster.name,
    cluster.namespace && cluster.namespace !== cluster.name ? el("small", {}, ` ${cluster.namespace}`) : null);
  const versions = cluster.workerVersions.map((version) => el("span", { class: "chip warning", title: "version of workers" }, `workers ${version}`));
  const notes = [
    chips(cluster.counts),
    cluster.odd ? el("span", { class: "chip accent", title: "not like the others of its group" }, "outlier") : null,
    cluster.broken ? el("span", { class: "chip", title: "references to objects that are not in this release" }, plural(cluster.broken, "open reference")) : null,
  ].flat().filter(Boolean);
  const row = el("tr", { class: "row", onclick: (event) => { if (!getSelection().toString() || event.target === button) toggle(cluster); } },
    el("td", {}, button),
    el("td", {}, cluster.environment),
    el("td", {}, cluster.region),
    el("td", {}, cluster.version, versions.length ? " " : "", versions),
    el("td", { class: "num", "data-label": "Machines", title: `${cluster.raw.controlPlane} control plane, ${cluster.raw.workers} workers` }, number(cluster.machines)),
    el("td", { class: "num", "data-label": "Objects" }, number(cluster.objects)),
    data.rollout ? el("td", { class: "num", "data-label": "Replaced" }, cluster.replaced ? el("span", { class: "swap" }, number(cluster.replaced)) : "0") : null,
    el("td", {}, notes.length ? notes : el("span", { class: "chip good" }, "no findings")));
  rowOf.set(cluster, row);
  return row;
}

/** The next rows; whether there were any. */
function appendRows() {
  const next = waiting.splice(0, CHUNK);
  table.tBodies[0].append(...next.map(clusterRow));
  return next.length > 0;
}

function drawClusters() {
  drawClusterHead();
  waiting = shownClusters();
  byId("shown").textContent = waiting.length === clusters.length ? plural(clusters.length, "cluster") : `${number(waiting.length)} of ${plural(clusters.length, "cluster")}`;
  rowOf.clear();
  table.tBodies[0].replaceChildren();
  if (!appendRows()) {
    const why = clusters.length ? "No cluster fits these filters." : "This release holds no cluster.";
    table.tBodies[0].append(el("tr", {}, el("td", { class: "empty", colspan: COLUMNS.length }, why)));
  }
}

function toggle(cluster) {
  const row = rowOf.get(cluster);
  const button = row.querySelector(".toggle");
  const opens = row.classList.toggle("open");
  button.setAttribute("aria-expanded", String(opens));
  if (opens) row.after(el("tr", { class: "detail" }, el("td", { colspan: COLUMNS.length }, detail(cluster))));
  else row.nextElementSibling.remove();
}

function detail(cluster) {
  const facts = [
    [`${cluster.raw.controlPlane} control plane + ${plural(cluster.raw.workers, "worker")}`, "accent"],
    text[cluster.raw.infrastructure] && [text[cluster.raw.infrastructure], ""],
    text[cluster.raw.class] && [`class ${text[cluster.raw.class]}`, ""],
    ...pairs(cluster.raw.kinds).map(([kind, count]) => [`${count} ${kind}`, ""]),
  ].filter(Boolean);
  const own = outliers.filter((outlier) => outlier.cluster === cluster);
  return el("div", { class: "parts" },
    el("p", { class: "facts" }, facts.map(([label, kind]) => el("span", { class: `chip ${kind}` }, label))),
    cluster.raw.graph.kind.length ? el("div", { class: "panel" }, el("h3", {}, "References"),
      el("div", { class: "graph", tabindex: "0", role: "group", "aria-label": `References of ${cluster.title}` }, graph(cluster))) : null,
    own.length ? el("div", { class: "panel" }, el("h3", {}, "Not like the others"), el("ul", { class: "plain" }, own.map((outlier) => el("li", {}, outlier.message)))) : null,
    cluster.rollout.length ? el("div", {}, el("h3", {}, "Rollout"), billTable(cluster.rollout, false)) : null,
    cluster.findings.length ? el("div", {}, el("h3", {}, "Findings"), grouped(cluster.findings).map((group) => findingBox(group, true))) : null);
}

// ---- graphs --------------------------------------------------------------------------------------------------------------

function svg(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** Places come with the data; here they are drawn. Arrow heads have names, which must not be the same in two pictures. */
function graph(cluster) {
  const { kind, name, place, absent, edges } = cluster.raw.graph;
  const HEIGHT = 40;
  const gone = new Set(absent);
  const at = (node) => ({ x: place[3 * node], y: place[3 * node + 1], width: place[3 * node + 2] });
  const short = (label) => (label.length > 44 ? label.slice(0, 43) + "…" : label);
  const head = (id, className) => svg("marker", { id, class: className, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, svg("path", { d: "M0 0L8 4L0 8z" }));
  const paths = [];
  for (let edge = 0; edge < edges.length; edge += 2) {
    const [from, to] = [at(edges[edge]), at(edges[edge + 1])];
    const [x1, y1, x2, y2] = [from.x + from.width, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2];
    const bend = Math.min(160, Math.max(24, Math.abs(x2 - x1) / 2));
    const broken = gone.has(edges[edge + 1]);
    paths.push(svg("path", { class: broken ? "broken" : "edge", d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`,
      "marker-end": `url(#${broken ? "cut" : "arrow"}${cluster.index})` }));
  }
  const boxes = kind.map((_, node) => {
    const { x, y, width } = at(node);
    const mark = gone.has(node) ? " · not in this release" : "";
    const [kindName, objectName] = [text[kind[node]], text[name[node]]];
    return svg("g", { class: gone.has(node) ? "absent" : "node" }, svg("title", {}, `${kindName} ${objectName}${mark}`),
      svg("rect", { x, y, width, height: HEIGHT, rx: 6 }),
      svg("text", { class: "kind", x: x + 10, y: y + 15 }, short(kindName) + mark),
      svg("text", { x: x + 10, y: y + 31 }, short(objectName)));
  });
  const right = Math.max(...kind.map((_, node) => at(node).x + at(node).width)) + 10;
  const bottom = Math.max(...kind.map((_, node) => at(node).y)) + HEIGHT + 10;
  return svg("svg", { width: right, height: bottom, viewBox: `0 0 ${right} ${bottom}`, role: "img", "aria-label": `${kind.length} objects of ${cluster.title}` },
    svg("defs", {}, head(`arrow${cluster.index}`, "whole"), head(`cut${cluster.index}`, "cut")), ...paths, ...boxes);
}

// ---- findings ------------------------------------------------------------------------------------------------------------

/** Findings that say the same of several places, worst first. */
function grouped(list) {
  const groups = new Map();
  for (const finding of list) {
    const key = `${finding.severity} ${finding.rule.name} ${finding.message}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(finding);
  }
  return [...groups.values()].sort((a, b) => b[0].severity - a[0].severity || b.length - a.length);
}

function spot(finding, inCluster) {
  const where = [finding.file === "<stdin>" ? "standard input" : finding.file, finding.line].filter(Boolean).join(":");
  const parts = [];
  if (finding.cluster && !inCluster) parts.push(clusterLink(finding.cluster), " · ");
  const about = [finding.object === finding.file ? "" : finding.object, finding.path].filter(Boolean).join(" ");
  const box = el("div", { class: "spot" }, parts, about, about && where ? " · " : "", el("span", { class: "muted mono" }, where),
    finding.template ? el("span", { class: "muted" }, ` (${finding.template})`) : null);
  if (finding.source.trim()) {
    const { source, mark, width } = finding;
    box.append(el("pre", { class: "source" }, el("span", { class: "no" }, finding.line), source.slice(0, mark),
      el("mark", {}, source.slice(mark, mark + width)), source.slice(mark + width)));
  }
  return box;
}

function findingBox(group, inCluster) {
  const [first] = group;
  const severity = SEVERITIES[first.severity];
  const inside = el("div", { class: "inside" });
  const hit = new Set(group.map((finding) => finding.cluster).filter(Boolean)).size;
  const places = group.length > 1 ? el("span", { class: "chip" }, plural(group.length, "place") + (hit > 1 && !inCluster ? ` in ${hit} clusters` : "")) : null;
  const one = group.length === 1 && !inCluster ? el("span", { class: "muted" }, first.cluster ? first.cluster.title : first.object) : null;
  const box = el("details", { class: `finding ${severity}` },
    el("summary", {}, el("span", { class: `chip ${severity}` }, NAMES[severity]), " ", el("span", { class: "rule" }, first.rule.name), " ", places, one,
      el("span", { class: "said" }, first.message)), inside);
  let filled = false;
  const fill = () => {
    if (filled) return;
    filled = true;
    inside.append(el("p", { class: "muted" }, prose(first.rule.about), ` (${first.rule.provenance})`));
    const helps = new Set(group.map((finding) => finding.suggestion));
    if (helps.size === 1 && first.suggestion) inside.append(el("p", { class: "help" }, first.suggestion));
    const rest = group.slice();
    const more = el("button", { type: "button", class: "more" });
    const add = () => {
      for (const finding of rest.splice(0, 20)) {
        const place = spot(finding, inCluster);
        if (helps.size > 1 && finding.suggestion) place.append(el("p", { class: "help" }, finding.suggestion));
        more.before(place);
      }
      more.hidden = rest.length === 0;
      more.textContent = `${number(rest.length)} more places`;
    };
    more.addEventListener("click", add);
    inside.append(more);
    add();
  };
  box.addEventListener("toggle", () => box.open && fill());
  box.fill = fill;
  return box;
}

function drawFindings() {
  const groups = grouped(shownFindings());
  const list = byId("finding-list");
  list.replaceChildren();
  if (groups.length === 0) {
    list.append(el("p", { class: "panel empty" }, findings.length ? "No finding fits these filters." : "Nothing was found."));
    return;
  }
  const more = el("button", { type: "button", class: "more" });
  const add = () => {
    more.before(...groups.splice(0, 50).map((group) => findingBox(group, false)));
    more.hidden = groups.length === 0;
    more.textContent = `${number(groups.length)} more`;
  };
  more.addEventListener("click", add);
  list.append(more);
  add();
}

// ---- kinds and rollout ---------------------------------------------------------------------------------------------------

function drawKinds() {
  const totals = new Map();
  const add = (kinds, where) => {
    for (const [kind, count] of pairs(kinds)) {
      if (!totals.has(kind)) totals.set(kind, { clusters: 0, with: 0, shared: 0, unassigned: 0, hooks: 0 });
      totals.get(kind)[where] += count;
      if (where === "clusters") totals.get(kind).with++;
    }
  };
  data.clusters.forEach((cluster) => add(cluster.kinds, "clusters"));
  data.beside.forEach((beside) => add(beside.kinds, beside.name));
  const beside = ["shared", "unassigned", "hooks"].filter((name) => data.beside.some((one) => one.name === name));
  const all = (row) => row.clusters + row.shared + row.unassigned + row.hooks;
  const head = ["Kind", "Objects", "In clusters", "Of how many", ...beside.map((name) => name[0].toUpperCase() + name.slice(1))];
  const rows = [...totals].sort((a, b) => all(b[1]) - all(a[1]) || collator.compare(a[0], b[0])).map(([kind, row]) => el("tr", {},
    el("td", {}, kind), [all(row), row.clusters, row.with, ...beside.map((name) => row[name])].map((count, at) =>
      el("td", { class: "num", "data-label": head[at + 1] }, count ? number(count) : el("span", { class: "muted" }, "0")))));
  byId("kind-list").append(el("table", { class: "grid cards" },
    el("thead", {}, el("tr", {}, head.map((label, at) => el("th", { scope: "col", class: `plainhead ${at ? "num" : ""}` }, label)))), el("tbody", {}, rows)));
}

function billTable(rows, withCluster) {
  const labels = ["Owner", "Replaced", "Added", "Removed", "Because of"];
  const head = withCluster ? ["Cluster", ...labels] : labels;
  const body = el("tbody");
  const line = (row) => {
    const cluster = byTitle.get(row.cluster);
    const why = [...row.causes.slice(0, 4).map((cause) => el("code", { class: "cause" }, cause)),
      row.causes.length > 4 ? el("span", { class: "muted cause" }, `and ${row.causes.length - 4} more`) : null,
      row.blocked ? el("span", { class: "cause" }, el("span", { class: "chip error" }, "blocked"), " ", row.blocked) : null,
      ...(row.notes || []).map((note) => el("span", { class: "muted cause" }, note))].filter(Boolean);
    return el("tr", {}, withCluster ? el("td", {}, cluster ? clusterLink(cluster) : row.cluster) : null, el("td", {}, row.owner),
      ["replaced", "added", "removed"].map((move) => el("td", { class: `num ${row[move] && move === "replaced" ? "swap" : ""}`, "data-label": move }, number(row[move]))),
      el("td", {}, why));
  };
  const rest = rows.slice();
  const wrap = el("div", {}, el("table", { class: "grid cards" }, el("thead", {}, el("tr", {}, head.map((label) =>
    el("th", { scope: "col", class: `plainhead ${["Replaced", "Added", "Removed"].includes(label) ? "num" : ""}` }, label)))), body));
  const more = el("button", { type: "button", class: "more" });
  const add = () => {
    body.append(...rest.splice(0, 25).map(line));
    more.hidden = rest.length === 0;
    more.textContent = `${number(rest.length)} more`;
  };
  more.addEventListener("click", add);
  wrap.append(more);
  add();
  return wrap;
}

function drawRollout() {
  const bill = data.rollout;
  if (!bill) return;
  byId("rollout").hidden = false;
  const { summary } = bill;
  const share = (part, whole) => (whole ? `${Math.floor((100 * part) / whole)} % of ${number(whole)}` : "");
  const said = (item) => el("li", {}, el("span", { class: `chip ${item.severity}` }, NAMES[item.severity]), " ", el("span", { class: "rule mono" }, item.rule), " ",
    el("b", {}, item.object), " ", item.path ? el("code", {}, item.path) : null, item.path ? ": " : "", item.message,
    item.suggestion ? el("p", { class: "help" }, item.suggestion) : null);
  const changed = `${summary.added} added, ${summary.removed} removed, ${summary.renamed} renamed`;
  byId("bill").append(
    el("p", { class: `verdict ${bill.accepted ? "good" : "error"}` }, bill.accepted ? "The server accepts this upgrade."
      : `The server refuses this upgrade: ${plural(summary.refusals, "refusal")}. Machines move as below only once nothing is refused any more.`),
    el("div", { class: "tiles" },
      tile(number(summary.machinesReplaced), "machines replaced", share(summary.machinesReplaced, summary.machines), summary.machinesReplaced ? "warning" : "good"),
      tile(number(summary.clustersRolled), "clusters that roll", share(summary.clustersRolled, summary.clusters)),
      tile(number(summary.machinesAdded), "machines added"), tile(number(summary.machinesRemoved), "machines removed"),
      tile(number(summary.changed), "objects changed", changed),
      tile(number(summary.blocked), "waiting", "", summary.blocked ? "error" : "")),
    ...[listPanel("Refused", bill.refusals.map(said)), listPanel("Worth knowing", bill.warnings.map(said))].filter(Boolean));
  if (bill.rollout.length) byId("bill").append(el("h3", { style: "margin-top:1rem" }, "The bill"), billTable(bill.rollout, true));
}

// ---- what the reader does ------------------------------------------------------------------------------------------------

function drawFilters() {
  const fill = (id, all, names) => byId(id).replaceChildren(el("option", { value: "" }, all), ...names.map(([value, label]) => el("option", { value }, label)));
  const values = (field) => [...new Set(clusters.map((cluster) => cluster[field] || NONE))].sort(collator.compare).map((value) => [value, value === NONE ? "not said" : value]);
  fill("environment", "All environments", values("environment"));
  fill("region", "All regions", values("region"));
  fill("version", "All versions", values("version").reverse());
  fill("severity", "Any finding or none", [["error", "Errors"], ["warning", "Warnings and worse"], ["info", "Any finding"]]);
  for (const id of ["environment", "region", "version", "severity"]) byId(id).addEventListener("change", () => { state[id] = byId(id).value; draw(); });
  let pause;
  byId("search").addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(() => { state.search = byId("search").value; draw(); }, 60);
  });
  byId("clear").addEventListener("click", clear);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
}
function clear() {
  for (const name of FILTERS) state[name] = "";
  draw();
}
function draw() {
  for (const name of FILTERS) if (byId(name).value !== state[name]) byId(name).value = state[name];
  byId("clear").hidden = FILTERS.every((name) => !state[name]);
  for (const bar of document.querySelectorAll("[data-field]")) bar.setAttribute("aria-pressed", String(state[bar.dataset.field] === bar.dataset.value));
  writeAddress();
  drawClusters();
  drawFindings();
}

/** Auto follows the system; the choice is remembered where the browser allows it. */
const dark = matchMedia("(prefers-color-scheme: dark)");
let theme = "auto";
try { theme = localStorage.getItem("capi-lint-theme") || "auto"; } catch { /* a file without storage */ }
function paint() {
  document.documentElement.dataset.theme = theme === "auto" ? (dark.matches ? "dark" : "light") : theme;
  byId("theme").textContent = { auto: "Auto", light: "Light", dark: "Dark" }[theme];
}
function nextTheme() {
  theme = { auto: dark.matches ? "light" : "dark", light: dark.matches ? "dark" : "auto", dark: dark.matches ? "auto" : "light" }[theme];
  try { localStorage.setItem("capi-lint-theme", theme); } catch { /* as above */ }
  paint();
}

function step(by) {
  const buttons = [...table.querySelectorAll(".toggle")];
  const here = buttons.indexOf(document.activeElement);
  const next = buttons[here < 0 ? 0 : here + by];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") { clear(); document.activeElement?.blur(); return; }
  if (event.target.closest("input, select, textarea")) return;
  const actions = { "/": () => byId("search").focus(), j: () => step(1), k: () => step(-1), t: nextTheme };
  if (!actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
});
byId("theme").addEventListener("click", nextTheme);
dark.addEventListener("change", paint);
addEventListener("hashchange", () => { readAddress(); draw(); });
new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) appendRows(); }, { rootMargin: "800px" }).observe(byId("findings"));
addEventListener("scroll", () => { if (waiting.length && byId("findings").getBoundingClientRect().top < innerHeight + 800) appendRows(); }, { passive: true });
addEventListener("beforeprint", () => {
  while (appendRows()) { /* paper has no scrolling */ }
  document.querySelectorAll("details.finding").forEach((box) => { box.fill(); box.open = true; });
});

paint();
readAddress();
drawHead();
drawTiles();
drawGlance();
drawRollout();
drawFilters();
draw();
drawKinds();
