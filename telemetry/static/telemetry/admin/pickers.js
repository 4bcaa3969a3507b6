// What Django's pickers leave without a name gets one from its label: who does not see where it stands is told.

const said = (text) => (text ?? "").trim().replace(/:$/, "");

// People and machines that are found by typing
function nameSearches() {
  for (const field of document.querySelectorAll(":is(.select2-search__field, .select2-selection, [id^=select2-][role=textbox]):not([aria-label])")) {
    const box = field.closest(".select2") ?? document.querySelector(".select2.select2-container--open");
    const label = box?.previousElementSibling?.labels?.[0];
    if (!label) continue;
    field.setAttribute("aria-label", said(label.textContent));
    if (!field.matches(".select2-selection--single")) continue;
    label.id ||= `${label.htmlFor}_label`;
    field.setAttribute("aria-labelledby", `${label.id} ${field.getAttribute("aria-labelledby")}`);
  }
}

// Days and times
function nameMoments() {
  for (const field of document.querySelectorAll(".datetime > input:not([type=hidden], [aria-label])")) {
    const row = field.closest(".flex-container, td")?.querySelector("label, legend");
    const part = field.previousSibling?.nodeType === Node.TEXT_NODE ? field.previousSibling.data : "";
    field.setAttribute("aria-label", [row?.textContent, part].map(said).filter(Boolean).join(", "));
  }
  for (const icon of document.querySelectorAll(".datetimeshortcuts [title]")) icon.parentElement.ariaLabel ??= icon.title;
}

function nameAll() {
  nameSearches();
  nameMoments();
}

if (document.querySelector("select.admin-autocomplete, .vDateField, .vTimeField")) {
  nameAll();
  new MutationObserver(nameAll).observe(document.body, { childList: true, subtree: true });
}
