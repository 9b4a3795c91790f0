// The secret of a link stands behind its `#`, which browsers send to nobody. It is put into the form
// that waits for it, and taken out of the address, so that it stays in no history.

export function takeFragment() {
  const field = document.querySelector("input[data-fragment]");
  if (!field || location.hash.length < 2) return;
  field.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  field.form.querySelector("input[type=password]").focus();
}
