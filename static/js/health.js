// Keeps what the landing page says of the platform's health true, while somebody looks at it.
const EVERY_MS = 5000;
const NAMES = { database: "Database", store: "Counters", default_model: "Default model" };

const box = document.getElementById("health");
const part = (name) => document.querySelector(`[data-part="${name}"]`);

async function look() {
  try {
    const answer = await fetch("/health", { cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(await answer.json());
  } catch {
    badge("bad", "Not reachable");
    part("when").textContent = "The platform does not answer. What stands above is from before.";
  }
}

function show(report) {
  const ready = report.status === "ready";
  badge(ready ? "good" : "warn", ready ? "Up and answering" : "Not ready yet");
  box.dataset.status = report.status;
  part("checks").replaceChildren(...Object.entries(report.checks).map(check));
  part("replicas").replaceChildren(...replicas(report.replicas));
  part("when").textContent = `As of ${new Date().toLocaleTimeString()}.`;
}

/** The words change only where they differ: a screen reader announces each change. */
function badge(kind, text) {
  const element = part("badge");
  element.className = `badge dot ${kind}`;
  if (element.textContent !== text) element.textContent = text;
}

function check([name, state]) {
  return make("li", "", [
    make("span", "", [NAMES[name] ?? name]),
    make("span", `badge ${state === "ok" ? "good" : "bad"}`, [state]),
  ]);
}

function replicas(all) {
  if (!all.length) return [make("p", "muted", ["No model is running."])];
  return all.map((one) =>
    make("div", "replica", [
      make("div", "row apart", [
        make("code", "", [one.model]),
        make("span", `badge ${one.state === "ready" ? "good" : "warn"}`, [one.state]),
      ]),
      make("p", "muted small", [
        `${one.running} of ${one.slots} slots busy, ${one.waiting} waiting`,
      ]),
    ]),
  );
}

function make(tag, className, children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

setInterval(() => document.hidden || look(), EVERY_MS);
document.addEventListener("visibilitychange", () => document.hidden || look());
