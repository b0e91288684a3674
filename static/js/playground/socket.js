import { Backoff } from "./backoff.js";

const PING_EVERY_MS = 15_000;
const PONG_WITHIN_MS = 8_000;
const PROTOCOL = "aiplatform.v1";
const NOT_AUTHENTICATED = 4401;
const RESUMED_ELSEWHERE = 4409;

/**
 * The page's one socket to `/ws/generate` (docs/websocket.md), on which many generations run.
 *
 * It connects when something is asked, and again, with growing waits, while anything is under way.
 * Each generation then goes on after the last message that arrived. Who calls is the session's
 * cookie.
 */
export class GenerationSocket {
  /**
   * @param {string} address of the socket
   * @param {(state: string) => void} onState idle, connecting, open, interrupted or signed-out
   */
  constructor(address, onState = () => {}) {
    this.address = address;
    this.onState = onState;
    this.state = "idle";
    this.underWay = new Set();
    this.backoff = new Backoff();
    this.socket = null;
    addEventListener("online", () => this.hurry());
    addEventListener("offline", () => this.probe());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  /** Begin a generation, or go on with one that was lost. */
  begin(generation) {
    this.underWay.add(generation);
    if (this.state === "open") this.say(generation.opening());
    else this.connect();
  }

  /** Stop a generation; its end is told as always. */
  cancel(generation) {
    generation.cancelling = true;
    if (this.state === "open") this.say({ type: "cancel", id: generation.id });
    else if (!generation.requestId) this.forget(generation);
  }

  /** Nobody heard of it yet, or whoever did will end it when nobody comes back for it. */
  forget(generation) {
    this.underWay.delete(generation);
    generation.stop();
  }

  /** Open the socket, so that the first question need not wait for it. */
  connect() {
    if (this.socket) return;
    clearTimeout(this.retry);
    this.become("connecting");
    const socket = new WebSocket(this.address, PROTOCOL);
    this.socket = socket;
    socket.onmessage = ({ data }) => this.hear(JSON.parse(data));
    socket.onclose = ({ code }) => this.closed(socket, code);
  }

  /** Try now what waits to be tried again, and look whether an open socket still is. */
  hurry() {
    if (this.state === "interrupted") this.connect();
    else this.probe();
  }

  /** Ask for a sign of life; a socket that gives none is dropped. */
  probe() {
    if (this.state !== "open" || this.underWay.size === 0) return;
    this.say({ type: "ping" });
    this.deadline ??= setTimeout(() => this.drop(), PONG_WITHIN_MS);
  }

  say(message) {
    this.socket.send(JSON.stringify(message));
  }

  hear(message) {
    this.alive();
    if (message.type === "authenticated") this.opened();
    if (message.type === "error" && message.id === null) this.refused = message;
    const generation = [...this.underWay].find((one) => one.id === message.id);
    if (!generation) return;
    generation.take(message);
    if (generation.isOver) this.underWay.delete(generation);
    else if (generation.cancelling && message.type === "accepted") this.cancel(generation);
  }

  opened() {
    this.backoff.reset();
    this.become("open");
    this.pinging = setInterval(() => this.probe(), PING_EVERY_MS);
    for (const generation of this.underWay) this.say(generation.opening());
  }

  alive() {
    clearTimeout(this.deadline);
    this.deadline = null;
  }

  /** Give the socket up without waiting for a goodbye that may never come. */
  drop() {
    const socket = this.socket;
    this.closed(socket, 1006);
    socket.close();
  }

  closed(socket, code) {
    if (socket !== this.socket) return;
    this.socket = null;
    this.alive();
    clearInterval(this.pinging);
    if (code === NOT_AUTHENTICATED) this.signedOut();
    else if (code === RESUMED_ELSEWHERE) this.taken();
    else if (this.underWay.size > 0) this.interrupted();
    else this.become("idle"); // the next question opens another one
  }

  interrupted() {
    this.become("interrupted");
    for (const generation of this.underWay) generation.interrupt();
    this.retryLater();
  }

  retryLater() {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.connect(), this.backoff.next());
  }

  signedOut() {
    this.become("signed-out");
    const detail = "You are not signed in any more. Sign in again; what is written here stays.";
    this.failAll("not_authenticated", this.refused?.detail ?? detail);
  }

  taken() {
    this.become("idle");
    this.failAll("resumed_elsewhere", "This answer goes on in another tab.");
  }

  failAll(code, detail) {
    for (const generation of this.underWay) generation.fail(code, detail);
    this.underWay.clear();
  }

  become(state) {
    this.state = state;
    this.onState(state);
  }
}

/** Return the socket's address on the host that this page came from. */
export function socketAddress(location) {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/ws/generate`;
}
