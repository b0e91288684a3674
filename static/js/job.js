// A job's page while it waits and runs: its state and the text as it is made.
const box = document.getElementById("live");
const text = document.getElementById("live-text");
const state = document.getElementById("live-state");
const count = document.getElementById("live-tokens");
let tokens = 0;

const events = new EventSource(box.dataset.events);

events.addEventListener("status", (event) => {
  const told = JSON.parse(event.data);
  state.textContent = told.status;
  if (told.attempt) {
    // A new attempt begins its text anew.
    tokens = 0;
    text.textContent = "";
  }
});

events.addEventListener("delta", (event) => {
  const told = JSON.parse(event.data);
  tokens += told.tokens;
  count.textContent = `${tokens} tokens`;
  if (told.index === undefined) text.append(told.delta);
});

// What came of it is written by the server, as for whoever comes later.
for (const ending of ["completed", "failed", "cancelled"]) {
  events.addEventListener(ending, () => {
    events.close();
    location.reload();
  });
}

events.addEventListener("error", (event) => {
  if (event.data) state.textContent = JSON.parse(event.data).detail;
  else if (events.readyState === EventSource.CLOSED) state.textContent = "not followed any more";
});

// Whoever sends a form sees its answer: an ending told meanwhile must not load the page over it.
document.addEventListener("submit", (event) => event.defaultPrevented || events.close());
