"use strict";
// A file that is dropped or chosen is sent to the studio, which is on this machine.
(() => {
  const { ask, say } = globalThis.studio;
  const $ = (id) => document.getElementById(id);
  const drop = $("drop");
  const value = (id) => $(id).value.trim();
  const send = async (files) => {
    if (files.length !== 1) {
      say(files.length === 0 ? "that is no file: drop one of measurements" : "drop one file at a time", true);
      return;
    }
    const [file] = files;
    say(`reading ${file.name} …`);
    const query = new URLSearchParams({ file: file.name, space: value("space"), metric: value("metric"), work: value("work") });
    try {
      const answer = await ask(`/advise/drop?${query}`, { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file });
      location.href = `/advise/job?${new URLSearchParams({ name: (await answer.json()).name })}`;
    } catch (error) {
      // What cannot be read, a folder for one, fails before anybody answers.
      say(error instanceof TypeError ? `${file.name}: cannot be read as a file` : error.message, true);
      $("file").value = ""; // so that the same file, mended, can be chosen again
    }
  };
  $("file").addEventListener("change", (event) => { if (event.target.files.length) send(event.target.files); });
  $("advise").addEventListener("submit", (event) => event.preventDefault());
  // The whole page takes files: one that is dropped beside the field would else be opened in its place.
  for (const kind of ["dragenter", "dragover"])
    addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
  addEventListener("dragleave", (event) => { if (event.relatedTarget === null) drop.classList.remove("over"); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    send(event.dataTransfer.files);
  });
})();
