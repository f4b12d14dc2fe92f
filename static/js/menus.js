// <details data-menu>: closes by Escape and by a click beside it, as a menu does. Buttons that script makes needless go.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details[data-menu][open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

function tidy() {
  for (const button of document.querySelectorAll("[data-needless]:not(.vh)")) button.classList.add("vh");
}

tidy();
document.addEventListener("fleetwell:swapped", tidy);
