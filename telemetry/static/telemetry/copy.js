// <button data-copy="id of a field" data-done data-failed hidden>, and behind it the place where it says what became of it.

async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch { // without https there is no clipboard, but there is this
    field.select();
    return document.execCommand("copy");
  }
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  const said = button.nextElementSibling;
  button.hidden = false;
  button.addEventListener("click", async () => {
    said.textContent = "";
    const isCopied = await copy(document.getElementById(button.dataset.copy));
    said.textContent = isCopied ? button.dataset.done : button.dataset.failed;
  });
}
