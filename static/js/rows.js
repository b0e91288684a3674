// Rows of a form of which there may be any number: `data-rows` names what their fields begin with,
// and a template holds a new one.
for (const box of document.querySelectorAll("[data-rows]")) {
  const total = box.querySelector(`[name="${box.dataset.rows}-TOTAL_FORMS"]`);
  const most = Number(box.querySelector(`[name="${box.dataset.rows}-MAX_NUM_FORMS"]`).value);
  const button = box.querySelector("[data-add]");

  const offer = () => {
    button.hidden = Number(total.value) >= most;
  };

  button.addEventListener("click", () => {
    const row = box.querySelector("template").content.cloneNode(true);
    number(row, Number(total.value));
    const field = row.querySelector("input, select");
    button.parentElement.before(row);
    total.value = Number(total.value) + 1;
    field.focus();
    offer();
  });

  offer();
}

/** Give a new row's fields, and what belongs to them, names of their own. */
function number(row, index) {
  for (const element of row.querySelectorAll("*")) {
    for (const { name, value } of [...element.attributes]) {
      if (value.includes("__prefix__")) {
        element.setAttribute(name, value.replaceAll("__prefix__", index));
      }
    }
  }
  row.querySelector("legend").textContent = `Limit ${index + 1}`;
}
