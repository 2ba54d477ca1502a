"use strict";
// A point of the scatter plot that is chosen shows its architecture below; listed ones are links.
(() => {
  const { ask, say } = globalThis.studio;
  const main = document.getElementById("main");
  const chosen = document.getElementById("chosen");
  const linked = (part) => {
    for (const heading of part.querySelectorAll("#front tbody th, #neighbours tbody th")) {
      const link = document.createElement("a");
      link.href = `/architecture?${new URLSearchParams({ table: main.dataset.table, arch: heading.dataset.value })}`;
      link.textContent = heading.dataset.value;
      heading.replaceChildren(link);
    }
  };
  linked(document);
  if (chosen === null) return;
  const show = async (arch) => {
    try {
      const answer = await ask(`${chosen.dataset.part}&${new URLSearchParams({ arch })}`);
      await globalThis.hwbench.replace(chosen, await answer.text());
      linked(chosen);
      chosen.focus({ preventScroll: true });
      chosen.scrollIntoView({ block: "start" });
    } catch (error) {
      say(error.message, true);
    }
  };
  const listen = () => {
    const plot = document.querySelector("#scatter .plot");
    if (plot === null) return;
    if (plot.on === undefined) { setTimeout(listen, 100); return; }
    plot.on("plotly_click", ({ points }) => show(points[0].customdata));
    document.documentElement.dataset.listening = "yes";
  };
  listen();
})();
