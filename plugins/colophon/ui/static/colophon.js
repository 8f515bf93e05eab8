// Small comforts. Every page works without them, but for the buttons that start a run.
"use strict";

const stored = (name) => { try { return localStorage.getItem(name); } catch { return null; } };

// Times in the zone that was chosen in Airflow, with UTC in the hint.
const zone = (stored("timezone") || "UTC").replaceAll('"', "");
if (zone && zone !== "UTC") {
  try {
    const long = new Intl.DateTimeFormat("en-GB", { timeZone: zone, day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
    const narrow = new Intl.DateTimeFormat("en-GB", { timeZone: zone, day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    for (const time of document.querySelectorAll("time[datetime]:not([data-short])")) {
      time.title ||= time.textContent;
      time.textContent = (time.classList.contains("narrow") ? narrow : long).format(new Date(time.dateTime));
    }
    for (const name of document.querySelectorAll("[data-zone-name]")) name.textContent = zone;
    for (const field of document.querySelectorAll("[data-zone]")) field.value = zone;
  } catch { /* a zone that this browser does not know: UTC stays */ }
}
for (const time of document.querySelectorAll("time[data-short]")) time.title = new Date(time.dateTime).toUTCString();
for (const field of document.querySelectorAll("[data-zone]")) if (!field.value) field.disabled = true;

// Filters that are empty need not stand in the address.
for (const form of document.querySelectorAll("form.filters")) {
  form.addEventListener("submit", () => {
    for (const field of form.querySelectorAll("input, select")) if (!field.value) field.disabled = true;
  });
}
addEventListener("pageshow", () => { for (const field of document.querySelectorAll("form.filters :disabled:not([data-zone])")) field.disabled = false; });

// Inside Airflow these pages stand in a sandboxed frame that may not move the window: Airflow's own document does it.
for (const link of document.querySelectorAll("a[data-airflow]")) {
  if (window.parent === window) continue;
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    try {
      const outer = window.parent.document.createElement("a");
      outer.href = link.href;
      outer.hidden = true;
      window.parent.document.body.append(outer);
      event.preventDefault();
      outer.click();
      outer.remove();
    } catch { /* another origin around us: the link does what links do */ }
  });
}

// A row opens its delivery; selecting text in it does not.
for (const row of document.querySelectorAll("tr[data-row]")) {
  row.addEventListener("click", (event) => {
    if (event.target.closest("a, button, input") || String(getSelection())) return;
    row.querySelector("th a")?.click();
  });
}

// A small picture opens its larger one on this page.
for (const link of document.querySelectorAll("a[data-larger]")) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const frame = document.createElement("dialog");
    const picture = document.createElement("img");
    frame.className = "larger";
    frame.setAttribute("aria-label", link.getAttribute("aria-label"));
    picture.src = link.href;
    picture.alt = link.querySelector("img").alt;
    frame.append(picture);
    frame.addEventListener("click", () => frame.close());
    frame.addEventListener("close", () => { frame.remove(); link.focus(); });
    document.body.append(frame);
    frame.showModal();
  });
}

// A digest is copied whole by a double click.
for (const digest of document.querySelectorAll("[data-copy]")) {
  digest.addEventListener("dblclick", () => navigator.clipboard?.writeText(digest.dataset.copy));
}

// Redeliver
const dialog = document.getElementById("redeliver");
const outcome = document.getElementById("outcome");
document.querySelector('[data-open="redeliver"]')?.addEventListener("click", () => dialog.showModal());
dialog?.querySelector("[data-close]").addEventListener("click", () => dialog.close());

const tell = (kind, text, url, label) => {
  outcome.className = `note ${kind}`;
  outcome.textContent = text;
  if (url) {
    const link = document.createElement("a");
    link.href = url;
    link.textContent = label;
    link.addEventListener("click", (event) => {
      if (window.parent === window) return;
      event.preventDefault();
      const outer = window.parent.document.createElement("a");
      outer.href = link.href;
      window.parent.document.body.append(outer);
      outer.click();
      outer.remove();
    });
    outcome.append(" ", link);
  }
  outcome.hidden = false;
};

// Starts a run; `what` says so to people, unless the DAG is paused.
const start = async (button, action, wish, dag, what) => {
  button.disabled = true;
  try {
    const answer = await fetch(action, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(wish),
    });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error([said.error || said.detail || `Airflow answered ${answer.status}.`, said.todo].filter(Boolean).join(". "));
    tell(said.paused ? "ask" : "good", said.paused ? `The run waits: the DAG ${dag} is paused.` : what, said.url, "Open the run");
  } catch (error) {
    tell("bad", error.message);
  } finally {
    button.disabled = false;
    dialog?.close();
    outcome.scrollIntoView({ block: "nearest" });
  }
};

dialog?.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const wish = { mode: form.mode.value, dry_run: form.dry_run.checked };
  start(form.querySelector("[type=submit]"), form.getAttribute("action"), wish, "redeliver", wish.dry_run ? "A dry run has started." : "It goes again.");
});

// Buttons that start a flow: Check now, Assess now
for (const button of document.querySelectorAll("[data-start]")) {
  button.addEventListener("click", () => start(button, button.dataset.start, {}, button.dataset.dag, button.dataset.said));
}


const inBase64 = (file) => new Promise((done, failed) => {
  const reader = new FileReader();
  reader.addEventListener("load", () => done(reader.result.slice(reader.result.indexOf(",") + 1)));
  reader.addEventListener("error", () => failed(reader.error));
  reader.readAsDataURL(file);
});

// Forms that decide something: sent as JSON, the page is loaded again once it is done.
for (const form of document.querySelectorAll("form[data-post]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wish = {};
    for (const [name, value] of new FormData(form, event.submitter)) {
      const field = form.elements[name];
      const list = (field instanceof RadioNodeList ? field[0] : field)?.dataset?.list !== undefined;
      if (list) { (wish[name] ||= []).push(value); continue; }
      if (value instanceof File) { wish.name = value.name; wish[name] = await inBase64(value); continue; }
      wish[name] = field?.dataset?.number !== undefined ? (value === "" ? null : Number(value)) : field?.type === "checkbox" ? true : value;
    }
    const buttons = form.querySelectorAll("button");
    for (const button of buttons) button.disabled = true;
    try {
      const answer = await fetch(event.submitter?.dataset.postTo || form.dataset.post, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify(wish),
      });
      const said = await answer.json().catch(() => ({}));
      if (!answer.ok) throw new Error([said.error || said.detail || `Airflow answered ${answer.status}.`, said.todo].filter(Boolean).join(" "));
      try { sessionStorage.setItem("said", said.said || "Done."); } catch { /* without it the page says nothing */ }
      location.reload();
    } catch (error) {
      tell("bad", error.message);
      outcome.scrollIntoView({ block: "nearest" });
      for (const button of buttons) button.disabled = false;
    }
  });
}
try {
  const said = sessionStorage.getItem("said");
  if (said && outcome) { tell("good", said); sessionStorage.removeItem("said"); }
} catch { /* no storage: nothing to say */ }
