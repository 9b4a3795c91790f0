// A live stream that goes on where it ended. A browser opens one again by itself whose connection
// broke, but gives it up for good after any other answer: that of a proxy while the server starts
// again, or the way to the sign-in page once the session has ended.

const PAUSE_MS = 3000;
/** Refusals in a row, after which the page is asked for: somebody may have to sign in. */
const DOUBTED_AFTER = 3;
const PAGE_DEADLINE_MS = 10_000;

/** Whether the server has a page to show here, be it another one than this. */
async function hasPage() {
  const asked = { method: "HEAD", signal: AbortSignal.timeout(PAGE_DEADLINE_MS) };
  const response = await fetch(location.href, asked).catch(() => null);
  return response !== null && response.status < 500;
}

export class Stream {
  #address;
  #takers;
  #opened;
  #broken;
  /** The id behind what was taken. */
  #seen = "";
  #source = null;
  #timer = 0;
  #refusals = 0;
  #closing = new AbortController();

  /** `takers` get what events of their name hold; `opened` and `broken` are told of connections. */
  constructor(address, takers, { opened = () => {}, broken = () => {} } = {}) {
    this.#address = address;
    // Where the server has looked without finding anything to send.
    this.#takers = { position: () => {}, ...takers };
    this.#opened = opened;
    this.#broken = broken;
    const { signal } = this.#closing;
    addEventListener("pagehide", () => this.#stop(), { signal });
    addEventListener("pageshow", (event) => event.persisted && this.#open(), { signal });
    this.#open();
  }

  close() {
    this.#closing.abort();
    this.#stop();
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #open() {
    const address = new URL(this.#address, location.href);
    if (this.#seen) address.searchParams.set("after", this.#seen);
    const source = new EventSource(address);
    this.#source = source;
    for (const [name, take] of Object.entries(this.#takers)) {
      source.addEventListener(name, (event) => {
        this.#seen = event.lastEventId || this.#seen;
        take(JSON.parse(event.data));
      });
    }
    source.addEventListener("open", () => {
      this.#refusals = 0;
      this.#opened();
    });
    source.addEventListener("error", () => {
      this.#broken();
      if (source.readyState === EventSource.CLOSED) this.#refuse(source);
    });
  }

  async #refuse(source) {
    this.#refusals += 1;
    const isOver = this.#refusals >= DOUBTED_AFTER && (await hasPage());
    // It may have been closed, or the page left, meanwhile.
    if (this.#source !== source) return;
    if (isOver) location.reload();
    else this.#timer = setTimeout(() => this.#open(), PAUSE_MS);
  }
}
