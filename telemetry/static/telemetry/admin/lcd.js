// Counts the columns of a board's display while somebody types: `data-columns` says how many there are.

const PLAIN = /^[ -~]*$/;

function watch(input) {
  const columns = Number(input.dataset.columns);
  const count = document.createElement("span");
  count.className = "columns-left";
  count.setAttribute("aria-live", "polite");
  input.insertAdjacentElement("afterend", count);
  const show = () => {
    const { length } = [...input.value];
    const isPlain = PLAIN.test(input.value);
    count.textContent = `${length} / ${columns}`;
    if (!isPlain) count.append(` · ${strange(input.value)}`);
    count.classList.toggle("over", length > columns || !isPlain);
  };
  input.addEventListener("input", show);
  show();
}

function strange(text) {
  return [...new Set([...text].filter((sign) => !PLAIN.test(sign)))].join(" ");
}

const watched = new WeakSet();

function watchAll() {
  for (const input of document.querySelectorAll("input[data-columns]")) {
    if (watched.has(input) || input.name.includes("__prefix__")) continue;
    watched.add(input);
    watch(input);
  }
}

watchAll();
document.addEventListener("formset:added", watchAll);
