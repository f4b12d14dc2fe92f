// The only module that knows htmx: turns its events into ours, and keeps a part polling when the server can't be reached.
//   fleetwell:answered {source, ok}   an answer came, ok below 400
//   fleetwell:swapped                 the page has new content
//   fleetwell:lost, fleetwell:found   the server can't be reached, or can again
//   fleetwell:unanswered              a form was sent and no answer came
const IDLE_POLL_MS = 60000;
const RETRY_MS = [2000, 4000, 8000, 15000];
const failures = new WeakMap();
let lost = false;

const tell = (name, detail = {}) => document.dispatchEvent(new CustomEvent(`fleetwell:${name}`, { detail }));

function setLost(now) {
  if (lost === now) return;
  lost = now;
  tell(now ? "lost" : "found");
}

// A part that fetches itself loses its timer with a failed request; wire it again after a while, slower each time.
function tryAgain(part) {
  if (!part.hasAttribute("hx-trigger") || part.matches("form")) return;
  const count = failures.get(part) ?? 0;
  failures.set(part, count + 1);
  setTimeout(() => part.isConnected && window.htmx.process(part, true), RETRY_MS[Math.min(count, RETRY_MS.length - 1)]);
}

// While the stream tells what changed, a part with nothing under way need not ask every few seconds whether it did.
const askedAt = new WeakMap();
document.addEventListener("htmx:config:request", (event) => {
  const { sourceElement, sourceEvent } = event.detail.ctx;
  const isTold = document.documentElement.dataset.live === "on" && sourceElement.hasAttribute("data-idle");
  if (sourceEvent?.type === "every" && isTold && performance.now() - (askedAt.get(sourceElement) ?? 0) < IDLE_POLL_MS)
    return event.preventDefault();
  askedAt.set(sourceElement, performance.now());
});

document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  const { status } = ctx.response;
  setLost(status >= 500);
  if (status >= 500) tryAgain(ctx.sourceElement);
  else failures.delete(ctx.sourceElement);
  tell("answered", { source: ctx.sourceElement, ok: status < 400 });
});

document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  if (!ctx || ctx.response) return; // an answer came: the fault is in the page, not on the line
  if (ctx.sourceElement.matches("form[method=post]")) return tell("unanswered");
  setLost(true);
  tryAgain(ctx.sourceElement);
});

document.addEventListener("htmx:after:swap", () => tell("swapped"));
