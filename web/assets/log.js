// The log page: a live tail that can be filtered, paused and copied.

import { Lines } from "./lines.js";
import { Stream } from "./stream.js";

export function followLog(output) {
  const form = document.getElementById("filters");
  const pause = document.getElementById("pause");
  const state = document.getElementById("state");
  const download = document.getElementById("download");
  let stream;

  const lines = new Lines(output, (waiting) => {
    if (lines.paused) state.textContent = `Paused, ${waiting} waiting`;
  });

  function connect() {
    stream?.close();
    const query = new URLSearchParams(new FormData(form));
    for (const [name, value] of [...query]) if (!value) query.delete(name);
    let isFirst = true;
    const takers = {
      lines(written) {
        // The stream begins with the lines that the page was rendered with.
        if (isFirst) lines.clear();
        isFirst = false;
        lines.add(written);
      },
    };
    stream = new Stream(`${output.dataset.log}?${query}`, takers, {
      opened() {
        state.textContent = lines.paused ? "Paused" : "Live";
      },
      broken() {
        state.textContent = "Reconnecting";
      },
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
