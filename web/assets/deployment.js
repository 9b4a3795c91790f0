// A deployment, live: its lines as they are printed, its stages as they pass.

import htmx from "htmx.org";
import { Lines } from "./lines.js";

export function followDeployment(output) {
  const lines = new Lines(output);
  const source = new EventSource(output.dataset.deployment);
  output.scrollTop = output.scrollHeight;
  source.addEventListener("lines", (event) => {
    document.getElementById("silence")?.remove();
    lines.add(JSON.parse(event.data));
  });
  source.addEventListener("progress", (event) => {
    const progress = document.getElementById("progress");
    // The console rendered this itself, and escaped every text in it.
    progress.outerHTML = JSON.parse(event.data);
    // Once nothing is streamed any more, the new part asks for its successor by itself.
    htmx.process(document.getElementById("progress"));
  });
  // Without this the browser would connect again after the last item.
  source.addEventListener("end", () => source.close());
}
