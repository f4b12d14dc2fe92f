// Dialogs: opening and closing where the browser has no invoker commands yet, and closing once the server has agreed.
const hasInvokers = "commandForElement" in HTMLButtonElement.prototype;

document.addEventListener("click", (event) => {
  const dialog = event.target.closest("dialog");
  if (dialog && event.target === dialog && isOutside(dialog, event)) return dialog.close();

  const button = event.target.closest("button[commandfor]");
  if (!button || hasInvokers) return;
  event.preventDefault();
  const named = document.getElementById(button.getAttribute("commandfor"));
  if (button.getAttribute("command") === "show-modal" && !named.open) named.showModal();
  if (button.getAttribute("command") === "close") named.close();
});

function isOutside(dialog, { clientX, clientY }) {
  const box = dialog.getBoundingClientRect();
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
}

// A refused form stays open with its errors; an accepted one closes and forgets what was typed, a PIN above all.
document.addEventListener("fleetwell:answered", ({ detail: { source, ok } }) => {
  const dialog = source.closest?.("dialog[open]");
  if (!dialog || !ok) return;
  dialog.querySelector("form")?.reset();
  dialog.close();
});
