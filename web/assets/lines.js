// Lines of a log, put on the page a few times a second, in blocks that are laid out as one and only
// while they are in sight. There is never more than a bounded number of lines.

const MOST_LINES = 5000;
const BLOCK_LINES = 250;
/** Between two writes: nobody reads faster, and the page stays free to answer. */
const PACE_MS = 100;

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

/** How many lines a child of the output is: a block, or one that came with the page. */
const linesIn = (child) => (child.className === "block" ? child.childElementCount : 1);

/** Collects lines and writes them to `output` with one of the next frames, or not while paused. */
export class Lines {
  #output;
  #waiting = [];
  #shown;
  #frame = 0;
  #written = 0;
  #paused = false;
  #changed;

  /** `changed` is told how many lines wait, after each change. */
  constructor(output, changed = () => {}) {
    this.#output = output;
    this.#shown = output.childElementCount;
    this.#changed = changed;
  }

  add(lines) {
    for (const line of lines) this.#waiting.push(line);
    const excess = this.#waiting.length - MOST_LINES;
    if (excess > 0) this.#waiting.splice(0, excess);
    this.#changed(this.#waiting.length);
    this.#schedule();
  }

  clear() {
    this.#waiting = [];
    this.#shown = 0;
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
    this.#frame = requestAnimationFrame((now) => {
      this.#frame = 0;
      if (now - this.#written < PACE_MS) return this.#schedule();
      this.#written = now;
      this.#write();
    });
  }

  #write() {
    if (this.#paused) return;
    const output = this.#output;
    // Who has scrolled up is reading; who is at the end wants to stay there. Nothing was changed
    // since the last frame, so that asking costs no layout.
    const atEnd = output.scrollHeight - output.scrollTop - output.clientHeight < 40;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#shown += waiting.length;
    for (let at = 0; at < waiting.length; ) {
      const block = this.#block();
      const fragment = document.createDocumentFragment();
      const end = Math.min(waiting.length, at + BLOCK_LINES - block.childElementCount);
      for (; at < end; at += 1) fragment.append(element(waiting[at]));
      block.append(fragment);
    }
    while (this.#shown > MOST_LINES) {
      const oldest = output.firstElementChild;
      this.#shown -= linesIn(oldest);
      oldest.remove();
    }
    if (atEnd) output.scrollTop = output.scrollHeight;
    this.#changed(0);
  }

  /** The last block, or a new one when that is full. */
  #block() {
    const last = this.#output.lastElementChild;
    if (last?.className === "block" && last.childElementCount < BLOCK_LINES) return last;
    const block = document.createElement("span");
    block.className = "block";
    this.#output.append(block);
    return block;
  }
}
