// The boxes in which people and machines are found by typing have no name of their own: they take their label's.
const NAMELESS = ":is(.select2-search__field, .select2-selection--multiple):not([aria-label])";

function nameAll() {
  for (const field of document.querySelectorAll(NAMELESS)) {
    const box = field.closest(".select2") ?? document.querySelector(".select2.select2-container--open");
    const label = box?.previousElementSibling?.labels?.[0]?.textContent.trim();
    if (label) field.setAttribute("aria-label", label.replace(/:$/, ""));
  }
}

if (document.querySelector("select.admin-autocomplete")) {
  nameAll();
  new MutationObserver(nameAll).observe(document.body, { childList: true, subtree: true });
}
