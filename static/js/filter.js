// <input data-filter="#list" data-filter-none="#words">: shows only the items whose text has what was typed.
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

function filter(input) {
  const typed = plain(input.value.trim());
  let count = 0;
  for (const item of document.querySelector(input.dataset.filter).children) {
    item.hidden = !plain(item.textContent).includes(typed);
    if (!item.hidden) count += 1;
  }
  document.querySelector(input.dataset.filterNone).hidden = count > 0;
}

document.addEventListener("input", (event) => event.target.matches("[data-filter]") && filter(event.target));
document.addEventListener("submit", (event) => event.target.querySelector("[data-filter]") && event.preventDefault());
