// A page that answered a form and shows a secret: loading it again must not send the form again.
const script = document.querySelector("script[data-then]");
history.replaceState(null, "", script.dataset.then);
