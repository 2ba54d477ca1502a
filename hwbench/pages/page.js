"use strict";
(() => {
  const root = document.documentElement;
  let plots = [];
  let keys = [];
  const hidden = new Set();
  const met = new Set(); // groups whose keys have said whether they are shown to begin with

  // Colour tokens: "$c0" is the style sheet's --c0, "$c0/0.2" the same at 20 % opacity.
  let palette = {};
  const readPalette = () => {
    const style = getComputedStyle(root);
    palette = {};
    const lines = Array.from({ length: 17 }, (_, place) => `c${place}`);
    for (const name of ["ink", "muted", "axis", "grid", "panel", "none", ...lines])
      palette[name] = style.getPropertyValue(`--${name}`).trim();
  };
  const colour = (token) => {
    const [name, opacity] = token.slice(1).split("/");
    const value = palette[name];
    if (opacity === undefined) return value;
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(value.slice(at, at + 2), 16));
    return `rgba(${r}, ${g}, ${b}, ${opacity})`;
  };
  const resolved = (value, key = "") => {
    if (typeof value === "string") return /color$/.test(key) && value[0] === "$" ? colour(value) : value;
    // Coordinates come in long lists and hold no colours.
    if (Array.isArray(value)) return typeof value[0] === "object" && value[0] !== null ? value.map((item) => resolved(item)) : value;
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, resolved(item, name)]));
  };

  // A title too long for its axis goes on in a second line.
  const broken = (text) => {
    const middle = text.length / 2;
    const spaces = [...text.matchAll(/ /g)].map(({ index }) => index);
    const at = spaces.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))[0];
    return at === undefined ? text : `${text.slice(0, at)}<br>${text.slice(at + 1)}`;
  };
  const fitTitle = (axis, room) => {
    const title = axis?.title;
    if (title?.text && 7.2 * title.text.length > room) title.text = broken(title.text);
  };

  const coarse = matchMedia("(pointer: coarse)").matches;
  // What is folded away has no size yet: it is drawn when it is unfolded.
  const shown = ({ holder }) => holder.checkVisibility ? holder.checkVisibility() : holder.clientWidth > 0;
  const draw = (plot) => {
    const { holder, figure } = plot;
    plot.drawn = true;
    const data = resolved(figure.data);
    for (const trace of data) trace.visible = !hidden.has(trace.legendgroup);
    const layout = resolved(figure.layout);
    // Nobody zooms without wanting to keep the zoom; on a touch screen a drag scrolls the page.
    layout.uirevision = "kept";
    layout.dragmode = coarse ? false : "zoom";
    layout.height = holder.clientHeight;
    layout.width = holder.clientWidth;
    layout.font.family = getComputedStyle(document.body).fontFamily;
    if (holder.clientWidth < 480) layout.margin = { l: 44, r: 8, t: coarse ? 10 : 28, b: 44 };
    fitTitle(layout.xaxis, layout.width - 80);
    fitTitle(layout.yaxis, layout.height - 90);
    return Plotly.react(holder, data, layout, {
      displaylogo: false,
      displayModeBar: coarse ? false : "hover",
      modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
      toImageButtonOptions: { format: "svg", filename: `hwbench-${figure.name}` },
    });
  };
  const drawAll = () => {
    readPalette();
    for (const plot of plots) plot.drawn = false;
    return drawShown();
  };
  const drawShown = async () => typeof Plotly !== "undefined" && Promise.all(plots.filter((plot) => !plot.drawn && shown(plot)).map(draw)).then(() => {
    root.dataset.drawn = String(plots.filter(({ holder }) => holder.querySelector(".main-svg")).length);
  });

  const setTheme = (theme) => {
    root.dataset.theme = theme;
    toggle.textContent = theme === "dark" ? "Light" : "Dark";
    toggle.setAttribute("aria-label", `switch to the ${theme === "dark" ? "light" : "dark"} theme`);
  };
  const toggle = document.getElementById("theme");
  let chosen = false;
  try { chosen = localStorage.getItem("hwbench-theme") !== null; } catch { /* storage may be closed to files */ }
  toggle.addEventListener("click", () => {
    const theme = root.dataset.theme === "dark" ? "light" : "dark";
    chosen = true;
    try { localStorage.setItem("hwbench-theme", theme); } catch { /* then it holds until the page is left */ }
    setTheme(theme);
    drawAll();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
    if (chosen) return;
    setTheme(event.matches ? "dark" : "light");
    drawAll();
  });
  setTheme(root.dataset.theme);

  // Legends: a key switches its group in every figure.
  const showGroups = () => {
    for (const key of keys) key.setAttribute("aria-pressed", String(!hidden.has(key.dataset.group)));
    for (const plot of plots) {
      const { holder, figure } = plot;
      if (!shown(plot)) {
        plot.drawn = false;
        continue;
      }
      const visible = figure.data.map((trace) => !hidden.has(trace.legendgroup));
      Plotly.restyle(holder, { visible });
    }
  };
  const attachLegends = (part) => {
    for (const key of part.querySelectorAll(".key[data-group]")) {
      keys.push(key);
      if (!met.has(key.dataset.group) && key.getAttribute("aria-pressed") === "false") hidden.add(key.dataset.group);
      met.add(key.dataset.group);
      key.setAttribute("aria-pressed", String(!hidden.has(key.dataset.group)));
      key.addEventListener("click", () => {
        if (!hidden.delete(key.dataset.group)) hidden.add(key.dataset.group);
        showGroups();
      });
    }
    for (const button of part.querySelectorAll("[data-all]"))
      button.addEventListener("click", () => {
        for (const key of button.parentElement.querySelectorAll("[data-group]"))
          if (button.dataset.all === "hide") hidden.add(key.dataset.group);
          else hidden.delete(key.dataset.group);
        showGroups();
      });
  };

  // Tabs: of several views one is shown; arrow keys go from one to the next.
  const select = (tab, focus) => {
    for (const other of tab.parentElement.children) {
      other.setAttribute("aria-selected", String(other === tab));
      other.tabIndex = other === tab ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = other !== tab;
    }
    if (focus) tab.focus();
    drawShown();
  };
  const attachTabs = (part) => {
    for (const tab of part.querySelectorAll("[role=tab]")) {
      tab.addEventListener("click", () => select(tab, false));
      tab.addEventListener("keydown", (event) => {
        const all = [...tab.parentElement.children];
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        select(all[(all.indexOf(tab) + step + all.length) % all.length], true);
      });
    }
  };

  // Sorting: empty cells stay last in both directions.
  const headings = (table) => [...table.tHead.rows[0].cells];
  const sortBy = (table, column, order) => {
    const heading = headings(table)[column];
    const numeric = heading.classList.contains("number");
    for (const other of headings(table)) other.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const value = (row) => row.cells[column].dataset.value;
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      return sign * (numeric ? Number(x) - Number(y) : x.localeCompare(y));
    });
    table.tBodies[0].append(...rows);
  };
  const attachTables = (part) => {
    for (const table of part.querySelectorAll("table.data")) {
      headings(table).forEach((heading, column) => {
        heading.querySelector("button").addEventListener("click", () => {
          const current = heading.getAttribute("aria-sort");
          const first = heading.classList.contains("number") ? "descending" : "ascending";
          sortBy(table, column, current === "none" ? first : current === "ascending" ? "descending" : "ascending");
        });
      });
    }
  };

  // CSV: the values of the cells, and what they carry beside them: intervals, seeds.
  const field = (text) => {
    // A spreadsheet would run text that begins like a formula.
    const plain = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
    return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
  };
  const csv = (table) => {
    const rows = [...table.tBodies, ...(table.tFoot ? [table.tFoot] : [])].flatMap((part) => [...part.rows]);
    const more = (cell) => JSON.parse(cell.dataset.more ?? "{}");
    const fields = headings(table).map((heading, column) => ({
      key: heading.dataset.key,
      more: [...new Set(rows.flatMap((row) => Object.keys(more(row.cells[column]))))],
    }));
    const { smallKey } = table.dataset;
    const line = (row) => fields.flatMap(({ more: names }, column) => {
      const cell = row.cells[column];
      const extra = more(cell);
      return [cell.dataset.value, ...(column === 0 && smallKey ? [cell.dataset.small] : []), ...names.map((name) => String(extra[name] ?? ""))];
    });
    const header = fields.flatMap(({ key, more: names }, column) => [key, ...(column === 0 && smallKey ? [smallKey] : []), ...names.map((name) => `${key}_${name}`)]);
    return [header, ...rows.map(line)].map((values) => values.map(field).join(",")).join("\r\n") + "\r\n";
  };
  const attachDownloads = (part) => {
    for (const button of part.querySelectorAll("[data-csv]"))
      button.addEventListener("click", () => {
        const table = document.getElementById(button.dataset.csv);
        const link = document.createElement("a");
        link.href = URL.createObjectURL(new Blob([csv(table)], { type: "text/csv" }));
        link.download = `hwbench-${table.id}.csv`;
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 1000);
      });
  };

  // The contents follow the reader.
  let links = new Map();
  const inView = new Set();
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) inView[isIntersecting ? "add" : "delete"](target.id);
    const current = [...links.keys()].find((id) => inView.has(id));
    if (current === undefined) return;
    for (const [id, link] of links) link.setAttribute("aria-current", String(id === current));
  }, { rootMargin: "0px 0px -70% 0px" });
  const follow = () => {
    seen.disconnect();
    inView.clear();
    links = new Map([...document.querySelectorAll('nav a[href^="#"]')].map((link) => [link.hash.slice(1), link]));
    for (const id of links.keys()) {
      const heading = document.getElementById(id);
      if (heading !== null) seen.observe(heading);
    }
  };

  let waiting = 0;
  let width = innerWidth;
  addEventListener("resize", () => {
    // A phone's address bar changes the height alone: nothing to redraw.
    if (innerWidth === width) return;
    width = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 120);
  });

  let before = null; // what was as it is when nothing is printed

  // A link into a folded part unfolds it.
  const unfoldTarget = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target === null) return;
    for (let item = target.closest("details"); item !== null; item = item.parentElement.closest("details")) item.open = true;
    for (let panel = target.closest("[role=tabpanel]"); panel !== null; panel = panel.parentElement.closest("[role=tabpanel]"))
      if (panel.hidden) select(document.getElementById(panel.getAttribute("aria-labelledby")), false);
    target.scrollIntoView();
  };
  addEventListener("hashchange", unfoldTarget);
  const attachFolds = (part) => {
    for (const link of part.querySelectorAll('a[href^="#"]'))
      link.addEventListener("click", () => { if (link.hash === location.hash) unfoldTarget(); });
    for (const item of part.querySelectorAll("details")) item.addEventListener("toggle", () => { if (item.open && before === null) drawShown(); });
  };

  // Paper is white and takes the folded sections, the appendix only where the reader unfolded it.
  addEventListener("beforeprint", () => {
    before = { theme: root.dataset.theme, closed: [...document.querySelectorAll("section:not(.appendix) > details.fold:not([open])")].filter((item) => item.parentElement.closest(".appendix") === null) };
    for (const item of before.closed) item.open = true;
    setTheme("light");
    // The event comes before the page is laid out for paper, so its width is set by hand.
    root.dataset.print = "";
    drawAll();
  });
  addEventListener("afterprint", () => {
    if (before === null) return;
    for (const item of before.closed) item.open = false;
    setTheme(before.theme);
    delete root.dataset.print;
    before = null;
    drawAll();
  });

  // What a part of the page holds is made to work; `kept` has plots of before by name, which are
  // drawn on, so that whoever has zoomed into one stays there.
  const attach = (part, kept = new Map()) => {
    for (const holder of part.querySelectorAll(".plot")) {
      const figure = JSON.parse(holder.querySelector("script").textContent);
      const there = kept.get(figure.name);
      if (there === undefined) {
        plots.push({ holder, figure });
        continue;
      }
      there.figure = figure;
      there.drawn = false;
      there.holder.style.height = holder.style.height;
      holder.replaceWith(there.holder);
    }
    attachLegends(part);
    attachTables(part);
    attachDownloads(part);
    attachFolds(part);
    attachTabs(part);
  };

  // Of a page that grows: an element's content anew, as text of a server that escaped it.
  const folds = (part) => [...part.querySelectorAll("details")];
  const nameOf = (item) => item.querySelector("summary")?.textContent ?? "";
  // What has the focus is known again by its id, or else by what it is and says.
  const likeness = (item) => JSON.stringify([item.tagName, item.closest("[id]")?.id, item.getAttribute("href"), item.getAttribute("aria-label"), item.value, item.textContent.trim()]);
  const focusable = (part) => [...part.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
  const focusIn = (part) => {
    const item = document.activeElement;
    if (!part.contains(item) || item === part) return () => {};
    const { id } = item;
    const like = likeness(item);
    return () => {
      if (part.contains(document.activeElement)) return;
      const same = id ? document.getElementById(id) : focusable(part).find((other) => likeness(other) === like);
      same?.focus({ preventScroll: true });
    };
  };
  // How tables were sorted by the reader, and how far they were scrolled sideways.
  const tablesOf = (part) => [...part.querySelectorAll("table.data[id]")];
  const orderOf = (part) => {
    const orders = tablesOf(part).map((table) => {
      const heading = headings(table).find((cell) => cell.getAttribute("aria-sort") !== "none");
      return [table.id, { key: heading?.dataset.key, order: heading?.getAttribute("aria-sort"), left: table.parentElement.scrollLeft }];
    });
    const before = new Map(orders);
    return () => {
      for (const table of tablesOf(part)) {
        const was = before.get(table.id);
        if (was === undefined) continue;
        const column = headings(table).findIndex((cell) => cell.dataset.key === was.key);
        if (column >= 0) sortBy(table, column, was.order);
        table.parentElement.scrollLeft = was.left;
      }
    };
  };
  globalThis.hwbench = {
    replace(part, text) {
      const open = new Set(folds(part).filter((item) => item.open).map(nameOf));
      const known = new Set(folds(part).map(nameOf));
      const kept = new Map(plots.filter((plot) => part.contains(plot.holder)).map((plot) => [plot.figure.name, plot]));
      const focusAgain = focusIn(part);
      const orderAgain = orderOf(part);
      part.innerHTML = text;
      for (const item of folds(part)) if (known.has(nameOf(item))) item.open = open.has(nameOf(item));
      attach(part, kept);
      plots = plots.filter((plot) => plot.holder.isConnected);
      keys = keys.filter((key) => key.isConnected);
      follow();
      orderAgain();
      focusAgain();
      return drawShown();
    },
  };

  attach(document);
  follow();
  Promise.resolve(window.plotlyReady).then(drawAll).then(unfoldTarget);
})();
