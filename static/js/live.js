// One stream per visible tab that says which vehicle or command changed; the parts that care then fetch themselves.
// It carries ids only. The body gets fleetwell:state-VEHICLE when a car reported something, fleetwell:commands-VEHICLE
// when its buttons may look different, fleetwell:latest-VEHICLE and fleetwell:command-ID when a command moved.
// fleetwell:bell when the person has something new to read, on every page of theirs.
// Parts keep polling, so a stream that is cut off costs time, never truth.
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 30000;
const OTHERS_WITHIN_MS = 1000;
const READINGS_WITHIN_MS = 10000;
const BELLS_WITHIN_MS = 1500;
const ACTED_FOR_MS = 120000;
const REST_AFTER_MS = 120;
const root = document.documentElement;
let stream = null;
let following = "";
let retry = 0;
let failures = 0;
let hasListened = false;

const vehicles = () => [...new Set([...document.querySelectorAll("[data-live-vehicle]")].map((element) => element.dataset.liveVehicle))].sort();
// A page without vehicles follows its team: it hears when its person may not see it any more.
function wanted() {
  const ids = vehicles();
  const team = document.querySelector("[data-live-team]")?.dataset.liveTeam;
  return ids.length ? ids.map((id) => `vehicle=${id}`).join("&") : team ? `team=${team}` : "";
}

function close() {
  clearTimeout(retry);
  stream?.close();
  stream = null;
}

function open() {
  close();
  following = wanted();
  if (!following || document.hidden) return;
  stream = new EventSource(`/live/?${following}`);
  stream.addEventListener("open", () => {
    failures = 0;
    if (vehicles().length) root.dataset.live = "on";
    // What changed while nobody listened is fetched once.
    if (hasListened) {
      lookAgain();
      ring();
    }
    hasListened = true;
  });
  stream.addEventListener("changed", ({ data }) => {
    const { vehicle, command, state, buttons } = JSON.parse(data);
    const othersWithin = command ? OTHERS_WITHIN_MS : READINGS_WITHIN_MS;
    setTimeout(() => {
      // The part that people wait for is fetched first and alone.
      if (command) tellCard(command);
      setTimeout(() => {
        if (state) tell("state", vehicle);
        if (command || buttons) tell("commands", vehicle);
        if (command) tell("latest", vehicle);
      }, REST_AFTER_MS);
    }, hasActed() ? 0 : Math.random() * othersWithin);
  });
  stream.addEventListener("bell", () => setTimeout(ring, Math.random() * BELLS_WITHIN_MS));
  // What may be seen here has changed. Who was removed sees nothing any more, before the server is asked again;
  // for everybody else each part fetches itself, and says itself what it still shows.
  stream.addEventListener("rights", ({ data }) => {
    close();
    if (JSON.parse(data).left) {
      document.getElementById("main")?.replaceChildren();
      // Not reload(): that would ask to send a form once more.
      location.replace(location.pathname + location.search);
      return;
    }
    lookAgain();
    retry = setTimeout(open, FIRST_RETRY_MS);
  });
  stream.addEventListener("error", () => {
    close();
    if (vehicles().length) root.dataset.live = "off";
    // Jitter, so that a restart is not greeted by every tab in the same moment.
    const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++) * (0.5 + Math.random());
    retry = setTimeout(open, wait);
  });
}

// Who pressed sees the answer at once; the other open pages of the same car spread their fetches: over a
// second when a command moved, over ten when the car just reported something.
let actedAt = -Infinity;
const hasActed = () => performance.now() - actedAt < ACTED_FOR_MS;
document.addEventListener("submit", () => (actedAt = performance.now()), true);

// A car may be quicker than the answer to the press: its card is told as soon as it is on the page.
const early = new Set();
function tellCard(id) {
  if (document.getElementById(`command-${id}`)) tell("command", id);
  else early.add(id);
}
document.addEventListener("fleetwell:swapped", () => {
  for (const id of early) if (document.getElementById(`command-${id}`) && early.delete(id)) tell("command", id);
});

const ring = () => document.body.dispatchEvent(new CustomEvent("fleetwell:bell"));
const lookAgain = () => vehicles().forEach((id) => ["state", "commands", "latest"].forEach((kind) => tell(kind, id)));
const tell = (kind, id) => document.body.dispatchEvent(new CustomEvent(`fleetwell:${kind}-${id}`));

document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
document.addEventListener("fleetwell:swapped", () => wanted() !== following && open());
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => event.persisted && open());
open();
