// `<time datetime>` in the reader's own zone and words; the exact moment stays in its title.
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** Write the times below `root` as this reader writes them. */
export function localize(root = document) {
  for (const element of root.querySelectorAll("time[datetime]:not([title])")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    element.title = element.dateTime;
    element.textContent = WHOLE.format(moment);
  }
}

localize();
