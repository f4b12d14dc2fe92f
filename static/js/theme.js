// The theme switch: system, light or dark, kept in this browser.
const root = document.documentElement;

function show() {
  const chosen = root.dataset.theme ?? "system";
  for (const group of document.querySelectorAll("[data-theme-switch]")) {
    group.hidden = false;
    for (const button of group.children) button.setAttribute("aria-pressed", String(button.value === chosen));
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-switch] button");
  if (!button) return;
  if (button.value === "system") delete root.dataset.theme;
  else root.dataset.theme = button.value;
  try {
    localStorage.setItem("theme", button.value);
  } catch {
    // Storage is closed: the choice lasts as long as this page.
  }
  show();
});

show();
