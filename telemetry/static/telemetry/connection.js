// A socket that comes back by itself, and notices when it is dead without anybody having said so.
const NOT_ALLOWED = 4401;
const FIRST_RETRY = 250; // ms
const SLOWEST_RETRY = 1000;
const CONNECT_WITHIN = 4000;
const SILENT_AFTER = 6500; // the server says something every 4 s
const LOST_AFTER = 1500; // a restart that is over sooner alarms nobody
const SLEPT_AFTER = 4000; // a timer of one second that comes that late: the computer slept

export class Connection {
  #address;
  #listener;
  #socket = null;
  #retry = FIRST_RETRY;
  #retryTimer = null;
  #heardAt = 0;
  #openedAt = 0;
  #lostAt = performance.now();
  #isOver = false;

  constructor(address, listener) {
    this.#address = address;
    this.#listener = listener;
  }

  open() {
    for (const name of ["online", "pageshow", "focus"]) addEventListener(name, () => this.#look());
    document.addEventListener("visibilitychange", () => this.#look());
    addEventListener("offline", () => this.#cut());
    document.addEventListener("resume", () => this.#look());
    addEventListener("pagehide", () => this.#drop());
    this.#watch();
    this.#connect();
  }

  #connect() {
    clearTimeout(this.#retryTimer);
    if (this.#isOver) return;
    this.#drop();
    const socket = new WebSocket(new URL(this.#address(), location.href.replace(/^http/, "ws")));
    this.#socket = socket;
    this.#openedAt = performance.now();
    this.#heardAt = 0;
    socket.onmessage = (event) => this.#hear(event.data);
    socket.onclose = (event) => {
      this.#socket = null;
      this.#end(event.code);
    };
  }

  #hear(data) {
    const message = JSON.parse(data);
    if (message.error) return; // said before it closes; the code that comes says what to do
    this.#heardAt = performance.now();
    this.#retry = FIRST_RETRY;
    this.#lostAt = null;
    this.#listener.take(message);
  }

  #end(code) {
    clearTimeout(this.#retryTimer);
    if (code === NOT_ALLOWED) {
      this.#isOver = true;
      this.#listener.leave();
      return;
    }
    this.#lostAt ??= performance.now();
    this.#retryTimer = setTimeout(() => this.#connect(), this.#retry * (0.75 + Math.random() / 4));
    this.#retry = Math.min(SLOWEST_RETRY, this.#retry * 2);
  }

  // Forgets the socket; whatever it still says is not heard.
  #drop() {
    if (!this.#socket) return;
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
    this.#lostAt ??= performance.now();
  }

  // The browser knows that there is no network any more.
  #cut() {
    if (this.#isOver) return;
    this.#drop();
    this.#listener.lose();
    this.#end();
  }

  #isSilent(now) {
    if (!this.#socket) return false;
    return this.#heardAt ? now - this.#heardAt > SILENT_AFTER : now - this.#openedAt > CONNECT_WITHIN;
  }

  #watch() {
    let before = performance.now();
    let wallBefore = Date.now();
    setInterval(() => {
      const now = performance.now();
      // While it sleeps some computers stop one clock, some both.
      const slept = !document.hidden && Math.max(now - before, Date.now() - wallBefore) > SLEPT_AFTER;
      [before, wallBefore] = [now, Date.now()];
      if (this.#heardAt && this.#isSilent(now)) this.#listener.lose();
      if (this.#isSilent(now) || slept) this.#connect();
      if (this.#lostAt !== null && now - this.#lostAt > LOST_AFTER) this.#listener.lose();
    }, 1000);
  }

  // Somebody looks again, or there is a network again: no waiting for a timer.
  #look() {
    if (document.hidden || this.#isOver) return;
    const now = performance.now();
    if (!this.#socket || (this.#heardAt && now - this.#heardAt > SILENT_AFTER / 2)) this.#connect();
  }
}
