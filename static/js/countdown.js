// <span data-until="2026-01-01T00:00:08Z">8 s</span>: counts down to a moment; never below zero.
const language = document.documentElement.lang;

function tick() {
  for (const element of document.querySelectorAll("[data-until]")) {
    const seconds = Math.max(0, Math.ceil((new Date(element.dataset.until) - Date.now()) / 1000));
    const text = `${seconds.toLocaleString(language)}\u00a0s`;
    if (element.textContent !== text) element.textContent = text;
  }
}

tick();
setInterval(tick, 250);
document.addEventListener("fleetwell:swapped", tick);
