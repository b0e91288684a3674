import { NotKept } from "./conversations.js";
import { exported, imported, MAX_FILE_BYTES } from "./portable.js";

/** Save conversations to a file of the person's. */
export function download(conversations) {
  const file = new Blob([exported(conversations)], { type: "application/json" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = `playground-${new Date().toISOString().slice(0, 10)}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the download may begin later
}

/** Keep the conversations of a file as well. Return in words what came of it. */
export async function restore(file, store) {
  if (file.size > MAX_FILE_BYTES) {
    return `The file is over ${MAX_FILE_BYTES / 2 ** 20} MiB. Nothing was imported.`;
  }
  let kept = 0;
  try {
    for (const conversation of imported(await file.text())) {
      store.save(conversation);
      kept += 1;
    }
    return `${kept} imported.`;
  } catch (error) {
    const soFar = error instanceof NotKept ? `${kept} imported, not the rest.` : "Nothing imported.";
    return `${soFar} ${error.message}`;
  }
}
