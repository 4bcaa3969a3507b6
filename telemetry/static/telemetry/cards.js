// The machines' cards: replaced by what the server sends, counted, filtered, announced.
const ANNOUNCE_AFTER = 400; // ms; changes that come together are told together
const MOST_ANNOUNCED = 3;

const waiting = new Map();
let announcing = null;

export function applyChanges(page, message) {
  const focused = document.activeElement?.closest?.(".machine")?.id;
  if (message.grid !== undefined) replaceAll(message.grid);
  for (const [id, html] of Object.entries(message.cards ?? {})) replaceOne(id, html);
  if (message.grid === undefined && message.cards === undefined) return;
  if (focused && !document.activeElement?.closest?.(".machine")) document.querySelector(`#${focused} a`)?.focus();
  count(page);
}

export function watchFilter(page) {
  const nav = document.querySelector(".states");
  nav?.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-state]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(page, nav, link);
  });
}

function show(page, nav, link) {
  page.dataset.show = link.dataset.state;
  for (const other of nav.querySelectorAll("a[data-state]")) mark(other, other === link);
  history.replaceState(null, "", link.href);
  for (const grouping of nav.querySelectorAll("a[data-group]")) {
    const address = new URL(grouping.href);
    address.searchParams.delete("state");
    if (link.dataset.state) address.searchParams.set("state", link.dataset.state);
    grouping.href = address;
  }
}

function mark(link, isCurrent) {
  if (isCurrent) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
}

function replaceOne(id, html) {
  const old = document.getElementById(`machine-${id}`);
  if (!old) return;
  if (html === null) {
    old.remove();
    return;
  }
  const card = parse(html).firstElementChild;
  if (old.dataset.state !== card.dataset.state) {
    announce(card);
    card.classList.add("changed");
  }
  old.replaceWith(card);
}

function replaceAll(html) {
  const grid = document.getElementById("grid");
  const before = new Map([...grid.querySelectorAll(".machine")].map((card) => [card.id, card.dataset.state]));
  grid.replaceChildren(...parse(html).childNodes);
  for (const card of grid.querySelectorAll(".machine")) {
    if (before.get(card.id) !== card.dataset.state) announce(card);
  }
}

// The server has escaped what people typed.
function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

function count(page) {
  for (const link of document.querySelectorAll(".states a[data-state]")) {
    const selector = link.dataset.state ? `.machine[data-state=${link.dataset.state}]` : ".machine";
    link.querySelector("b").textContent = page.querySelectorAll(selector).length;
  }
}

function announce(card) {
  waiting.set(card.id, `${card.querySelector("h3").textContent}: ${card.querySelector(".word").textContent}`);
  announcing ??= setTimeout(speak, ANNOUNCE_AFTER);
}

function speak() {
  const place = document.getElementById("announcements");
  const many = place?.dataset.many.replace("#", waiting.size);
  if (place) place.textContent = waiting.size > MOST_ANNOUNCED ? many : [...waiting.values()].join(". ");
  waiting.clear();
  announcing = null;
}
