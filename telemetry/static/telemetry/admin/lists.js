// On a phone rows become cards (phone.css): each cell says what its column is called, and empty ones make no line.

const NOTHING = new Set(["", "-", "–"]);

export function label(table) {
  const names = [...table.querySelectorAll(":scope > thead > tr > :is(th, td)")].map(nameOf);
  for (const row of table.querySelectorAll(":scope > tbody > tr")) {
    const cells = [...row.children].filter((cell) => cell.matches("td, th"));
    if (cells.length !== names.length) continue; // errors over the whole width, "add another"
    cells.forEach((cell, position) => describe(cell, names[position]));
  }
  table.dataset.labelled = "";
}

function describe(cell, name) {
  if (name && !cell.matches(".action-checkbox, .original")) cell.dataset.label = name;
  if (NOTHING.has(cell.textContent.trim()) && !cell.querySelector("img, svg, input, select, textarea, button, progress")) cell.dataset.empty = "";
}

function nameOf(head) {
  return (head.querySelector(".text") ?? head).textContent.trim();
}

const toggle = document.getElementById("action-toggle");
if (toggle) toggle.closest("th").dataset.label = toggle.ariaLabel ?? "";

document.querySelectorAll("#result_list, .tabular fieldset table").forEach(label);

const filters = document.querySelector("details.filters");
if (filters) keepOpen(filters);

// Beside the list filters are always shown, also by browsers that hide what a closed <details> holds whatever the style
// says. Above it they stay as they were left, but for a phone, where they would hide the list.
function keepOpen(details) {
  const key = "fabomatic.filters";
  const isBeside = matchMedia("(min-width: 1500px)").matches;
  if (isBeside ? !CSS.supports("selector(::details-content)") : matchMedia("(min-width: 768px)").matches && sessionStorage.getItem(key)) details.open = true;
  details.addEventListener("toggle", () => {
    if (isBeside) return;
    if (details.open) sessionStorage.setItem(key, "open");
    else sessionStorage.removeItem(key);
  });
}
