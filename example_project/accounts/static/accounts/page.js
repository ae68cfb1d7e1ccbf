// One page: it shows the account, and posts its forms to the API.

const byId = (id) => document.getElementById(id);
const LINKS = ["verify", "reset", "change"]; // the paths of the links in messages
const POLL_INTERVAL = 1500; // milliseconds between two requests for messages

function showMessage(text, bad = false) {
  const message = byId("message");
  message.textContent = text;
  message.hidden = !text;
  message.classList.toggle("bad", bad);
}

async function call(path, body) {
  const csrf = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
  const response = await fetch(path, {
    method: body ? "POST" : "GET",
    headers: {
      Accept: "application/json",
      ...(body && { "Content-Type": "application/json" }),
      ...(csrf && { "X-CSRFToken": csrf[1] }),
    },
    body: body && JSON.stringify(body),
  });
  const data = await response.json().catch(() => ({}));
  return { ok: response.ok, status: response.status, data, wait: response.headers.get("Retry-After") };
}

function clearErrors(form) {
  form.querySelectorAll(".error").forEach((error) => error.remove());
  form.querySelectorAll("[aria-invalid]").forEach((input) => input.removeAttribute("aria-invalid"));
}

function showErrors(form, { status, data, wait }) {
  const general = [];
  for (const [name, texts] of Object.entries(data)) {
    if (name === "code") continue;
    const text = [texts].flat().join(" ");
    const input = form.elements[name];
    if (!input || input.type === "hidden") {
      general.push(text);
      continue;
    }
    const error = Object.assign(document.createElement("span"), {
      className: "error", textContent: text, id: `${form.id}-${name}-error`,
    });
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", error.id);
    input.after(error);
  }
  if (wait) general.push(`(${wait} seconds.)`);
  if (status >= 500 && !general.length) general.push("Something went wrong. Try again soon.");
  if (general.length) showMessage(general.join(" "), true);
  form.querySelector("[aria-invalid]")?.focus();
}

// Another account has this number, too: only the owner of this one may verify it.
function showPassword(form) {
  const input = form.elements.password;
  input.closest("label").hidden = input.disabled = false;
  input.focus();
}

const THEN = {
  showDetail: (data) => showMessage(data.detail),
  registered: (data, form) => {
    byId("login").elements.username.value = form.elements.username.value;
    openTab("login");
    showMessage(data.detail);
  },
  loggedIn: async () => {
    showMessage("");
    await showAccount();
  },
  loggedOut: async (data) => {
    await showAccount();
    showMessage(data.detail);
  },
  goHome: async (data) => {
    await showAccount();
    showMessage(data.detail);
  },
  passwordReset: async (data) => {
    await showAccount();
    openTab("login");
    showMessage(`${data.detail} Log in with the new one.`);
  },
};

async function send(event) {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  clearErrors(form);
  showMessage("");
  button.disabled = true;
  try {
    const result = await call(form.dataset.post, Object.fromEntries(new FormData(form)));
    if (result.ok) {
      await THEN[form.dataset.then](result.data, form);
      form.querySelectorAll("input[type=password]").forEach((input) => (input.value = ""));
    } else if (result.data.code === "not_authenticated") {
      await showAccount(); // another request has ended the session
      showMessage("You are logged out. Log in again.", true);
    } else {
      showErrors(form, result);
      if (result.data.code === "password_required") showPassword(form);
    }
  } catch {
    showMessage("The site can’t be reached. Try again.", true);
  } finally {
    button.disabled = false;
  }
}

function openTab(name) {
  for (const tab of document.querySelectorAll("[data-tab]")) {
    const chosen = tab.dataset.tab === name;
    tab.setAttribute("aria-selected", chosen);
    byId(tab.dataset.tab).hidden = !chosen;
  }
  showMessage("");
}

function showOnly(section) {
  for (const other of document.querySelectorAll(".account > section")) {
    other.hidden = other.id !== section;
  }
}

async function showAccount() {
  if (location.pathname !== "/") history.replaceState(null, "", "/");
  const { ok, data } = await call("/me");
  showOnly(ok ? "member" : "visitor");
  if (!ok) return;
  for (const place of document.querySelectorAll("[data-me]")) {
    place.textContent = data[place.dataset.me] ?? "–";
  }
  byId("badge").textContent = data.phone_verified ? "verified" : "not verified";
  byId("badge").classList.toggle("verified", data.phone_verified);
  byId("verify-request").hidden = data.phone_verified;
  byId("verify-request").elements.phone.value = data.phone ?? "";
}

async function enterMembersRoom() {
  const { ok, data } = await call("/members");
  showMessage(data.detail, !ok);
}

// Opening a link does not redeem its token, because link previews open links too.
function showLink(name) {
  const token = new URLSearchParams(location.search).get("token") ?? "";
  byId(name).querySelector("[name=token]").value = token;
  history.replaceState(null, "", `/${name}`);
  showOnly(name);
}

function bubble({ to, body, sent_at }) {
  const [text, link] = body.split(/(?=https?:\/\/)/);
  const item = document.createElement("li");
  const when = new Date(sent_at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  item.append(Object.assign(document.createElement("p"), { textContent: text }));
  item.append(Object.assign(document.createElement("small"), { textContent: `${to} · ${when}` }));
  if (link) item.firstChild.append(Object.assign(document.createElement("a"), { href: link, textContent: link }));
  return item;
}

async function pollMessages() {
  const list = byId("messages");
  try {
    const { ok, data } = await call(list.dataset.url);
    const newest = String(data.messages?.[0]?.id ?? "");
    if (ok && newest !== list.dataset.newest) {
      list.dataset.newest = newest;
      list.replaceChildren(...data.messages.map(bubble));
      byId("no-messages").hidden = Boolean(newest);
    }
  } catch {
    // The site is unreachable; the next request may succeed.
  }
  setTimeout(pollMessages, POLL_INTERVAL);
}

document.querySelectorAll("form").forEach((form) => form.addEventListener("submit", send));
document.querySelectorAll("[data-tab]").forEach((tab) => tab.addEventListener("click", () => openTab(tab.dataset.tab)));
byId("enter").addEventListener("click", enterMembersRoom);
openTab("register");
const link = LINKS.find((name) => location.pathname === `/${name}`);
if (link) showLink(link);
else showAccount();
if (byId("messages")) pollMessages();
