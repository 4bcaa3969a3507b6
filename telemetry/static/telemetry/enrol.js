// Keeps the page of unknown cards up to date: asks every second and a half, and hears nothing where nothing is new.
const EVERY = 1500; // ms
const GIVE_UP = 5000;
const ALARMING = 2; // in a row: a restart that is over sooner alarms nobody
const SETTLES = 600; // a row that has just come under a finger is not what the finger meant

const live = document.getElementById("live");
const lost = document.getElementById("lost");
let revision = live.firstElementChild.dataset.revision;
let endsAt = null;
let timer = null;
let isAsking = false;
let failures = 0;

function plan(after) {
  clearTimeout(timer);
  timer = document.hidden ? null : setTimeout(ask, after);
}

async function ask() {
  if (isAsking) return;
  isAsking = true;
  const patience = new AbortController();
  const patienceEnds = setTimeout(() => patience.abort(), GIVE_UP);
  const address = `${live.dataset.source}?revision=${encodeURIComponent(revision)}`;
  try {
    const response = await fetch(address, { credentials: "same-origin", cache: "no-store", signal: patience.signal });
    if (response.redirected || response.status === 403 || response.status === 404) {
      location.reload(); // logged out, or no longer allowed: the page says so itself
      return;
    }
    if (!response.ok) throw new Error(response.statusText);
    if (response.status !== 204) take(await response.text());
    failures = 0;
  } catch {
    failures += 1;
  } finally {
    clearTimeout(patienceEnds);
    isAsking = false;
  }
  lost.hidden = failures < ALARMING;
  plan(EVERY);
}

function take(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("[data-revision]");
  if (!fresh) return;
  revision = fresh.dataset.revision;
  const before = latest();
  const focused = document.activeElement?.id;
  live.querySelector("[data-part=window]").hidden = fresh.querySelector("[data-part=window]").hidden;
  for (const name of ["said", "time", "offer", "list"]) {
    replace(live.querySelector(`[data-part=${name}]`), fresh.querySelector(`[data-part=${name}]`));
  }
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
  if (latest() !== before) document.getElementById("news").textContent = latest();
  startCounting();
}

// What somebody hears who does not see the list.
function latest() {
  return live.querySelector("[data-news]")?.dataset.news ?? "";
}

// The place stays, so that what is new is read out, and only that.
function replace(old, fresh) {
  if (old.innerHTML === fresh.innerHTML) return;
  old.replaceChildren(...fresh.childNodes);
  old.classList.add("settling");
  setTimeout(() => old.classList.remove("settling"), SETTLES);
}

// From the seconds that the server says are left: the clock of this computer may be wrong.
function startCounting() {
  const countdown = live.querySelector("[data-left]");
  endsAt = countdown ? performance.now() + Number(countdown.dataset.left) * 1000 : null;
}

function tick() {
  if (endsAt === null) return;
  const left = Math.max(0, Math.ceil((endsAt - performance.now()) / 1000));
  const count = live.querySelector("[data-count]");
  if (count && count.textContent !== String(left)) count.textContent = left;
  if (left === 0) {
    endsAt = null;
    plan(0);
  }
}

function look() {
  if (document.hidden) clearTimeout(timer);
  else ask();
}

document.querySelector(".again").hidden = true;
document.addEventListener("visibilitychange", look);
addEventListener("online", look);
addEventListener("offline", () => (lost.hidden = false));
addEventListener("pageshow", (event) => event.persisted && look());
startCounting();
setInterval(tick, 250);
plan(EVERY);
