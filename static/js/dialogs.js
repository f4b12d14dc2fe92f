// Dialogs: a form that asks first opens its dialog instead of leaving for the confirm page; closing; and forgetting.
const hasInvokers = "commandForElement" in HTMLButtonElement.prototype;

document.addEventListener("submit", (event) => {
  const dialog = document.getElementById(event.target.dataset.asks ?? "");
  if (!dialog) return;
  event.preventDefault();
  if (!dialog.open) dialog.showModal();
});

document.addEventListener("click", (event) => {
  const dialog = event.target.closest("dialog");
  if (dialog && event.target === dialog && isOutside(dialog, event)) dialog.close();

  // Browsers without invoker commands.
  const button = event.target.closest("button[commandfor][command=close]");
  if (button && !hasInvokers) document.getElementById(button.getAttribute("commandfor")).close();
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
