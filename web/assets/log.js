// The log page: a live tail that can be filtered, paused and copied.

import { Lines } from "./lines.js";

export function followLog(output) {
  const form = document.getElementById("filters");
  const pause = document.getElementById("pause");
  const state = document.getElementById("state");
  const download = document.getElementById("download");
  let source;

  const lines = new Lines(output, (waiting) => {
    if (lines.paused) state.textContent = `Paused, ${waiting} waiting`;
  });

  function connect() {
    source?.close();
    const query = new URLSearchParams(new FormData(form));
    for (const [name, value] of [...query]) if (!value) query.delete(name);
    source = new EventSource(`${output.dataset.log}?${query}`);
    let isFirst = true;
    source.addEventListener("open", () => {
      if (!lines.paused) state.textContent = "Live";
    });
    source.addEventListener("error", () => {
      state.textContent = "Reconnecting";
    });
    source.addEventListener("lines", (event) => {
      // The stream begins with the lines that the page was rendered with.
      if (isFirst) lines.clear();
      isFirst = false;
      lines.add(JSON.parse(event.data));
    });
    download.href = `${download.dataset.href}?${query}`;
    return query;
  }

  function narrow() {
    lines.clear();
    const query = connect();
    history.replaceState(null, "", `${location.pathname}?${query}`);
  }

  let typing;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    narrow();
  });
  form.addEventListener("change", narrow);
  form.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(narrow, 300);
  });
  pause.addEventListener("click", () => {
    lines.paused = !lines.paused;
    pause.setAttribute("aria-pressed", String(lines.paused));
    pause.textContent = lines.paused ? "Resume" : "Pause";
    state.textContent = lines.paused ? "Paused" : "Live";
  });
  output.scrollTop = output.scrollHeight;
  connect();
}
