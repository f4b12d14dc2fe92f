// Times: ages tick, moments are shown in the viewer's own zone, and a pending command counts its seconds.
// Plain "en" would mean the American order of day and month; the server writes the day first.
const language = { en: "en-GB" }[document.documentElement.lang] ?? document.documentElement.lang;
const relative = new Intl.RelativeTimeFormat(language, { numeric: "always" });
const now = new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(0, "second");
const time = { hour: "2-digit", minute: "2-digit", hour12: false };
const date = { day: "numeric", month: "short" };
const format = (options) => new Intl.DateTimeFormat(language, options);
const formats = {
  clock: format({ ...time, second: "2-digit" }),
  day: format({ ...date, year: "numeric" }),
  thisYear: format({ ...date, ...time }),
  moment: format({ ...date, year: "numeric", ...time }),
  title: format({ ...date, year: "numeric", ...time, second: "2-digit", timeZoneName: "short" }),
};
// What is counted by the hour is shown by the hour.
formats.hour = { format: (begins) => formats.thisYear.formatRange(begins, new Date(begins.getTime() + 3600000)) };

function age(moment) {
  const seconds = Math.max(0, Math.round((Date.now() - moment) / 1000));
  if (seconds < 5) return now;
  if (seconds < 60) return relative.format(-seconds, "second");
  if (seconds < 3600) return relative.format(-Math.floor(seconds / 60), "minute");
  if (seconds < 86400) return relative.format(-Math.floor(seconds / 3600), "hour");
  return (moment.getFullYear() === new Date().getFullYear() ? formats.thisYear : formats.moment).format(moment);
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function tick() {
  for (const element of document.querySelectorAll("time[data-time]")) {
    const moment = new Date(element.dateTime);
    const shownAs = element.dataset.time;
    write(element, shownAs === "ago" ? age(moment) : formats[shownAs].format(moment));
    element.title = formats.title.format(moment);
  }
  for (const element of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - new Date(element.dataset.since)) / 1000));
    write(element, `${seconds.toLocaleString(language)}\u00a0s`);
  }
}

tick();
setInterval(tick, 1000);
document.addEventListener("fleetwell:swapped", tick);
