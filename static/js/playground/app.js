// The playground: makes its parts and connects them.

import { Answers } from "./answers.js";
import { download, restore } from "./backup.js";
import { Chat } from "./chat.js";
import { CodeDialog } from "./code_dialog.js";
import { Compare } from "./compare.js";
import { Composer } from "./composer.js";
import { connectionStatus } from "./connection_status.js";
import { shown } from "./conversation.js";
import { ConversationList } from "./conversation_list.js";
import { Conversations } from "./conversations.js";
import { Drawer } from "./drawer.js";
import { Embeddings } from "./embeddings.js";
import { Images } from "./images.js";
import { aboutModel } from "./model_about.js";
import { ModelSelect } from "./model_select.js";
import { Models } from "./models.js";
import { Notice } from "./notice.js";
import { Parameters } from "./parameters.js";
import { Pending } from "./pending.js";
import { listenForShortcuts } from "./shortcuts.js";
import { GenerationSocket, socketAddress } from "./socket.js";
import { Tabs } from "./tabs.js";
import { Transcript } from "./transcript.js";

const PICTURE_TASKS = ["image-classification", "ocr"];

const byId = (id) => document.getElementById(id);
const on = (id, does) => byId(id).addEventListener("click", does);

const owner = byId("playground").dataset.user;
const store = new Conversations(owner);
const pending = new Pending(owner);
const models = new Models();
const notice = new Notice(byId("notice"));
const parameters = new Parameters(byId("parameters-form"), owner);
const socket = new GenerationSocket(socketAddress(location), connectionStatus(byId("connection")));
const model = new ModelSelect(byId("model"), models, { chosen: parameters.model });

const answers = new Answers({
  socket,
  pending,
  keep: (conversation) => chat.keep(conversation),
  onChange: (message, generation) => transcript.update(message, generation),
  onEnd: () => chat.show(false),
});
const transcript = new Transcript(
  { scroll: byId("scroll"), list: byId("messages"), empty: byId("welcome"), jump: byId("jump") },
  {
    regenerate: (message) => chat.regenerate(message),
    edit: (message, text) => chat.edit(message, text),
    choose: (message) => chat.choose(message),
  },
);
const composer = new Composer(byId("composer"), {
  ask: (text) => chat.ask(text),
  stop: () => chat.stop(),
  recall: (event) => chat.recall(event),
});
const list = new ConversationList(byId("conversations"), store, {
  open: (id) => openConversation(id),
  remove: (id) => removeConversation(id),
});
const chat = new Chat({
  store, answers, transcript, composer, parameters, model, notice,
  onOpen: ({ id }) => list.show(id),
  onKept: (conversation) => list.kept(conversation),
});
const compareComposer = new Composer(byId("compare-composer"), {
  ask: (text) => compare.ask(text),
  stop: () => compare.stop(),
});
const compareModels = ["compare-model-1", "compare-model-2"].map(
  (id, prefer) => new ModelSelect(byId(id), models, { prefer }),
);
const compare = new Compare(byId("panel-compare"), compareModels, {
  socket, parameters, composer: compareComposer,
});
const code = new CodeDialog(byId("code-dialog"), askedNow);
const tabs = new Tabs(byId("tabs"), (name) => (byId("playground").dataset.tab = name));
const sides = [
  new Drawer(byId("side"), byId("open-side")),
  new Drawer(byId("parameters"), byId("open-parameters")),
];
new Embeddings(byId("panel-embeddings"),
  new ModelSelect(byId("embeddings-model"), models, { tasks: ["embeddings"] }));
new Images(byId("panel-images"),
  new ModelSelect(byId("images-model"), models, { tasks: PICTURE_TASKS }));

model.onShown = () => {
  byId("model-about").textContent = aboutModel(models.named(model.value));
};

/** What the next question would be, for "show as code". */
function askedNow() {
  const past = shown(chat.conversation).filter(({ content }) => content);
  const typed = composer.field.value.trim();
  const asked = past.map(({ role, content }) => ({ role, content }));
  if (asked.at(-1)?.role === "assistant") asked.pop();
  if (typed) asked.push({ role: "user", content: typed });
  if (!asked.length) asked.push({ role: "user", content: "Hello" });
  const messages = [...parameters.preamble, ...asked];
  return { model: model.value, messages, parameters: parameters.values };
}

function openConversation(id) {
  chat.open(id);
  sides[0].close(false);
  tabs.choose(byId("tab-chat"));
  composer.focus();
}

function removeConversation(id) {
  if (id === chat.conversation.id) chat.stop();
  store.delete(id);
  if (id === chat.conversation.id) chat.open();
  else list.show();
}

function newConversation() {
  openConversation(null);
}

function deleteAll() {
  if (!confirm("Delete all conversations of this browser? They are kept nowhere else.")) return;
  chat.stop();
  store.deleteAll();
  newConversation();
}

async function importFile() {
  const input = byId("import-file");
  const [file] = input.files;
  input.value = "";
  if (file) notice.say(await restore(file, store));
  list.show();
}

/** What runs a tab as it was left: the answers that it waited for. */
function takeUp() {
  for (const { message: id, conversation: named, requestId } of pending.all()) {
    const conversation = chat.found(named);
    const message = conversation?.messages[id];
    if (!message) pending.done(id);
    else {
      answers.takeUp(conversation, message, requestId);
      chat.open(conversation.id);
    }
  }
}

on("new-conversation", newConversation);
on("export", () => download(store.list()));
on("import", () => byId("import-file").click());
on("delete-all", deleteAll);
on("show-code", () => code.open());
on("show-shortcuts", () => byId("shortcuts-dialog").showModal());
on("compare-clear", () => compare.clear());
byId("import-file").addEventListener("change", importFile);
for (const suggestion of document.querySelectorAll("[data-ask]")) {
  suggestion.addEventListener("click", () => chat.ask(suggestion.textContent.trim()));
}
addEventListener("storage", (event) => {
  if (!store.concerns(event)) return;
  list.show();
  chat.refresh();
});
listenForShortcuts({
  KeyN: newConversation,
  KeyC: () => code.open(),
  KeyP: () => (sides[1].isOpen ? sides[1].close() : sides[1].open()),
  KeyR: () => chat.regenerateLast(),
  KeyI: () => composer.focus(),
  KeyK: () => byId("shortcuts-dialog").showModal(),
  Escape: () => (compareComposer.busy && !byId("panel-compare").hidden ? compare : chat).stop(),
});
models.onChange(({ error }) => {
  tabs.offer("embeddings", models.of("embeddings").length > 0);
  tabs.offer("images", models.of(...PICTURE_TASKS).length > 0);
  if (error) notice.say(`The list of models could not be read. ${error.message}`);
});

chat.open();
takeUp();
models.load();
socket.connect();
composer.focus();
