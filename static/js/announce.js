// <p role="status" data-announcer>: says what [data-announce] says, at most every ten seconds, and its end at once.
// The part itself is fetched every other second; a screen reader that read all of that would never be silent.
const QUIET_MS = 10000;
const said = { text: document.querySelector("[data-announce]")?.dataset.announce ?? "", at: performance.now() };

document.addEventListener("fleetwell:swapped", () => {
  const told = document.querySelector("[data-announce]");
  const announcer = document.querySelector("[data-announcer]");
  if (!told || !announcer || told.dataset.announce === said.text) return;
  if (!told.hasAttribute("data-final") && performance.now() - said.at < QUIET_MS) return;
  said.text = told.dataset.announce;
  said.at = performance.now();
  announcer.textContent = said.text;
});
