// Buttons that copy the text of another element.

export function offerCopies() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copies]");
    if (!button) return;
    const text = document.getElementById(button.dataset.copies).textContent;
    const said = button.textContent;
    button.textContent = (await written(text)) ? "Copied" : "Cannot copy";
    setTimeout(() => (button.textContent = said), 1500);
  });
}

/** The clipboard is only there on HTTPS and on localhost. */
async function written(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
