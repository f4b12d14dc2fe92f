// Value fields: the number beside a slider follows it, the stepper's buttons turn a number up and down, and of two boxes
// in one row of an either-or table only one stays ticked.
const decimals = (step) => (String(step).split(".")[1] ?? "").length;

document.addEventListener("input", (event) => {
  const range = event.target.closest("input[type=range]");
  if (!range) return;
  for (const output of document.querySelectorAll(`output[for="${range.id}"] [data-number]`)) output.textContent = range.value;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-step]");
  if (!button) return;
  const input = button.closest("[data-stepper]").querySelector("input");
  if (button.dataset.step === "up") input.stepUp();
  else input.stepDown();
  input.value = Number(input.value).toFixed(decimals(input.step));
  input.dispatchEvent(new Event("input", { bubbles: true }));
});

document.addEventListener("change", (event) => {
  const row = event.target.closest("[data-either] tr");
  if (!row || !event.target.checked) return;
  for (const box of row.querySelectorAll("input")) if (box !== event.target) box.checked = false;
});

function reveal() {
  for (const button of document.querySelectorAll("[data-step][hidden]")) button.hidden = false;
}

reveal();
document.addEventListener("fleetwell:swapped", reveal);
