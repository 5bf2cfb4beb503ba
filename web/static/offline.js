/* Shows what is kept on this device (kept.js): takes in the forms marked data-offline, also half filled, lists what waits,
   sends it when the network is back, puts a clash before the person. Texts come from the page (data attributes of #kept). */
"use strict";
(() => {
  const panel = document.getElementById("kept");
  if (!panel || !("indexedDB" in window) || !("locks" in navigator) || !("timeout" in AbortSignal)) return;
  const { binomeKept: kept, binomeCarry: carry } = window;
  const text = panel.dataset;
  const find = (name, place = panel) => place.querySelector(`[data-${name}]`);
  const forms = () => [...document.querySelectorAll("form[data-offline]")];
  const formsOf = (key) => forms().filter((form) => form.dataset.entry === key);
  const copied = () => "carried" in document.documentElement.dataset;
  let person = document.body.dataset.person || "";
  let ready = false;
  let touched = false;
  let unsaved = null;
  let leaver = null;
  let ended = false;

  // --- saying

  const SAID = "binome-dit";
  const say = (lines, tone = "info") => {
    const place = document.getElementById("kept-said");
    place.replaceChildren();
    if (!lines.length) return;
    const notice = document.createElement("div");
    notice.className = `notice notice-${tone}`;
    const told = document.createElement("div");
    lines.forEach((line) => told.append(Object.assign(document.createElement("p"), { textContent: line })));
    notice.append(told);
    place.append(notice);
  };
  const sayThere = (lines, tone) => sessionStorage.setItem(SAID, JSON.stringify([lines, tone]));
  const count = (one, many, n) => (n === 1 ? one : many.replace("{n}", n));
  const met = (report) => {
    const overtaken = report.sent.flatMap((sent) => sent.overtaken);
    return [
      ...(overtaken.length ? [text.saidOvertaken.replace("{what}", overtaken.join(", "))] : []),
      ...(report.merged.length ? [text.saidMerged.replace("{what}", report.merged.join(", "))] : []),
    ];
  };

  // --- the list

  const words = (field, value) => field.options[value] || value || text.nothing;
  const changedIn = (entry) =>
    entry.outline.filter(({ name }) => {
      const [now, before] = [entry.fields[name], entry.base[name]];
      return kept.same(now, before) ? !entry.subject && now : true;
    });
  const addField = (list, field, value) => {
    const label = document.createElement("dt");
    label.textContent = field.group && !field.label.includes(field.group) ? `${field.group} – ${field.label}` : field.label;
    const content = document.createElement("dd");
    content.className = "written";
    content.textContent = value === "" ? text.emptied : words(field, value);
    list.append(label, content);
  };
  const showClash = (place, entry) => {
    if (!entry.clash) return;
    entry.clash.choices.forEach((choice, rank) => {
      const part = document.getElementById("kept-clash").content.cloneNode(true);
      const label = choice.group && !choice.label.includes(choice.group) ? `${choice.group} – ${choice.label}` : choice.label;
      part.querySelector("legend").textContent = label;
      part.querySelectorAll(".choice").forEach((side) => {
        const [input, caption] = [side.querySelector("input"), side.querySelector("label")];
        input.name = `${entry.key}-${rank}`;
        input.id = caption.htmlFor = `kept-${entry.key}-${rank}-${input.value}`;
        input.checked = choice.preset === input.value;
        side.querySelector("[data-value]").textContent = words(choice, choice[input.value]);
      });
      place.append(part);
    });
    if (entry.clash.merged.length) {
      const line = document.createElement("p");
      line.textContent = text.saidMerged.replace("{what}", entry.clash.merged.join(", "));
      place.append(line);
    }
    const end = document.getElementById("kept-clash-send").content.cloneNode(true);
    end.querySelector("button").addEventListener("click", () => settle(place, entry));
    place.append(end);
  };
  const settle = async (place, entry) => {
    const chosen = entry.clash.choices.map(
      (_, rank) => (place.querySelector(`[name="${entry.key}-${rank}"]:checked`) || {}).value,
    );
    find("missing", place).hidden = !chosen.includes(undefined);
    if (chosen.includes(undefined)) return;
    const fields = { ...entry.clash.fields };
    entry.clash.choices.forEach((choice, rank) => (fields[choice.name] = choice[chosen[rank]]));
    await kept.settle(entry, fields);
    await flush("asked");
  };
  const showOne = (entry, mine) => {
    const closed = kept.closed(entry, mine);
    const state = closed || entry.state;
    const line = document.getElementById("kept-one").content.cloneNode(true);
    const slot = (name) => line.querySelector(`[data-slot=${name}]`);
    const place = line.firstElementChild;
    place.dataset.state = entry.state;
    slot("title").textContent = entry.title;
    slot("at").textContent = carry.moment(entry.at);
    slot("state").textContent = text[`state${state[0].toUpperCase()}${state.slice(1)}`];
    const beside = Object.values(entry.problems).flat();
    const gone = entry.status === 404 && entry.subject ? [text.saidGone] : null;
    (gone || [...(beside.length ? [] : entry.reasons), ...beside]).forEach((reason) =>
      slot("reasons").append(Object.assign(document.createElement("li"), { textContent: reason })),
    );
    slot("reasons").hidden = !slot("reasons").children.length;
    changedIn(entry).forEach((field) => addField(slot("fields"), field, entry.fields[field.name]));
    slot("open").href = `${entry.page}#saisie=${entry.key}`;
    slot("open").hidden = closed || entry.state === "clash";
    slot("drop").addEventListener("click", async () => {
      await kept.discard(entry.key);
      formsOf(entry.key).forEach((form) => delete form.dataset.entry);
      await show();
    });
    showClash(slot("clash"), entry);
    return line;
  };
  const show = async () => {
    const entries = await kept.all();
    const mine = entries.filter((entry) => entry.person === person);
    const others = entries.length - mine.length;
    find("kept-count").textContent = count(text.one, text.many, mine.length);
    find("kept-list").replaceChildren(...mine.map((entry) => showOne(entry, mine)));
    find("kept-mine").hidden = find("kept-count").closest("h2").hidden = !mine.length;
    if (mine.some((entry) => entry.state !== "kept")) find("kept-all").open = true;
    find("kept-send").hidden = ended || !mine.some((entry) => entry.state === "kept");
    find("kept-others").hidden = !others;
    find("kept-others").textContent = count(text.othersOne, text.othersMany, others);
    panel.hidden = !entries.length;
    return mine;
  };

  // --- beside the fields

  const mark = (form, problems) => {
    form.querySelectorAll("[data-kept-error]").forEach((note) => note.remove());
    form.querySelectorAll(".field-invalid").forEach((field) => field.classList.remove("field-invalid"));
    form.querySelectorAll("[aria-invalid]").forEach((control) => control.removeAttribute("aria-invalid"));
    let first = null;
    Object.entries(problems).forEach(([name, messages]) => {
      const control = form.querySelector(`[name="${CSS.escape(name)}"]`);
      const field = control && control.closest(".field");
      if (!field) return;
      const note = document.getElementById("kept-error").content.firstElementChild.cloneNode(true);
      note.id = `${control.id}-error`;
      note.querySelector("span").textContent = messages.join(" ");
      field.classList.add("field-invalid");
      field.querySelector(".form-label").after(note);
      control.setAttribute("aria-invalid", "true");
      const described = control.getAttribute("aria-describedby") || "";
      if (!described.includes(note.id)) control.setAttribute("aria-describedby", `${described} ${note.id}`.trim());
      first = first || control;
    });
    if (first) first.focus();
  };
  const refill = (form, entry) => {
    form.dataset.entry = entry.key;
    if (!entry.outline.length) return; // nothing was typed: what is removed is read over as it stands now
    kept.fill(form, entry.fields);
    mark(form, entry.problems);
    say([text.saidRefilled]);
  };
  /* A form that changes one thing shows what is kept of it; one that adds, what was begun, or what the address names.
     What was begun goes before what waits, which it stands beside. */
  const refillAll = (mine) =>
    forms().forEach((form) => {
      const here = mine
        .filter((entry) => entry.address === form.getAttribute("action") && entry.state !== "clash")
        .filter((entry) => !kept.closed(entry, mine))
        .sort((one, other) => (other.state === "draft") - (one.state === "draft"));
      const named = here.find(({ key, beside }) => [key, beside].some((one) => location.hash === `#saisie=${one}`));
      const own = here.find(
        (entry) => entry.subject === form.dataset.offline && (entry.subject || entry.state === "draft"),
      );
      if (named || own) refill(form, named || own);
    });

  // --- keeping and sending

  const sentFrom = new WeakMap();
  /* What is begun over an entry that waits stands beside it, and is saved in the place of both. What is typed over an
     addition that went, or may have gone, is never more than begun. */
  const keep = (form, state = "kept") => {
    const formerKey = form.dataset.entry || "";
    const { offline: subject, offlineTitle, offlineName } = form.dataset;
    const fields = kept.read(form);
    const name = offlineName && fields[offlineName];
    const entry = {
      key: crypto.randomUUID(),
      order: Date.now(),
      person,
      address: form.getAttribute("action"),
      page: location.pathname + location.search,
      title: name ? `${offlineTitle} – ${name}` : offlineTitle,
      subject,
      fields,
      base: kept.read(form, true),
      outline: kept.outline(form),
      at: new Date().toISOString(),
      state,
      reasons: [],
      problems: {},
      clash: null,
      tried: false,
      earlier: sentFrom.get(form) || [],
      beside: "",
    };
    const make = (former, entries) => {
      const waits = former && ["kept", "clash"].includes(former.state);
      const beside = former && !waits ? former.beside : formerKey;
      const late = kept.closed({ subject: (former || entry).subject, beside }, entries);
      const begun = late || (state === "draft" && entries.some(({ key }) => key === beside));
      const made = begun ? { ...entry, state: "draft", beside } : entry;
      if (!former) return made;
      const sent = former.tried || (begun && waits) ? [former.fields] : [];
      const earlier = [...former.earlier, ...entry.earlier, ...sent];
      return { ...made, order: former.order, base: former.base, earlier };
    };
    form.dataset.entry = entry.key; // at once: what is saved next stands for this one
    return kept.replace(formerKey, make).catch((error) => {
      if (form.dataset.entry === entry.key) form.dataset.entry = formerKey;
      throw error;
    });
  };
  const afterwards = async (report) => {
    for (const { entry, first } of report.sent) {
      await carry.outdate(entry.address, entry.fields.line_id);
      if (!entry.subject) continue; // a form that shows an addition that went is known by it
      formsOf(first).forEach((form) => {
        sentFrom.set(form, [...(sentFrom.get(form) || []), entry.fields]);
        delete form.dataset.entry;
      });
    }
    report.stopped.forEach(({ entry, first }) => formsOf(first).forEach((form) => (form.dataset.entry = entry.key)));
  };
  const release = (form) => {
    delete form.dataset.sent;
    form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  };
  const stopAt = async (report) => {
    await show();
    report.stopped.forEach(({ entry }) => formsOf(entry.key).forEach((form) => mark(form, entry.problems)));
    const clash = panel.querySelector("[data-state=clash]");
    if (clash && report.stopped.some(({ entry }) => entry.state === "clash")) {
      panel.focus();
      clash.scrollIntoView();
    }
  };
  const trouble = (report, quiet) => {
    ended = report.session;
    find("kept-sign-in").hidden = !ended;
    find("kept-sign-in").href = `${text.signIn}?next=${encodeURIComponent(location.pathname + location.search)}`;
    if (report.session) say([text.saidSession], "warning");
    else if (report.away && !quiet) say([text.saidAway], "warning");
  };
  const followsWork = () => Boolean(forms().length || copied() || document.querySelector("[data-carry]"));

  const showAnew = (lines, tone) => {
    sayThere(lines, tone);
    forms().forEach((form) => form.reset()); // some browsers bring back what stood in them
    location.reload();
  };

  /* Send what waits, because the page came, the network is back or the person asks for it. Whether the page goes: it
     showed what was before, and nobody is typing into it. */
  const flush = async (why) => {
    const report = await kept.send(person);
    await afterwards(report);
    const n = report.sent.length;
    const lines = n ? [count(text.saidOne, text.saidMany, n), ...met(report)] : [];
    const old = n || (why === "online" && copied() && !report.away);
    if (old && followsWork() && !touched) {
      showAnew(lines, "success");
      return true;
    }
    if (n || report.stopped.length) say(lines, "success");
    trouble(report, why !== "asked");
    await stopAt(report);
    return false;
  };
  const submit = async (form) => {
    let entry;
    try {
      entry = await keep(form);
      touched = false;
    } catch {
      release(form);
      if (navigator.onLine) form.submit();
      else say([text.saidFull], "danger");
      return;
    }
    const report = await kept.send(person);
    await afterwards(report);
    const sent = report.sent.find((one) => one.first === entry.key);
    if (sent) {
      sayThere([sent.done, ...met(report)], "success");
      location.assign(sent.next);
      return;
    }
    release(form);
    if (entry.state === "draft" && navigator.onLine) {
      showAnew([text.stateLate], "warning");
      return;
    }
    const stopped = report.stopped.find((one) => one.first === entry.key);
    if (!stopped && !entry.subject) {
      form.reset();
      delete form.dataset.entry;
    }
    if (stopped) say([]);
    else if (entry.state === "draft") say([text.stateLate], "warning");
    else say([report.session ? text.saidSession : text.saidKept], report.session ? "warning" : "success");
    trouble(report, true);
    await stopAt(report);
    if (!stopped) document.getElementById("kept-said").scrollIntoView({ block: "center" });
  };

  // --- signing out

  const go = async (form) => {
    const { serviceWorker } = navigator;
    if (!serviceWorker || !serviceWorker.controller) await carry.forget(); // the worker does once it is answered
    form.submit();
  };
  const leave = async (form) => {
    if (!navigator.onLine) {
      say([text.saidSignOut], "warning");
      return;
    }
    if (!(await show()).length) {
      await go(form);
      return;
    }
    leaver = form;
    const warning = document.getElementById("kept-leave");
    warning.hidden = false;
    document.querySelectorAll("details[data-menu][open]").forEach((menu) => (menu.open = false));
    warning.focus();
  };
  const answerLeave = async (answer) => {
    if (answer === "drop") {
      for (const entry of await show()) await kept.drop(entry.key);
    }
    if (answer !== "stay") await go(leaver);
    document.getElementById("kept-leave").hidden = true;
  };

  // --- what happens

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!ready || event.defaultPrevented) return;
    if (form.matches("[data-signout]")) {
      event.preventDefault();
      leave(form);
    } else if (form.matches("[data-offline]")) {
      event.preventDefault();
      unsaved = null;
      submit(form);
    }
  });
  const typing = (event) => event.target.form && event.target.form.matches("[data-offline]") && event.target.form;
  document.addEventListener("input", (event) => {
    if (!typing(event)) return;
    touched = true;
    unsaved = typing(event);
  });
  /* A phone drops pages that are out of sight: what was begun is kept as far as it got. */
  const keepBegun = () => {
    if (!ready || !unsaved) return;
    keep(unsaved, "draft").catch(() => {}); // no room: nothing was promised yet, saving the form says so
    unsaved = null;
  };
  document.addEventListener("change", keepBegun);
  document.addEventListener("visibilitychange", keepBegun);
  panel.addEventListener("click", (event) => {
    if (event.target.closest("[data-kept-send]")) flush("asked");
    const choice = event.target.closest("[data-leave]");
    if (choice) answerLeave(choice.dataset.leave);
  });
  const arrive = async () => {
    ready = true;
    const told = sessionStorage.getItem(SAID);
    sessionStorage.removeItem(SAID);
    if (told) say(...JSON.parse(told));
    if (!person) person = ((await carry.list())[0] || {}).person || "";
    if ((await show()).length && navigator.onLine && (await flush("came"))) return;
    refillAll(await show());
    if (navigator.onLine) await carry.refresh();
  };
  window.addEventListener("online", () => flush("online"));
  window.addEventListener("hashchange", async () => refillAll(await show()));
  kept.opened.then(arrive, () => {}); // a browser that keeps nothing (private window) goes on as without this script
})();
