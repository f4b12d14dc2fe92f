// Boxes in front of rows: one ticks all of the page, Shift ticks a range, and the bar at the foot counts them.
// [data-pick-all] in the head, [data-pick] in the rows, [data-picked] shows the number, [data-pick-none] lets go.
let last = null;

const boxes = () => [...document.querySelectorAll("[data-pick]")];

function refresh() {
  const all = boxes();
  const ticked = all.filter((box) => box.checked).length;
  const head = document.querySelector("[data-pick-all]");
  if (head) {
    head.closest("[hidden]")?.removeAttribute("hidden");
    head.checked = ticked > 0 && ticked === all.length;
    head.indeterminate = ticked > 0 && ticked < all.length;
  }
  for (const element of document.querySelectorAll("[data-picked]")) element.textContent = ticked.toLocaleString(document.documentElement.lang);
  for (const button of document.querySelectorAll("[data-pick-none][hidden]")) button.hidden = false;
}

function set(wanted, ticked) {
  for (const box of wanted) box.checked = ticked;
  refresh();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-pick-none]")) return set(boxes(), false);
  if (!event.target.matches("[data-pick]")) return;
  const all = boxes();
  const here = all.indexOf(event.target);
  const there = event.shiftKey ? all.indexOf(last) : here;
  if (there >= 0) set(all.slice(Math.min(here, there), Math.max(here, there) + 1), event.target.checked);
  last = event.target;
});

document.addEventListener("change", (event) => event.target.matches("[data-pick-all]") && set(boxes(), event.target.checked));
document.addEventListener("fleetwell:swapped", refresh);
refresh();
