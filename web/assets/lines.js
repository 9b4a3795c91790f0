// Lines of a log, put on the page once a frame, and never more than a bounded number of them.

const MOST_LINES = 2000;

/** One line as an element; all of it is text, with classes for its colours. */
function element(line) {
  const row = document.createElement("span");
  row.className = line.kind;
  if (line.origin) {
    const origin = document.createElement("span");
    origin.className = "origin";
    origin.textContent = `${line.time} ${line.origin} `;
    row.append(origin);
  }
  for (const piece of line.pieces) {
    if (piece.style) {
      const part = document.createElement("span");
      part.className = piece.style;
      part.textContent = piece.text;
      row.append(part);
    } else {
      row.append(piece.text);
    }
  }
  row.append("\n");
  return row;
}

/** Collects lines and writes them to `output` with the next frame, or not while paused. */
export class Lines {
  #output;
  #waiting = [];
  #frame = 0;
  #paused = false;
  #changed;

  /** `changed` is told how many lines wait, after each change. */
  constructor(output, changed = () => {}) {
    this.#output = output;
    this.#changed = changed;
  }

  add(lines) {
    this.#waiting.push(...lines);
    const excess = this.#waiting.length - MOST_LINES;
    if (excess > 0) this.#waiting.splice(0, excess);
    this.#changed(this.#waiting.length);
    this.#schedule();
  }

  clear() {
    this.#waiting = [];
    this.#output.replaceChildren();
  }

  get paused() {
    return this.#paused;
  }

  set paused(paused) {
    this.#paused = paused;
    this.#schedule();
  }

  #schedule() {
    if (this.#paused || this.#frame || this.#waiting.length === 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#write();
    });
  }

  #write() {
    if (this.#paused) return;
    const output = this.#output;
    // Who has scrolled up is reading; who is at the end wants to stay there.
    const atEnd = output.scrollHeight - output.scrollTop - output.clientHeight < 40;
    const fragment = document.createDocumentFragment();
    for (const line of this.#waiting) fragment.append(element(line));
    this.#waiting = [];
    output.append(fragment);
    while (output.childElementCount > MOST_LINES) output.firstElementChild.remove();
    if (atEnd) output.scrollTop = output.scrollHeight;
    this.#changed(0);
  }
}
