import { announce } from "./announcer.js";

const WORDS = {
  idle: ["Ready to connect", ""],
  connecting: ["Connecting", "live"],
  open: ["Connected", "good"],
  interrupted: ["Reconnecting", "warn"],
  "signed-out": ["Signed out", "bad"],
};
const TOLD = ["interrupted", "signed-out"];

/** Say how the connection is; a screen reader hears of it when it is lost, and when it is back. */
export function connectionStatus(place) {
  let lost = false;
  return (state) => {
    const [words, kind] = WORDS[state];
    place.textContent = words;
    place.className = `badge dot ${kind}`;
    if (TOLD.includes(state) && !lost) announce(words);
    if (state === "open" && lost) announce("Connected again");
    lost = TOLD.includes(state) || (lost && state === "connecting");
  };
}
