// Keeps a page that the server made up to date: [data-socket] says where from.
import { Connection } from "./connection.js";
import { applyChanges, watchFilter } from "./cards.js";
import { Clock } from "./clock.js";

const RELOAD_EVERY = 60000; // ms
const page = document.querySelector("[data-socket]");
const root = document.documentElement;
const clock = new Clock(page.dataset);

function showTroubles(troubles) {
  for (const banner of document.querySelectorAll(".trouble")) {
    banner.hidden = !troubles.includes(banner.id.replace("trouble-", ""));
  }
}

// While two servers of different age stand behind one address, not in circles.
function mayReload() {
  const last = Number(sessionStorage.getItem("reloaded"));
  if (Date.now() - last < RELOAD_EVERY) return false;
  sessionStorage.setItem("reloaded", Date.now());
  return true;
}

function take(message) {
  if (message.release !== undefined && message.release !== page.dataset.release && mayReload()) {
    location.reload(); // the server was updated: its texts no longer fit this page's script
    return;
  }
  root.dataset.live = "live";
  clock.set(message.at);
  showTroubles(message.troubles);
  applyChanges(page, message);
  page.dataset.revision = message.revision;
  clock.tick();
}

function lose() {
  root.dataset.live = "lost";
  showTroubles(["connection"]);
  clock.stop();
}

function leave() {
  page.replaceChildren(); // at once: the page that comes may be slow
  location.reload();
}

watchFilter(page);
clock.start();
new Connection(() => `${page.dataset.socket}&revision=${page.dataset.revision}`, { take, lose, leave }).open();
