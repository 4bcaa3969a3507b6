// Times that move on: the clock in the header, and how long machines have been in use. By the server's clock, not ours.
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export class Clock {
  #words;
  #offset = 0;
  #isStopped = false;

  constructor(words) {
    this.#words = words;
    const clock = document.getElementById("clock");
    if (clock) this.#offset = Date.parse(clock.dateTime) - Date.now();
  }

  set(at) {
    this.#offset = Date.parse(at) - Date.now();
    this.#isStopped = false;
  }

  stop() {
    this.#isStopped = true;
  }

  start() {
    this.tick();
    setInterval(() => this.tick(), 1000);
  }

  tick() {
    if (this.#isStopped) return;
    const now = Date.now() + this.#offset;
    const clock = document.getElementById("clock");
    if (clock) write(clock, new Date(now).toLocaleTimeString(this.#words.language, { timeZone: this.#words.zone, hourCycle: "h23" }));
    for (const time of document.querySelectorAll("[data-elapsed]")) {
      write(time, this.#elapsed((now - Date.parse(time.dateTime)) / 1000));
    }
  }

  #elapsed(seconds) {
    const minutes = Math.max(0, Math.floor(seconds / MINUTE));
    if (minutes < 60) return this.#words.minutes.replace("#", minutes);
    const clockwise = `${Math.floor((seconds % DAY) / HOUR)}:${String(minutes % 60).padStart(2, "0")}`;
    const hours = this.#words.hours.replace("#", clockwise);
    return seconds < DAY ? hours : `${this.#words.days.replace("#", Math.floor(seconds / DAY))} ${hours}`;
  }
}

// Only what differs: a screen reader and the garbage collector hear of each write.
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
