"use strict";
// A config: the text is all there is of it. A change of the form is sent as an edit and comes back
// as text and form; a change of the text comes back as form.
(() => {
  const { post, say } = globalThis.studio;
  const $ = (id) => document.getElementById(id);
  const kind = $("config").dataset.kind;
  const [form, text, name, run, workers] = ["form", "text", "name", "run", "workers"].map($);
  const past = [];
  let current = text.value;

  const question = (more = {}) => ({
    kind, text: text.value, name: name.value.trim(), run: run.value, workers: Number(workers.value), ...more,
  });

  // ---------------------------------------------------------------- what is shown
  const verdict = (problems) => {
    const box = $("verdict");
    box.replaceChildren();
    const line = document.createElement("p");
    line.className = problems.length ? "problem" : "right";
    line.textContent = problems.length === 0 ? "Nothing is wrong with it." : problems.length === 1 ? "One thing is wrong:" : `${problems.length} things are wrong:`;
    box.append(line);
    const list = document.createElement("ul");
    list.className = "problems";
    for (const { key, line: words } of problems) {
      const item = document.createElement("li");
      const target = $(`field-${key}`) ?? $(`part-${key}`) ?? $(`node-${key}`);
      const link = document.createElement(target ? "a" : "span");
      if (target) {
        link.href = `#${target.id}`;
        link.addEventListener("click", (event) => {
          event.preventDefault();
          for (let fold = target.closest("details"); fold !== null; fold = fold.parentElement.closest("details")) fold.open = true;
          (target.matches("input, select, textarea") ? target : target.querySelector("summary, input, select") ?? target).focus();
          target.scrollIntoView({ block: "center" });
        });
      }
      link.textContent = words;
      item.append(link);
      list.append(item);
    }
    if (problems.length) box.append(list);
    document.documentElement.dataset.wrong = String(problems.length);
  };

  const showRuns = (runs) => {
    const before = run.value;
    run.replaceChildren(...runs.map((each) => new Option(each)));
    if (runs.includes(before)) run.value = before;
    $("runs-label").hidden = runs.length < 2;
    $("workers-label").hidden = !runs.some((each) => ["study", "simulation", "search"].includes(each));
  };

  let asked = 0;
  let commandAsked = 0;
  const showCommand = async () => {
    const number = ++commandAsked;
    if (run.value === "") { $("command").textContent = ""; return; }
    try {
      const { command } = await post("/config/command", question());
      if (number === commandAsked) $("command").textContent = command;
    } catch (error) {
      if (number === commandAsked) $("command").textContent = error.message;
    }
  };

  const show = async (answer) => {
    if (answer.form !== null) await globalThis.hwbench.replace(form, answer.form);
    verdict(answer.problems);
    showRuns(answer.runs);
    find();
    await showCommand();
    if (kind === "scenario" && answer.problems.length === 0) {
      const number = asked;
      const deeper = await post("/config/check", question());
      if (number === asked && deeper.problems.length) verdict(deeper.problems);
    }
    document.documentElement.dataset.answered = String(asked);
  };

  // ---------------------------------------------------------------- changes
  // One after the other: each is made to the text that the one before has left.
  let queue = Promise.resolve();
  const change = (edits) => {
    asked += 1;
    queue = queue.then(() => changed(edits));
  };
  const changed = async (edits) => {
    try {
      const typed = text.value;
      const answer = await post("/config/form", question({ edits }));
      if (text.value !== typed) { // somebody goes on typing: their text counts
        if (edits.length) say("the text was changed meanwhile; make the change again", true);
        return;
      }
      if (answer.text !== current) {
        past.push(current);
        $("undo").disabled = false;
      }
      if (edits.length) text.value = answer.text;
      current = text.value;
      await show(answer);
    } catch (error) {
      say(error.message, true);
    }
  };

  form.addEventListener("change", (event) => {
    const field = event.target;
    if (field.dataset.into) {
      // A name is added to a list that is typed as TOML.
      const into = $(field.dataset.into);
      let list = [];
      const there = into.value.trim();
      const quoted = JSON.stringify(field.value);
      if (there === "" || there === "[]") list = `[${quoted}]`;
      else if (there.endsWith("]")) list = `${there.slice(0, -1)}, ${quoted}]`;
      else list = quoted;
      change([{ op: "set", place: JSON.parse(into.dataset.place), value: list, widget: into.dataset.widget }]);
      return;
    }
    if (!field.dataset.place) return;
    const place = JSON.parse(field.dataset.place);
    if (field.dataset.op) {
      if (field.value) change([{ op: field.dataset.op, place, name: field.value }]);
      return;
    }
    if (field.value === "") change([{ op: "unset", place }]);
    else change([{ op: "set", place, value: field.value, widget: field.dataset.widget }]);
  });
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-op]");
    if (button === null) return;
    change([{ op: button.dataset.op, place: JSON.parse(button.dataset.place), name: button.dataset.name ?? "" }]);
  });

  let waiting = 0;
  text.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => change([]), 400);
  });
  $("source").addEventListener("change", (event) => {
    if (event.target.value === "") return;
    change([{ op: "load", source: event.target.value, section: $("section").value }]);
    event.target.value = "";
  });
  $("undo").addEventListener("click", () => {
    text.value = past.pop() ?? text.value;
    current = text.value;
    $("undo").disabled = past.length === 0;
    change([]);
  });

  // ---------------------------------------------------------------- search
  const find = () => {
    const words = $("find").value.trim().toLowerCase();
    let count = 0;
    for (const field of form.querySelectorAll(".field")) {
      const hit = words !== "" && field.dataset.words.includes(words);
      field.classList.toggle("hit", hit);
      if (!hit) continue;
      count += 1;
      for (let fold = field.closest("details"); fold !== null; fold = fold.parentElement.closest("details")) fold.open = true;
    }
    $("found").textContent = words === "" ? "" : `${count} found`;
    return form.querySelector(".field.hit");
  };
  $("find").addEventListener("input", () => find()?.scrollIntoView({ block: "center" }));

  // ---------------------------------------------------------------- running
  const copy = (words) => navigator.clipboard.writeText(words).then(() => say("copied"), () => say("the browser does not let this page copy", true));
  $("copy-text").addEventListener("click", () => copy(text.value));
  $("copy-command").addEventListener("click", () => copy($("command").textContent));
  $("download").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text.value], { type: "application/toml" }));
    link.download = `${name.value.trim() || "config"}.toml`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  name.addEventListener("change", () => change([]));
  run.addEventListener("change", showCommand);
  workers.addEventListener("change", showCommand);
  $("estimate").addEventListener("click", async (event) => {
    event.target.disabled = true;
    $("cost").textContent = "timing …";
    try {
      $("cost").textContent = (await post("/config/estimate", question())).line;
    } catch (error) {
      $("cost").textContent = "";
      say(error.message, true);
    }
    event.target.disabled = false;
  });
  $("start")?.addEventListener("click", async (event) => {
    event.target.disabled = true;
    try {
      const { name: started } = await post("/config/start", question());
      location.href = `/run?${new URLSearchParams({ name: started })}`;
    } catch (error) {
      say(error.message, true);
      event.target.disabled = false;
    }
  });

  show({ form: null, ...JSON.parse($("shown").textContent) });
})();
