"use strict";
// What all pages of the studio share: parts that grow, buttons that post, words that are copied.
(() => {
  const said = document.getElementById("said");
  let silence = 0;
  const say = (text, wrong = false) => {
    said.textContent = text;
    said.classList.toggle("wrong", wrong);
    clearTimeout(silence);
    if (!wrong) silence = setTimeout(() => { said.textContent = ""; }, 6000);
  };

  addEventListener("keydown", (event) => { if (event.key === "Escape") say(""); });

  // Answers of the studio, or an error with its one line.
  const ask = async (path, options = {}) => {
    const answer = await fetch(path, options);
    if (!answer.ok) throw new Error((await answer.text()).trim() || `the studio answered ${answer.status}`);
    return answer;
  };
  const post = (path, content) => ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(content),
  }).then((answer) => answer.json());
  globalThis.studio = { ask, post, say };

  // ---------------------------------------------------------------- what grows
  const grows = document.getElementById("grows");
  const report = document.getElementById("report");

  const fetchReport = async () => {
    const { contents, body } = await ask(report.dataset.report).then((answer) => answer.json());
    document.getElementById("contents").innerHTML = contents;
    if (report.dataset.shown === body) return;
    report.dataset.shown = body;
    await hwbench.replace(report, body);
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && report.contains(target) && !report.dataset.scrolled) {
      report.dataset.scrolled = "yes";
      for (let item = target.closest("details"); item !== null; item = item.parentElement.closest("details")) item.open = true;
      target.scrollIntoView();
    }
  };
  // Those who do not see a part grow hear of it: its state, and every tenth of the way.
  const heard = document.getElementById("heard");
  let told = null;
  const tell = () => {
    const state = grows.querySelector(".state")?.textContent;
    const bar = grows.querySelector("progress");
    if (state === undefined || grows.querySelector("#runs-table") !== null) return;
    const tenths = bar === null ? "" : `, ${10 * Math.floor(10 * bar.value)} %`;
    const words = `${state}${tenths}`;
    if (told !== null && words !== told) heard.textContent = words;
    told = words;
  };
  let busy = false;
  let again = false;
  let before = "";
  // One question at a time: what changes meanwhile is asked for once that is answered.
  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const text = await ask(grows.dataset.part).then((answer) => answer.text());
      if (text !== before) {
        before = text;
        await hwbench.replace(grows, text);
        tell();
        grows.dispatchEvent(new Event("grown"));
      }
      if (report !== null) await fetchReport();
      document.documentElement.dataset.seen = String(Number(document.documentElement.dataset.seen ?? 0) + 1);
    } catch (error) {
      say(error.message, true);
    }
    busy = false;
    if (again) { again = false; refresh(); }
  };
  if (grows !== null) {
    tell();
    const source = new EventSource(grows.dataset.events);
    source.addEventListener("changed", refresh);
    source.addEventListener("watching", () => { document.documentElement.dataset.watching = "yes"; if (said.classList.contains("wrong")) say(""); });
    source.addEventListener("error", () => { if (source.readyState !== EventSource.OPEN) say("the studio does not answer; runs go on without it", true); });
    addEventListener("pagehide", () => source.close());
    // Rates and times left change without a file's changing.
    setInterval(() => { if (!document.hidden && grows.querySelector(".state.running")) refresh(); }, 5000);
    if (report !== null) fetchReport().catch((error) => say(error.message, true));
  }

  // ---------------------------------------------------------------- buttons
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-post], [data-copy]");
    if (button === null) return;
    if (button.dataset.copy !== undefined) {
      await navigator.clipboard.writeText(button.dataset.copy).then(() => say("copied"), () => say("the browser does not let this page copy", true));
      return;
    }
    button.disabled = true;
    try {
      const { name, failed } = button.dataset;
      const answer = await post(button.dataset.post, { name, failed: failed === "true" });
      say(answer.told ? `told to stop: ${answer.told}` : `started: ${answer.started}`);
    } catch (error) {
      say(error.message, true);
      button.disabled = false;
    }
    refresh();
  });

  // ---------------------------------------------------------------- the list of runs
  const filter = document.getElementById("filter");
  if (filter !== null) {
    const chosen = new Set();
    const compare = document.getElementById("compare");
    const show = () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of grows.querySelectorAll("tbody tr")) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
      for (const box of grows.querySelectorAll("input[name=name]")) box.checked = chosen.has(box.value);
      compare.disabled = chosen.size < 2;
      compare.textContent = chosen.size < 2 ? "Compare" : `Compare ${chosen.size}`;
    };
    grows.addEventListener("change", (event) => {
      if (event.target.name !== "name") return;
      if (event.target.checked) chosen.add(event.target.value);
      else chosen.delete(event.target.value);
      show();
    });
    grows.addEventListener("grown", show);
    filter.addEventListener("input", show);
    document.getElementById("choose").addEventListener("submit", (event) => {
      event.preventDefault();
      location.href = `/compare?${new URLSearchParams([...chosen].map((name) => ["name", name]))}`;
    });
    show();
  }
})();
