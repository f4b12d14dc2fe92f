// One stream per visible tab that says which vehicle or command changed; the parts that care then fetch themselves.
// It carries ids only. The body gets fleetwell:vehicle-ID when a car reported something, and fleetwell:command-ID and
// fleetwell:commands-VEHICLE when a command moved.
// Parts keep polling, so a stream that is cut off costs time, never truth.
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 30000;
const GATHER_MS = 40;
const root = document.documentElement;
let stream = null;
let following = "";
let retry = 0;
let failures = 0;
let hasListened = false;

const wanted = () =>
  [...new Set([...document.querySelectorAll("[data-live-vehicle]")].map((element) => element.dataset.liveVehicle))].sort().join("&vehicle=");

function close() {
  clearTimeout(retry);
  stream?.close();
  stream = null;
}

function open() {
  close();
  following = wanted();
  if (!following || document.hidden) return;
  stream = new EventSource(`/live/?vehicle=${following}`);
  stream.addEventListener("open", () => {
    failures = 0;
    root.dataset.live = "on";
    // What changed while nobody listened is fetched once.
    if (hasListened) for (const id of following.split("&vehicle=")) ["vehicle", "commands"].forEach((kind) => tell(kind, id));
    hasListened = true;
  });
  stream.addEventListener("changed", ({ data }) => {
    const { vehicle, command } = JSON.parse(data);
    if (!command) return tellSoon("vehicle", vehicle);
    tellSoon("command", command);
    tellSoon("commands", vehicle);
  });
  stream.addEventListener("error", () => {
    close();
    root.dataset.live = "off";
    // Jitter, so that a restart is not greeted by every tab in the same moment.
    const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++) * (0.5 + Math.random());
    retry = setTimeout(open, wait);
  });
}

// A command goes through four states within a tenth of a second: the first is told at once, the rest together.
const waiting = new Map();
function tellSoon(kind, id) {
  const key = `${kind}-${id}`;
  if (waiting.has(key)) return waiting.set(key, true);
  tell(kind, id);
  waiting.set(key, false);
  setTimeout(() => {
    const again = waiting.get(key);
    waiting.delete(key);
    if (again) tellSoon(kind, id);
  }, GATHER_MS);
}

const tell = (kind, id) => document.body.dispatchEvent(new CustomEvent(`fleetwell:${kind}-${id}`));

document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
document.addEventListener("fleetwell:swapped", () => wanted() !== following && open());
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => event.persisted && open());
open();
