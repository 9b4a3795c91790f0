// A deployment, live: its lines as they are printed, its stages as they pass.

import htmx from "htmx.org";
import { Lines } from "./lines.js";
import { Stream } from "./stream.js";

export function followDeployment(output) {
  const lines = new Lines(output);
  output.scrollTop = output.scrollHeight;
  const stream = new Stream(output.dataset.deployment, {
    lines(printed) {
      document.getElementById("silence")?.remove();
      lines.add(printed);
    },
    progress(part) {
      const progress = document.getElementById("progress");
      // The console rendered this itself, and escaped every text in it.
      progress.outerHTML = part;
      // Once nothing is streamed any more, the new part asks for its successor by itself.
      htmx.process(document.getElementById("progress"));
    },
    // Without this it would be opened again after the last item.
    end: () => stream.close(),
  });
}
