// A screen on the wall: nobody touches it for months.
const ANEW_AFTER = 24 * 60 * 60 * 1000; // ms
const LOOK_EVERY = 60 * 1000;
const PAGE = 24;
const TURN_PAGE = 15 * 1000;

const began = performance.now();
let firstShown = 0;

// Whatever a browser loses in a day it gets back, but only while the server is there to give the page again.
async function startAnew() {
  if (performance.now() - began < ANEW_AFTER || document.documentElement.dataset.live !== "live") return;
  const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
  if (answer?.ok) location.reload();
}

async function stayAwake() {
  if (document.hidden) return;
  await navigator.wakeLock?.request("screen").catch(() => null);
}

// More machines than fit are shown in turns.
function turnPage() {
  const cards = [...document.querySelectorAll(".machine")];
  firstShown = cards.length > PAGE && firstShown + PAGE < cards.length ? firstShown + PAGE : 0;
  showPage(cards);
}

function showPage(cards = [...document.querySelectorAll(".machine")]) {
  cards.forEach((card, place) => {
    card.hidden = place < firstShown || place >= firstShown + PAGE;
  });
}

setInterval(startAnew, LOOK_EVERY);
setInterval(turnPage, TURN_PAGE);
new MutationObserver(() => showPage()).observe(document.getElementById("grid"), { childList: true, subtree: true });
document.addEventListener("visibilitychange", stayAwake);
showPage();
stayAwake();
