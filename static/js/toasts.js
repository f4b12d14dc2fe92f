// Toasts leave by themselves after six seconds, but not while hovered or focused; and the line about a lost connection.
const LIFE_MS = 6000;
const region = document.querySelector("[data-toasts]");

function start(toast) {
  const close = toast.querySelector("[data-toast-close]");
  if (close) close.hidden = false;
  if (toast.hasAttribute("data-toast-stays")) return;
  let timer;
  const arm = () => (timer = setTimeout(() => toast.remove(), LIFE_MS));
  for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, () => clearTimeout(timer));
  for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, arm);
  arm();
}

region.addEventListener("click", (event) => event.target.closest("[data-toast-close]")?.closest("[data-toast]").remove());

new MutationObserver((changes) => {
  for (const { addedNodes } of changes) for (const node of addedNodes) if (node.matches?.("[data-toast]")) start(node);
}).observe(region, { childList: true });

const show = (id) => region.append(document.getElementById(id).content.cloneNode(true));
document.addEventListener("fleetwell:lost", () => show("toast-lost"));
document.addEventListener("fleetwell:found", () => region.querySelector("[data-toast-lost]")?.remove());
document.addEventListener("fleetwell:unanswered", () => show("toast-unanswered"));

for (const toast of region.querySelectorAll("[data-toast]")) start(toast);
