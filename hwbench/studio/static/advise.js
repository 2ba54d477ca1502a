"use strict";
// A file that is dropped or chosen is sent to the studio, which is on this machine.
(() => {
  const { ask, say } = globalThis.studio;
  const $ = (id) => document.getElementById(id);
  const drop = $("drop");
  const send = async (file) => {
    if (file === undefined) return;
    say(`reading ${file.name} …`);
    const query = new URLSearchParams({ file: file.name, space: $("space").value, metric: $("metric").value.trim() });
    try {
      const answer = await ask(`/advise/drop?${query}`, { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file });
      location.href = `/advise/job?${new URLSearchParams({ name: (await answer.json()).name })}`;
    } catch (error) {
      say(error.message, true);
    }
  };
  $("file").addEventListener("change", (event) => send(event.target.files[0]));
  for (const kind of ["dragenter", "dragover"])
    drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
  for (const kind of ["dragleave", "drop"])
    drop.addEventListener(kind, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); send(event.dataTransfer.files[0]); });
})();
