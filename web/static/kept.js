/* What was typed on this device and is not yet on the server: kept, sent in order and once, merged where a colleague
   changed something else meanwhile. offline.js shows it. */
"use strict";
window.binomeKept = (() => {
  const SESSION = "/hors-connexion/session";
  const PATIENCE = 20000;
  const ROUNDS = 3;

  // --- the store

  const opened = new Promise((resolve, reject) => {
    const request = indexedDB.open("binome", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("kept", { keyPath: "key" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const inStore = async (mode, work) => {
    const transaction = (await opened).transaction("kept", mode, { durability: "strict" });
    return new Promise((resolve, reject) => {
      const request = work(transaction.objectStore("kept"));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  };
  const all = async () =>
    (await inStore("readonly", (store) => store.getAll())).sort((one, other) => one.order - other.order);
  const drop = (key) => inStore("readwrite", (store) => store.delete(key));
  /* Put what `make` makes of the entry that stands under `key` (undefined where none does), knowing all, in its place
     and in that of the one it stood beside, at once: a closed page leaves either the one or the other, and what the
     person saved anew is not brought back by a sending under way. What it stands beside now stays. Gives what was made. */
  const replace = async (key, make) => {
    let made;
    await inStore("readwrite", (store) => {
      const request = store.getAll();
      request.onsuccess = () => {
        const former = request.result.find((entry) => entry.key === key);
        made = make(former, request.result);
        if (!made) return;
        const places = former ? [key, former.beside] : [];
        places.filter((place) => place && place !== made.beside).forEach((place) => store.delete(place));
        store.put(made);
      };
      return request;
    });
    return made;
  };
  const change = (entry, changes) => replace(entry.key, (found) => found && { ...found, ...changes });
  /* It arrived. What else was kept of the same line, seen as it was before, has then seen what it made of it. */
  const arrived = ({ key, person, fields: { line_id: line, seen } }) =>
    inStore("readwrite", (store) => {
      const request = store.getAll();
      request.onsuccess = () => {
        request.result
          .filter(({ person: whose, fields }) => seen && whose === person && fields.line_id === line && fields.seen === seen)
          .forEach((one) => store.put({ ...one, fields: { ...one.fields, seen: `${Number(seen) + 1}` } }));
        store.delete(key);
      };
      return request;
    });
  /* Whoever throws an addition away may save what was typed over it as one of its own. */
  const discard = async (key) => {
    await drop(key);
    for (const entry of await all()) if (entry.beside === key) await change(entry, { beside: "" });
  };
  /* Why an addition cannot be opened, if so: nobody knows whether it arrived (`unsure`), or it was typed over one that
     went, or may have gone (`late`). Saving it would enter a line twice. */
  const unsure = (entry) => !entry.subject && entry.state === "kept" && entry.tried;
  const closed = (entry, entries) => {
    if (unsure(entry)) return "unsure";
    if (entry.subject || !entry.beside) return "";
    const former = entries.find(({ key }) => key === entry.beside);
    return former && !unsure(former) ? "" : "late";
  };

  // --- forms

  const controls = (form) =>
    [...form.elements].filter(
      (control) => control.name && control.name !== "csrf_token" && !["submit", "button"].includes(control.type),
    );
  const ticked = (control) => control.type === "radio" || control.type === "checkbox";
  /* The answers of a form by name, as they stand or (`shown`) as the page gave them. */
  const read = (form, shown = false) => {
    const found = {};
    controls(form).forEach((control) => {
      if (ticked(control)) {
        const chosen = shown ? control.defaultChecked : control.checked;
        found[control.name] = chosen ? control.value : found[control.name] || "";
      } else found[control.name] = shown ? control.defaultValue : control.value;
    });
    return found;
  };
  const plain = (part) => {
    const copy = part.cloneNode(true);
    copy.querySelectorAll(".optional, .visually-hidden").forEach((extra) => extra.remove());
    return copy.textContent.trim();
  };
  const labelOf = (form, control) => form.querySelector(`label[for="${control.id}"]`);
  /* What a person calls the answers: label, the part of the form they belong to, the words of what can be chosen. */
  const outline = (form) => {
    const found = new Map();
    controls(form)
      .filter((control) => control.type !== "hidden")
      .forEach((control) => {
        const label = labelOf(form, control);
        const title = ticked(control) ? control.closest("fieldset").querySelector("legend") : label;
        const part = control.closest(".panel");
        const field = found.get(control.name) || {
          name: control.name,
          label: plain(title),
          group: part ? plain(part.querySelector(".panel-title")) : "",
          options: {},
        };
        if (ticked(control)) field.options[control.value] = plain(label);
        found.set(control.name, field);
      });
    return [...found.values()];
  };
  const fill = (form, values) =>
    controls(form).forEach((control) => {
      const value = values[control.name];
      if (value === undefined) return;
      if (ticked(control)) control.checked = control.value === value;
      else control.value = value;
    });

  // --- the network

  class Away extends Error {}
  const within = (answer) =>
    answer.catch((error) => {
      throw new Away(error.message);
    });
  const ask = (address, options) => within(fetch(address, { ...options, signal: AbortSignal.timeout(PATIENCE) }));

  // --- somebody else changed it meanwhile

  const bare = (value) => (value || "").trim().replaceAll("\r\n", "\n");
  const same = (one, other) => bare(one) === bare(other);
  /* Seen, now, typed. What one of the two changed is taken from them, part by part of the form; a part that both
     changed is for a person: `choices`, with what only one of them touched chosen beforehand. */
  const merge = (entry, now) => {
    const fields = { ...now };
    const [choices, merged] = [[], []];
    new Set(entry.outline.map((field) => field.group)).forEach((group) => {
      const members = entry.outline.filter((field) => field.group === group);
      const apart = members.filter(({ name }) => !same(now[name], entry.fields[name]));
      const mine = ({ name }) => !same(entry.fields[name], entry.base[name]);
      const theirs = ({ name }) =>
        !same(now[name], entry.base[name]) && !entry.earlier.some((former) => same(former[name], now[name]));
      if (apart.some(mine) && apart.some(theirs)) {
        apart.forEach((field) => {
          const preset = mine(field) === theirs(field) ? "" : mine(field) ? "typed" : "now";
          choices.push({ ...field, preset, now: now[field.name], typed: entry.fields[field.name] });
        });
      } else if (apart.some(theirs)) merged.push(group || apart[0].label);
      else apart.forEach(({ name }) => (fields[name] = entry.fields[name]));
    });
    return { fields, choices, merged };
  };
  /* The form as the server gives it now; null where it gives none, or one of something else. */
  const formNow = async (entry) => {
    const answer = await ask(entry.page, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (!answer.ok || answer.redirected) return null;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const form = page.querySelector(`form[data-offline="${entry.subject}"]`);
    return form && read(form);
  };
  const settled = (fields, now) => ({
    key: crypto.randomUUID(),
    fields,
    base: now,
    state: "kept",
    clash: null,
    reasons: [],
    problems: {},
  });

  // --- sending

  const flat = (messages, path = "") =>
    Array.isArray(messages)
      ? { [path]: messages }
      : Object.assign({}, ...Object.entries(messages).map(([k, inner]) => flat(inner, path ? `${path}-${k}` : k)));
  const post = async (entry, token) => {
    const body = new FormData();
    Object.entries(entry.fields).forEach(([name, value]) => value !== "" && body.append(name, value));
    const headers = { Accept: "application/json", "X-CSRFToken": token, "Idempotency-Key": entry.key };
    const answer = await ask(entry.address, { method: "POST", body, headers });
    if (answer.redirected) return { status: 401, body: {} };
    if (answer.status >= 500 || answer.status === 429) throw new Away(`${answer.status}`);
    return { status: answer.status, body: await within(answer.json()) };
  };

  const sendOne = async (entry, token, report) => {
    let current = await change(entry, { tried: true });
    for (let round = 1; current; round += 1) {
      const { status, body } = await post(current, token);
      if (status === 200) {
        await arrived(current);
        report.sent.push({ entry: current, first: entry.key, ...body });
        return true;
      }
      if (status === 401 || status === 400) {
        report.session = true;
        return false;
      }
      const now = status === 409 && current.outline.length ? await formNow(current) : null;
      const met = now && merge(current, now);
      if (met && !met.choices.length && round < ROUNDS) {
        report.merged.push(...met.merged);
        current = await change(current, settled(met.fields, now));
        continue;
      }
      const reasons = (body.reasons || []).map((reason) => `${reason.message} ${reason.remedy}`.trim());
      const stopped = await change(
        current,
        met && met.choices.length
          ? { state: "clash", clash: { now, ...met } }
          : { state: "refused", status, reasons, problems: body.fields ? flat(body.fields) : {} },
      );
      if (stopped) report.stopped.push({ entry: stopped, first: entry.key });
      return true;
    }
    return true; // saved anew or thrown away meanwhile
  };
  /* Send what waits, in order, while the network and the session last. Says what became of it. */
  const send = (person) =>
    navigator.locks.request("binome-envoi", async () => {
      const report = { sent: [], stopped: [], merged: [], away: false, session: false };
      try {
        const waiting = (await all()).filter((entry) => entry.person === person && entry.state === "kept");
        if (!waiting.length) return report;
        const session = await within((await ask(SESSION, { cache: "no-store" })).json());
        report.session = String(session.person) !== person;
        for (const entry of report.session ? [] : waiting) {
          if (!(await sendOne(entry, session.csrf_token, report))) break;
        }
      } catch (error) {
        if (!(error instanceof Away)) throw error;
        report.away = true;
      }
      return report;
    });

  const settle = (entry, fields) => change(entry, settled(fields, entry.clash.now));

  return { opened, all, replace, drop, discard, closed, read, outline, fill, same, settle, send };
})();
