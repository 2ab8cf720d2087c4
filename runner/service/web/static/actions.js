// SPDX-License-Identifier: Apache-2.0
// Buttons that change something: ask for a token once a tab, send it with the call, say what came of it.
// Nothing here makes markup of text.

const KEY = "packhouse-token";
const notice = document.getElementById("notice");
const dialog = document.getElementById("token-dialog");
const field = document.getElementById("token-field");

function say(text) {
  notice.textContent = text;
}

function askForToken() {
  return new Promise((resolve) => {
    field.value = "";
    dialog.returnValue = "";
    dialog.addEventListener(
      "close",
      () => {
        const token = dialog.returnValue === "use" ? field.value.trim() : "";
        field.value = "";
        if (token) {
          sessionStorage.setItem(KEY, token);
        }
        resolve(token);
      },
      { once: true },
    );
    dialog.showModal();
  });
}

async function send(address, token) {
  const answer = await fetch(address, { method: "POST", headers: { Authorization: `Bearer ${token}` } });
  const body = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  return { answer, body };
}

async function post(button) {
  if (button.dataset.ask && !confirm(button.dataset.ask)) {
    return;
  }
  const token = sessionStorage.getItem(KEY) || (await askForToken());
  if (!token) {
    return;
  }
  button.disabled = true;
  say("Asking …");
  try {
    const { answer, body } = await send(button.dataset.post, token);
    if (answer.ok) {
      done(body);
    } else {
      if (answer.status === 401) {
        sessionStorage.removeItem(KEY);
      }
      say(body.error ? [body.error.what, body.error.hint].filter(Boolean).join(": ") : `failed: ${answer.status}`);
    }
  } catch {
    say("The server cannot be reached.");
  } finally {
    button.disabled = false;
  }
}

function done(body) {
  const made = body.jobs ? body.jobs : body.number ? [body] : [];
  const here = Number((/^\/jobs\/([0-9]+)$/.exec(location.pathname) || [])[1]);
  if (made.length === 1 && made[0].number !== here) {
    location.assign(`/jobs/${made[0].number}`);
  } else if (body.jobs) {
    say(`${made.length} jobs were asked for.`);
  } else {
    say("Done.");
  }
}

for (const element of document.querySelectorAll(".needs-script")) {
  element.hidden = false;
}
const tokenButton = document.getElementById("token-button");
tokenButton.hidden = false;
tokenButton.addEventListener("click", askForToken);
for (const button of document.querySelectorAll("[data-post]")) {
  button.addEventListener("click", () => post(button));
}
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    say("Copied.");
  });
}

const refresh = document.getElementById("refresh");
if (refresh) {
  refresh.checked = sessionStorage.getItem("packhouse-refresh") === "on";
  refresh.addEventListener("change", () => sessionStorage.setItem("packhouse-refresh", refresh.checked ? "on" : ""));
  setInterval(() => refresh.checked && !document.hidden && !dialog.open && location.reload(), 10_000);
}
