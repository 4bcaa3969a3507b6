// What stands below the card is as old as the page: asked for again when the card changes, or an answer is awaited.
const AT_MOST_EVERY = 1000; // ms
const MOST_TRIES = 20; // in a row, for an answer that is awaited

const card = document.querySelector("#card");
let timer = null;
let askedAt = -AT_MOST_EVERY;
let tries = 0;

const details = () => document.getElementById("details");

function askSoon() {
  timer ??= setTimeout(ask, Math.max(0, askedAt + AT_MOST_EVERY - performance.now()));
}

async function ask() {
  timer = null;
  askedAt = performance.now();
  try {
    const response = await fetch(details().dataset.page, { credentials: "same-origin" });
    if (response.status === 404) location.assign(details().dataset.page); // the machine is gone
    else if (response.ok && !response.redirected) take(await response.text());
  } catch {
    // No network, or the server restarts: the next change of the card asks again.
  }
  askWhileAwaited();
}

function askWhileAwaited() {
  tries = details().hasAttribute("data-awaits") ? tries + 1 : 0;
  if (tries > 0 && tries <= MOST_TRIES) askSoon();
}

function take(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const [echo, newEcho] = [document, fresh].map((page) => page.getElementById("echo"));
  const [old, renewed] = [details(), fresh.getElementById("details")];
  if (!newEcho || !renewed) return;
  document.title = fresh.title;
  document.querySelector("h1").replaceChildren(...fresh.querySelector("h1").childNodes);
  // The place stays, so that it is read out; and only what is new.
  if (echo.textContent !== newEcho.textContent) echo.replaceChildren(...newEcho.childNodes);
  const [x, y] = [scrollX, scrollY];
  if (isBusy(old)) renewParts(old, renewed);
  else old.replaceWith(renewed);
  scrollTo(x, y);
}

function renewParts(old, renewed) {
  old.toggleAttribute("data-awaits", renewed.hasAttribute("data-awaits"));
  for (const part of old.querySelectorAll("[data-part]")) {
    const other = renewed.querySelector(`#${part.id}`);
    if (other && part.isConnected && !isBusy(part)) part.replaceWith(other);
  }
}

// Somebody reads or does something there.
function isBusy(part) {
  return (
    part.contains(document.activeElement) ||
    part.querySelector(".errorlist, details[open]") !== null ||
    [...part.querySelectorAll("input, select")].some(isTouched)
  );
}

function isTouched(field) {
  if (field.type === "hidden") return false;
  if (field.type === "checkbox") return field.checked !== field.defaultChecked;
  if (field.options) return [...field.options].some((option) => option.selected !== option.defaultSelected);
  return field.value !== field.defaultValue;
}

// Its clock ticks all the time, which is no change.
function isNews({ target }) {
  const element = target.nodeType === Node.ELEMENT_NODE ? target : target.parentElement;
  return !element?.closest("time");
}

new MutationObserver((changes) => {
  if (changes.some(isNews)) askSoon();
}).observe(card, { childList: true, subtree: true, characterData: true });
askWhileAwaited();
