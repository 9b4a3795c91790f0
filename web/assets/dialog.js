// Links that ask before they do: the page they lead to opens as a dialog of this one.

export function openDialogs() {
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    const response = await fetch(link.href).catch(() => null);
    const page = response?.ok && !response.redirected ? await response.text() : "";
    const body = new DOMParser().parseFromString(page, "text/html").querySelector("[data-dialog-body]");
    if (body) show(body);
    else location.href = link.href;
  });
}

function show(body) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "dialog-title");
  dialog.append(body);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    const isAway = event.target === dialog || event.target.closest("[data-close]");
    if (!isAway) return;
    event.preventDefault();
    dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
}
