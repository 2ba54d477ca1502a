"use strict";
// Before anything is drawn: the theme that the reader chose, else that of the system.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem("hwbench-theme"); } catch { /* storage may be closed to files */ }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = chosen === "dark" || chosen === "light" ? chosen : dark ? "dark" : "light";
})();
