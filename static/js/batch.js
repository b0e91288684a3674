// A batch's page until the batch has ended: how many of its lines are over, asked again and again.
const EVERY_MS = 2000;
const ENDED = ["completed", "failed", "expired", "cancelled"];

const box = document.getElementById("live");
const part = (name) => document.getElementById(`live-${name}`);
let followed = true;

async function follow() {
  if (!document.hidden) await look();
  if (followed) setTimeout(follow, EVERY_MS);
}

async function look() {
  try {
    const answer = await fetch(box.dataset.batch, { cache: "no-store" });
    if (answer.ok) show(await answer.json());
    // Signed out, or deleted: asking again changes nothing.
    else if ([401, 403, 404].includes(answer.status)) end("not followed any more");
  } catch {
    say("the platform does not answer");
  }
}

function show({ status, request_counts: { total, completed, failed } }) {
  if (!followed) return;
  if (ENDED.includes(status)) {
    // What came of it is written by the server, as for whoever comes later.
    followed = false;
    location.reload();
    return;
  }
  say(status.replaceAll("_", " "));
  part("progress").max = total || 1;
  part("progress").value = completed + failed;
  for (const [name, count] of Object.entries({ over: completed + failed, total, completed, failed })) {
    part(name).textContent = count;
  }
}

/** The words change only where they differ: a screen reader announces each change. */
function say(text) {
  if (part("state").textContent !== text) part("state").textContent = text;
}

function end(text) {
  followed = false;
  say(text);
}

// Whoever sends a form sees its answer: an end told meanwhile must not load the page over it.
document.addEventListener("submit", (event) => {
  if (!event.defaultPrevented) followed = false;
});

// The server wrote what is now; and what it says of a form that was sent stays to be read.
setTimeout(follow, EVERY_MS);
